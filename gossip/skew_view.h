// How wrong this node's wall clock is, as every shard may ask at any time. The gossiper (shard 0)
// publishes what the peers' clocks say (clock_skew.h).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace tholos::gossip {

// Thread-safe and lock-free.
class SkewView {
 public:
  // Beyond `max`, to either side, the clock is too wrong to decide anything. Infinite: never.
  explicit SkewView(absl::Duration max = absl::InfiniteDuration())
      : max_micros_(absl::ToInt64Microseconds(max)) {}

  bool TooWrong() const {
    const int64_t ahead = ahead_micros_.load(std::memory_order_relaxed);
    return ahead > max_micros_ || ahead < -max_micros_;
  }
  // How far this node's clock is ahead of the cluster's (behind: below zero); zero as long as
  // nothing is known.
  absl::Duration ahead() const {
    return absl::Microseconds(ahead_micros_.load(std::memory_order_relaxed));
  }
  // Infinite: there is no bound.
  absl::Duration max() const {
    return max_micros_ == kNoBound ? absl::InfiniteDuration() : absl::Microseconds(max_micros_);
  }

  // For the gossiper.
  void Publish(absl::Duration ahead) {
    ahead_micros_.store(std::clamp(absl::ToInt64Microseconds(ahead), -kNoBound, kNoBound),
                        std::memory_order_relaxed);
  }

 private:
  static constexpr int64_t kNoBound = std::numeric_limits<int64_t>::max();
  const int64_t max_micros_;
  std::atomic<int64_t> ahead_micros_ = 0;
};

}  // namespace tholos::gossip
