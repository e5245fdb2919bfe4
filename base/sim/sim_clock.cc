#include "base/sim/sim_clock.h"

#include "base/check.h"
#include "base/sim/simulation.h"

namespace tholos::base::sim {
namespace {

__extension__ using Wide = __int128;
constexpr int64_t kMillion = 1'000'000;

}  // namespace

int64_t SimClock::LocalNanos() const {
  const Wide elapsed = simulation_.now().nanos - drift_since_global_;
  return drift_since_local_ + static_cast<int64_t>(elapsed * (kMillion + drift_ppm_) / kMillion);
}

MonotonicTime SimClock::Now() const { return {monotonic_offset_ + LocalNanos()}; }

int64_t SimClock::WallMicros() const {
  return kEpochWallMicros + LocalNanos() / 1000 + wall_skew_micros_;
}

void SimClock::SetDrift(int64_t parts_per_million) {
  THOLOS_CHECK(parts_per_million > -kMillion) << "time does not run backwards";
  drift_since_local_ = LocalNanos();
  drift_since_global_ = simulation_.now().nanos;
  drift_ppm_ = parts_per_million;
}

void SimClock::RestartMonotonic(MonotonicTime start) {
  monotonic_offset_ = start.nanos - LocalNanos();
}

MonotonicTime SimClock::GlobalTimeOf(MonotonicTime local) const {
  if (local == MonotonicTime::Infinite()) return local;
  const Wide wanted = static_cast<Wide>(local.nanos) - monotonic_offset_ - drift_since_local_;
  const Wide rate = kMillion + drift_ppm_;
  // Rounded up: at the time that is returned the local clock has reached `local`.
  const Wide elapsed = wanted <= 0 ? 0 : (wanted * kMillion + rate - 1) / rate;
  const Wide global = elapsed + drift_since_global_;
  if (global >= MonotonicTime::Infinite().nanos) return MonotonicTime::Infinite();
  return {static_cast<int64_t>(global)};
}

}  // namespace tholos::base::sim
