// Semaphore: a bounded resource (bytes, requests) shared by the tasks of one loop, first come first
// served.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "base/async/event.h"
#include "base/async/task.h"

namespace tholos::base {

class Semaphore {
 public:
  explicit Semaphore(int64_t units) : available_(units), capacity_(units) {}
  Semaphore(const Semaphore&) = delete;

  // What was acquired; the destructor gives it back.
  class Units {
   public:
    Units() = default;
    Units(Semaphore* semaphore, int64_t count) : semaphore_(semaphore), count_(count) {}
    Units(Units&& o) noexcept
        : semaphore_(std::exchange(o.semaphore_, nullptr)), count_(std::exchange(o.count_, 0)) {}
    Units& operator=(Units&& o) noexcept {
      Release();
      semaphore_ = std::exchange(o.semaphore_, nullptr);
      count_ = std::exchange(o.count_, 0);
      return *this;
    }
    ~Units() { Release(); }
    void Release();
    int64_t count() const { return count_; }
    explicit operator bool() const { return semaphore_ != nullptr; }

   private:
    Semaphore* semaphore_ = nullptr;
    int64_t count_ = 0;
  };

  // Waits for `count` units; a request beyond the capacity is served alone, once all units are
  // free.
  Task<Units> Acquire(int64_t count);
  // Nothing if they are not free now, or somebody waits already.
  Units TryAcquire(int64_t count);

  int64_t available() const { return available_; }
  int64_t capacity() const { return capacity_; }
  size_t waiters() const { return waiters_.size(); }

 private:
  struct Waiter {
    int64_t count;
    Event granted;
  };
  void Grant();
  int64_t available_;
  const int64_t capacity_;
  std::deque<Waiter*> waiters_;
};

}  // namespace tholos::base
