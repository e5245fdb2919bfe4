// Latencies in buckets that are at most 1/64 of the value wide, from a microsecond to hours.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace tholos::cli {

// Record is thread-safe; the others may lag behind it.
class LatencyHistogram {
 public:
  void Record(absl::Duration latency);
  uint64_t count() const;
  // The upper end of the bucket that holds the quantile (0..1); zero if nothing was recorded.
  absl::Duration Quantile(double q) const;
  absl::Duration Max() const { return absl::Microseconds(max_.load(std::memory_order_relaxed)); }

 private:
  // Values below 128 us have a bucket each; above, 64 buckets per power of two.
  static constexpr int kLinear = 128;
  static constexpr int kPerPower = 64;
  static constexpr int kPowers = 32;
  static int BucketOf(uint64_t micros);
  static uint64_t UpperOf(int bucket);
  std::array<std::atomic<uint64_t>, kLinear + kPerPower * kPowers> buckets_{};
  std::atomic<int64_t> max_{0};
};

// "1.23 ms"
std::string FormatLatency(absl::Duration latency);

}  // namespace tholos::cli
