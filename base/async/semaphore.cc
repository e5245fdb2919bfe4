#include "base/async/semaphore.h"

#include <algorithm>

namespace tholos::base {

Task<Semaphore::Units> Semaphore::Acquire(int64_t count) {
  count = std::min(count, capacity_);
  Units now = TryAcquire(count);
  if (now) co_return now;
  Waiter waiter{count, {}};
  waiters_.push_back(&waiter);
  co_await waiter.granted.Wait();
  co_return Units(this, count);
}

Semaphore::Units Semaphore::TryAcquire(int64_t count) {
  if (!waiters_.empty() || available_ < count) return Units();
  available_ -= count;
  return Units(this, count);
}

void Semaphore::Units::Release() {
  if (semaphore_ == nullptr) return;
  Semaphore* semaphore = std::exchange(semaphore_, nullptr);
  semaphore->available_ += std::exchange(count_, 0);
  if (!Loop::CurrentCrashed()) semaphore->Grant();
}

void Semaphore::Grant() {
  while (!waiters_.empty() && waiters_.front()->count <= available_) {
    Waiter* waiter = waiters_.front();
    waiters_.pop_front();
    available_ -= waiter->count;
    waiter->granted.Set();
  }
}

}  // namespace tholos::base
