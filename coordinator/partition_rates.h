// PartitionRates: an optional bound on the reads and writes of any one partition, so that a key that
// all the world asks for does not take the node from everybody else. Pure.
//
// Each partition has the moment at which all it was given so far is within its rate (the generic cell
// rate algorithm, ITU-T I.371): a request moves it by 1/rate, and is refused if that would be more
// than a second ahead. So in any t seconds a partition gets at most rate * (t + 1) requests.
//
// Memory is bounded: kSlots partitions, in sets of kWays, found by their hash. A partition whose
// moment has passed needs no slot. When all of a set are in use, the one that is least ahead is
// forgotten: with more partitions busy at once than there are slots, some get more than their rate;
// none is refused for another's requests.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "data/key.h"
#include "data/schema/schema.h"

namespace tholos::coordinator {

// 0: no bound.
struct PartitionRateLimits {
  uint32_t reads_per_second = 0;
  uint32_t writes_per_second = 0;
};

// Confined to a shard.
class PartitionRates {
 public:
  static constexpr size_t kSlots = 4096;
  static constexpr size_t kWays = 4;
  enum class Kind : uint8_t { kRead, kWrite };

  explicit PartitionRates(PartitionRateLimits limits);

  // Whether this request may be done; then it is counted.
  bool Admits(Kind kind, const data::TableId& table, data::Token token, base::MonotonicTime now) {
    const uint32_t rate = RateOf(kind);
    return rate == 0 || Take(rate, HashOf(kind, table, token), now);
  }
  uint32_t RateOf(Kind kind) const {
    return kind == Kind::kRead ? limits_.reads_per_second : limits_.writes_per_second;
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    base::MonotonicTime within_rate_at;
  };
  static uint64_t HashOf(Kind kind, const data::TableId& table, data::Token token);
  bool Take(uint32_t rate, uint64_t hash, base::MonotonicTime now);

  const PartitionRateLimits limits_;
  std::vector<Slot> slots_;  // none without a limit
};

}  // namespace tholos::coordinator
