// Timestamps as text; ParseTimestampMillis, the way back, is in data_type.h.
#pragma once

#include <cstdint>
#include <string>

namespace tholos::data {

// "2026-01-31 10:00:00.000+0000"; beyond the years 0001 to 9999 the milliseconds themselves.
std::string FormatTimestampMillis(int64_t millis);

}  // namespace tholos::data
