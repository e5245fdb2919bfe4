// Dates and times of day: conversions between the types, and durations added to them.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::cql {

inline constexpr int64_t kMillisPerDay = 86'400'000;

// Milliseconds since 1970 of a timestamp, date or timeuuid.
int64_t MillisOf(data::TypeId type, std::string_view bytes);
// The day of a moment, in UTC. kInvalidArgument beyond the range of the type.
absl::StatusOr<data::Value> DateOfMillis(int64_t millis);

// timestamp or date +- duration: months in the calendar of UTC (the 31st of January and a month is
// the last of February), then days, then the rest. kInvalidArgument out of range, and for a date if
// the duration is finer than days.
absl::StatusOr<data::Value> AddDuration(data::TypeId type, std::string_view bytes,
                                        std::string_view duration, bool subtract);

// The greatest start + n * duration (n an integer) that is not behind the moment: floor(). Of a
// timestamp or a date; kInvalidArgument as Cassandra's where the duration is negative or the moment
// is before the start.
absl::StatusOr<data::Value> FloorToDuration(data::TypeId type, std::string_view bytes,
                                            std::string_view duration, std::string_view start);

}  // namespace tholos::cql
