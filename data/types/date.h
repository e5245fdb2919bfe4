// The values of date: days, 1970-01-01 being 2^31, as 4 bytes; and of time: nanoseconds since
// midnight, as 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::data {

inline constexpr uint32_t kEpochDay = uint32_t{1} << 31;
inline constexpr int64_t kNanosPerDay = int64_t{86400} * 1000 * 1000 * 1000;

std::string EncodeDate(uint32_t day);
uint32_t DecodeDate(std::string_view bytes);  // of 4 bytes

// "2026-01-31", "-5877641-06-23" to "+5881580-07-11" (a sign where the year has not 4 digits), or
// the days as a number: 2147483648 is 1970-01-01.
absl::StatusOr<uint32_t> ParseDate(std::string_view text);
std::string FormatDate(uint32_t day);

// "10:00", "10:00:00", "10:00:00.123456789", or nanoseconds since midnight.
absl::StatusOr<int64_t> ParseTime(std::string_view text);
// "10:00:00.000000000"
std::string FormatTime(int64_t nanos);

}  // namespace tholos::data
