// When a read counts as slow, and how often one may act on it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/time/time.h"

namespace tholos::coordinator {

// The 99th percentile of the last 256 latencies, estimated again after every 64. Confined to a
// shard.
class LatencyEstimate {
 public:
  void Observe(absl::Duration latency) {
    recent_[count_++ % recent_.size()] = latency;
    if (count_ % 64 == 0) Estimate();
  }
  // Zero until there were 64.
  absl::Duration p99() const { return p99_; }

 private:
  void Estimate() {
    auto sorted = recent_;
    const auto size = static_cast<std::ptrdiff_t>(std::min(count_, recent_.size()));
    const auto at = sorted.begin() + size * 99 / 100;
    std::nth_element(sorted.begin(), at, sorted.begin() + size);
    p99_ = *at;
  }

  std::array<absl::Duration, 256> recent_;
  size_t count_ = 0;
  absl::Duration p99_;
};

// Extra requests as a share of the normal ones: each normal one earns a share of an extra one.
// Confined to a shard.
class ExtraBudget {
 public:
  static constexpr double kShare = 0.05;
  static constexpr double kSavedMax = 10;

  void Earn() { saved_ = std::min(saved_ + kShare, kSavedMax); }
  bool Spend() {
    if (saved_ < 1) return false;
    saved_ -= 1;
    return true;
  }

 private:
  double saved_ = kSavedMax;
};

}  // namespace tholos::coordinator
