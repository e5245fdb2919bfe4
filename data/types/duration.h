// The values of duration: months, days and nanoseconds, each as a signed vint (vint.h); none
// positive beside a negative one. A month is no number of days, and a day no number of hours: so
// durations have no order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::data {

struct Duration {
  int32_t months = 0;
  int32_t days = 0;
  int64_t nanos = 0;
  friend bool operator==(const Duration&, const Duration&) = default;
};

std::string EncodeDuration(const Duration& v);
// kInvalidArgument if the bytes are no duration.
absl::StatusOr<Duration> DecodeDuration(std::string_view bytes);

// One of, with - before it for a negative one:
//
//   1y2mo3w4d5h6m7s8ms9us10ns    units in this order, any of them left out, in any case; also µs
//   P1Y2M3DT4H5M6S               ISO 8601
//   P4W                          ISO 8601, weeks
//   P0001-02-03T04:05:06         ISO 8601, alternative
absl::StatusOr<Duration> ParseDuration(std::string_view text);
// 1y2mo3d4h5m6s7ms8us9ns; 0ns if it is nothing.
std::string FormatDuration(const Duration& v);

}  // namespace tholos::data
