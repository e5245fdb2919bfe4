// Mutex: std::mutex with the annotations that let -Wthread-safety check who holds what. Not
// absl::Mutex: that lives in a library which ThreadSanitizer cannot see into, and what it orders
// would look like races.
#pragma once

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace tholos::base {

class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->lock();
  }
  MutexLock(const MutexLock&) = delete;
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->unlock(); }

 private:
  Mutex* const mutex_;
};

}  // namespace tholos::base
