// The clock door. Nothing outside base/ reads a clock any other way.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/time.h"

namespace tholos::base {

// Thread-safe. Timers fire on the loop that asked for them.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual MonotonicTime Now() const = 0;
  // Microseconds since the Unix epoch. It may step, backwards too, and differs between nodes.
  virtual int64_t WallMicros() const = 0;

  int64_t WallSeconds() const { return WallMicros() / 1'000'000; }
};

// Returns at `when` or later, on the current loop. Destroying the task cancels the timer.
Task<void> SleepUntil(MonotonicTime when);
// The same, counted from now by the current loop's clock.
Task<void> SleepFor(absl::Duration span);

}  // namespace tholos::base
