// The kernel's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
#pragma once

#include "base/clock.h"

namespace tholos::base {

class RealClock final : public Clock {
 public:
  MonotonicTime Now() const override;
  int64_t WallMicros() const override;
};

}  // namespace tholos::base
