#include "coordinator/partition_rates.h"

#include <algorithm>

#include "base/coding.h"

namespace tholos::coordinator {
namespace {

constexpr absl::Duration kBurst = absl::Seconds(1);
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;

}  // namespace

PartitionRates::PartitionRates(PartitionRateLimits limits) : limits_(limits) {
  if (limits.reads_per_second > 0 || limits.writes_per_second > 0) slots_.resize(kSlots);
}

// Tokens are hashes already.
uint64_t PartitionRates::HashOf(Kind kind, const data::TableId& table, data::Token token) {
  base::Reader id(table.AsBytes());
  uint64_t hash = static_cast<uint64_t>(token) ^ id.Fixed64();
  hash = (hash ^ id.Fixed64() * kOdd ^ static_cast<uint64_t>(kind)) * kOdd;
  return hash ^ hash >> 32;
}

bool PartitionRates::Take(uint32_t rate, uint64_t hash, base::MonotonicTime now) {
  Slot* const set = &slots_[hash % (kSlots / kWays) * kWays];
  Slot* slot = std::find_if(set, set + kWays, [&](const Slot& each) { return each.hash == hash; });
  if (slot == set + kWays) {
    slot = std::min_element(set, set + kWays, [](const Slot& a, const Slot& b) {
      return a.within_rate_at < b.within_rate_at;
    });
    *slot = {hash, now};
  }
  const base::MonotonicTime then = std::max(slot->within_rate_at, now) + absl::Seconds(1) / rate;
  if (then > now + kBurst) return false;
  slot->within_rate_at = then;
  return true;
}

}  // namespace tholos::coordinator
