#include "base/real/blocking_pool.h"

#include <string>

#include "base/check.h"
#include "base/real/threads.h"

namespace tholos::base {

struct BlockingPool::DetachedCall final : Call {
  explicit DetachedCall(absl::AnyInvocable<void()> f) : function(std::move(f)) {}
  void Execute() override {
    function();
    delete this;
  }
  absl::AnyInvocable<void()> function;
};

void BlockingPool::RunDetached(absl::AnyInvocable<void()> function) {
  auto* call = new DetachedCall(std::move(function));
  if (!TrySubmit(call)) call->Execute();
}

void BlockingPool::Submit(Call* call) {
  THOLOS_CHECK(TrySubmit(call)) << "a blocking call after its pool was stopped";
}

bool BlockingPool::TrySubmit(Call* call) {
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  (last_ != nullptr ? last_->next : first_) = call;
  last_ = call;
  ++depth_;
  if (idle_ == 0 && static_cast<int>(threads_.size()) < threads_max_) {
    threads_.push_back(
        StartThread("io-" + std::to_string(threads_.size()), [this] { ThreadMain(); }));
  }
  changed_.notify_one();
  return true;
}

void BlockingPool::ThreadMain() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (first_ != nullptr) {
      Call* call = first_;
      first_ = call->next;
      if (first_ == nullptr) last_ = nullptr;
      --depth_;
      lock.unlock();
      call->Execute();
      lock.lock();
    } else if (stopping_) {
      return;
    } else {
      ++idle_;
      changed_.wait(lock);
      --idle_;
    }
  }
}

void BlockingPool::Stop() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

size_t BlockingPool::depth() const {
  std::lock_guard lock(mutex_);
  return depth_;
}

}  // namespace tholos::base
