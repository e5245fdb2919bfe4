// Points in time. Spans are absl::Duration.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace tholos::base {

// A reading of the monotonic clock: nanoseconds since an arbitrary start; comparable on one node
// only. On the wire a deadline is sent as the time that remains.
struct MonotonicTime {
  int64_t nanos = 0;

  static constexpr MonotonicTime Infinite() { return {std::numeric_limits<int64_t>::max()}; }

  friend auto operator<=>(MonotonicTime, MonotonicTime) = default;
  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d) {
    if (t == Infinite() || d == absl::InfiniteDuration()) return Infinite();
    return {t.nanos + absl::ToInt64Nanoseconds(d)};
  }
  friend MonotonicTime operator-(MonotonicTime t, absl::Duration d) { return t + (-d); }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    if (a == Infinite()) return absl::InfiniteDuration();
    return absl::Nanoseconds(a.nanos - b.nanos);
  }
};

// The moment after which nobody waits for the answer.
using Deadline = MonotonicTime;

}  // namespace tholos::base
