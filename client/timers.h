// A thread that calls back when it is time: pauses, deadlines, the next look at the cluster.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "base/real/real_clock.h"
#include "base/time.h"

namespace tholos::client {

// Thread-safe. What is called runs on the one thread, so it must not block.
class Timers {
 public:
  Timers();
  // Stop, if it was not called.
  ~Timers();

  base::MonotonicTime Now() const { return clock_.Now(); }
  // After Stop: not at all; what was given is dropped.
  void At(base::MonotonicTime when, absl::AnyInvocable<void()> call);
  // Drops what is to come and ends the thread. Not on the thread.
  void Stop();

 private:
  void Run();

  const base::RealClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<base::MonotonicTime, uint64_t>, absl::AnyInvocable<void()>> calls_;
  uint64_t next_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace tholos::client
