// A place in a shard's commit log.
#pragma once

#include <compare>
#include <cstdint>

namespace tholos::storage {

// Segment ids grow from 1 and are never given twice in a directory; {0, 0} lies before everything.
struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

}  // namespace tholos::storage
