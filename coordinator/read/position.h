// The order of positions in a read (see resolve.h).
#pragma once

#include <compare>
#include <string_view>

#include "data/read.h"

namespace tholos::coordinator {

// Of two clustering keys in one partition.
inline std::strong_ordering CompareClustering(std::string_view a, std::string_view b,
                                              bool reversed) {
  return reversed ? b <=> a : a <=> b;
}

inline std::strong_ordering ComparePositions(const data::Position& a, const data::Position& b,
                                             bool reversed) {
  if (const auto by_key = a.key <=> b.key; by_key != 0) return by_key;
  if (a.clustering.has_value() != b.clustering.has_value()) {
    return a.clustering.has_value() ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  if (!a.clustering.has_value()) return std::strong_ordering::equal;
  return CompareClustering(*a.clustering, *b.clustering, reversed);
}

}  // namespace tholos::coordinator
