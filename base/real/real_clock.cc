#include "base/real/real_clock.h"

#include <time.h>

namespace tholos::base {

MonotonicTime RealClock::Now() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec};
}

int64_t RealClock::WallMicros() const {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace tholos::base
