// The simulated clock door: one a node. Monotonic time runs at the node's own rate from an
// arbitrary start that differs at every boot; wall time follows it, off by a skew, and can be
// stepped.
#pragma once

#include "absl/time/time.h"
#include "base/clock.h"

namespace tholos::base::sim {

class Simulation;

class SimClock final : public Clock {
 public:
  // 2026-01-01 00:00:00 UTC: wall time of a node without skew when the simulation starts.
  static constexpr int64_t kEpochWallMicros = 1'767'225'600'000'000;

  explicit SimClock(const Simulation& simulation) : simulation_(simulation) {}

  MonotonicTime Now() const override;
  int64_t WallMicros() const override;

  // Nemeses. Drift is how much faster (or, below zero, slower) than true time this node's clocks
  // run, in millionths; it takes effect from now on.
  void SetDrift(int64_t parts_per_million);
  void StepWall(absl::Duration step) { wall_skew_micros_ += absl::ToInt64Microseconds(step); }
  // The node booted: monotonic time goes on from `start`, wall time is not affected.
  void RestartMonotonic(MonotonicTime start);

  // The global time at which Now() will reach `local`, if the drift stays.
  MonotonicTime GlobalTimeOf(MonotonicTime local) const;

 private:
  // Local nanoseconds that have passed since the simulation started.
  int64_t LocalNanos() const;

  const Simulation& simulation_;
  int64_t drift_ppm_ = 0;
  int64_t drift_since_global_ = 0;
  int64_t drift_since_local_ = 0;
  int64_t monotonic_offset_ = 0;
  int64_t wall_skew_micros_ = 0;
};

}  // namespace tholos::base::sim
