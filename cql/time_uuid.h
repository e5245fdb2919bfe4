// Version 1 UUIDs: the values of timeuuid, and the paths of list elements.
//
//   time_low 32 | time_mid 16 | version 4 | time_high 12 | variant 2 | clock sequence 14 | node 48
//
// The time counts 100 nanoseconds since 1582-10-15.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/uuid.h"

namespace tholos::cql {

inline constexpr int64_t kUuidEpochToUnixMillis = 12'219'292'800'000;
inline constexpr uint64_t kUuidTicksPerMilli = 10'000;

// From the ticks since 1582, and the 8 bytes behind them.
base::Uuid MakeTimeUuid(uint64_t ticks, uint64_t clock_and_node);
// Ticks since 1582 of a version 1 UUID.
uint64_t TimeUuidTicks(const base::Uuid& uuid);
// Milliseconds since 1970, rounded down.
int64_t TimeUuidMillis(const base::Uuid& uuid);
// The least and the greatest timeuuid of a millisecond, in the order of the type (which compares
// the 8 bytes behind the time as signed ones).
base::Uuid MinTimeUuid(int64_t unix_millis);
base::Uuid MaxTimeUuid(int64_t unix_millis);

// Distinct UUIDs: of one source in strictly increasing order of their times, of different sources
// told apart by 61 random bits. Confined to one thread.
class TimeUuidSource {
 public:
  explicit TimeUuidSource(base::RandomStream& random);
  // Of this moment, or just behind the last one.
  base::Uuid Next(int64_t unix_micros);

 private:
  uint64_t clock_and_node_;
  uint64_t last_ticks_ = 0;
};

}  // namespace tholos::cql
