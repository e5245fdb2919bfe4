#include "cli/latency.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"

namespace tholos::cli {

int LatencyHistogram::BucketOf(uint64_t micros) {
  if (micros < kLinear) return static_cast<int>(micros);
  const int power = std::bit_width(micros) - 1;  // >= 7
  const int within = static_cast<int>((micros >> (power - 6)) & (kPerPower - 1));
  return std::min(kLinear + (power - 7) * kPerPower + within, kLinear + kPerPower * kPowers - 1);
}

uint64_t LatencyHistogram::UpperOf(int bucket) {
  if (bucket < kLinear) return static_cast<uint64_t>(bucket);
  const int power = (bucket - kLinear) / kPerPower + 7;
  const int within = (bucket - kLinear) % kPerPower;
  return ((uint64_t{kPerPower} + within + 1) << (power - 6)) - 1;
}

void LatencyHistogram::Record(absl::Duration latency) {
  const int64_t micros = std::max<int64_t>(0, absl::ToInt64Microseconds(latency));
  buckets_[BucketOf(static_cast<uint64_t>(micros))].fetch_add(1, std::memory_order_relaxed);
  int64_t max = max_.load(std::memory_order_relaxed);
  while (micros > max && !max_.compare_exchange_weak(max, micros, std::memory_order_relaxed)) {
  }
}

uint64_t LatencyHistogram::count() const {
  uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

absl::Duration LatencyHistogram::Quantile(double q) const {
  const uint64_t total = count();
  if (total == 0) return absl::ZeroDuration();
  const auto rank = static_cast<uint64_t>(q * static_cast<double>(total - 1)) + 1;
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= rank) return std::min(Max(), absl::Microseconds(UpperOf(static_cast<int>(i))));
  }
  return Max();
}

std::string FormatLatency(absl::Duration latency) {
  const double micros = absl::ToDoubleMicroseconds(latency);
  if (micros < 1000) return absl::StrFormat("%.0f us", micros);
  if (micros < 1'000'000) return absl::StrFormat("%.2f ms", micros / 1000);
  return absl::StrFormat("%.2f s", micros / 1'000'000);
}

}  // namespace tholos::cli
