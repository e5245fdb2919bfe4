#include "base/real/mailbox.h"

#include <iterator>
#include <utility>

namespace tholos::base {

bool Mailbox::Put(Work work) {
  std::lock_guard lock(mutex_);
  mail_.push_back(std::move(work));
  has_mail_.store(true, std::memory_order_release);
  return std::exchange(asleep_, false);
}

void Mailbox::TakeAll(std::vector<Work>* out) {
  if (!has_mail_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  if (out->empty()) {
    out->swap(mail_);
  } else {
    out->insert(out->end(), std::make_move_iterator(mail_.begin()),
                std::make_move_iterator(mail_.end()));
    mail_.clear();
  }
  has_mail_.store(false, std::memory_order_release);
}

bool Mailbox::TryFallAsleep() {
  std::lock_guard lock(mutex_);
  if (!mail_.empty()) return false;
  asleep_ = true;
  return true;
}

void Mailbox::Awake() {
  std::lock_guard lock(mutex_);
  asleep_ = false;
}

size_t Mailbox::depth() const {
  std::lock_guard lock(mutex_);
  return mail_.size();
}

}  // namespace tholos::base
