// When a read counts as slow, and how often one may act on it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/time/time.h"

namespace tholos::coordinator {

// Percentiles of the last 256 latencies, estimated again after every 64. Confined to a shard.
class LatencyEstimate {
 public:
  void Observe(absl::Duration latency) {
    recent_[count_++ % recent_.size()] = latency;
    if (count_ % 64 == 0) Estimate();
  }
  // Zero until there were 64.
  absl::Duration Percentile(double percentile) const {
    if (sorted_count_ == 0) return absl::ZeroDuration();
    const auto at = static_cast<size_t>(static_cast<double>(sorted_count_) * percentile / 100);
    return sorted_[std::min(at, sorted_count_ - 1)];
  }
  absl::Duration p99() const { return Percentile(99); }

 private:
  void Estimate() {
    sorted_ = recent_;
    sorted_count_ = std::min(count_, recent_.size());
    std::sort(sorted_.begin(), sorted_.begin() + static_cast<std::ptrdiff_t>(sorted_count_));
  }

  std::array<absl::Duration, 256> recent_;
  size_t count_ = 0;
  std::array<absl::Duration, 256> sorted_;
  size_t sorted_count_ = 0;
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
