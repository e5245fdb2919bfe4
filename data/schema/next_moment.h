// The moments of schema changes; for schema.cc and changes.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace tholos::data {

// The later of a moment and the one after `replaced_micros`.
inline int64_t NewerThan(int64_t replaced_micros, int64_t changed_micros) {
  const int64_t next = replaced_micros == std::numeric_limits<int64_t>::max() ? replaced_micros
                                                                              : replaced_micros + 1;
  return std::max(changed_micros, next);
}

}  // namespace tholos::data
