#include "coordinator/read/read_sharing.h"

#include <utility>

namespace tholos::coordinator {

base::Task<std::optional<absl::StatusOr<ReadPage>>> ReadSharing::Turn::Wait(
    base::Deadline deadline) {
  while (led_ == nullptr) {
    Entry& entry = sharing_->entries_[key_];
    if (entry.next == nullptr && entry.running < kAlone) {
      ++entry.running;
      running_ = true;
      co_return std::nullopt;
    }
    if (entry.next == nullptr) {
      entry.next = led_ = std::make_shared<SharedRead>();
      break;
    }
    const std::shared_ptr<SharedRead> shared = entry.next;
    ++shared->followers;
    if (!co_await shared->done.WaitUntil(deadline))
      co_return absl::StatusOr<ReadPage>(absl::DeadlineExceededError("waited for an equal read"));
    if (!absl::IsDeadlineExceeded(shared->page->status())) co_return *shared->page;
  }
  const std::shared_ptr<SharedRead> own = led_;
  const bool begun = co_await own->may_begin.WaitUntil(deadline);
  // Who comes from now on may not share it.
  Entry& entry = sharing_->entries_[key_];
  if (entry.next == own && !sharing_->faults_.shared_with_older) entry.next = nullptr;
  if (!begun) {
    Done(absl::DeadlineExceededError("waited for an equal read"));
    co_return absl::StatusOr<ReadPage>(absl::DeadlineExceededError("waited for an equal read"));
  }
  ++entry.running;
  running_ = true;
  co_return std::nullopt;
}

void ReadSharing::Turn::Done(const absl::StatusOr<ReadPage>& page) {
  if (led_ == nullptr) return;
  if (sharing_->faults_.shared_with_older) {
    Entry& entry = sharing_->entries_[key_];
    if (entry.next == led_) entry.next = nullptr;
  }
  if (led_->followers > 0) led_->page = page;
  led_->done.Set();
  led_ = nullptr;
}

ReadSharing::Turn::~Turn() {
  if (base::Loop::CurrentCrashed()) return;
  const auto it = sharing_->entries_.find(key_);
  if (it == sharing_->entries_.end()) return;
  if (running_) --it->second.running;
  if (it->second.next != nullptr && it->second.running < kAlone) it->second.next->may_begin.Set();
  if (it->second.running == 0 && it->second.next == nullptr) sharing_->entries_.erase(it);
}

}  // namespace tholos::coordinator
