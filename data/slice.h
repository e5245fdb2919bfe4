// Ranges of clustering keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tholos::data {

// Clustering keys in [lower, upper) by memcmp; an empty upper is no bound. See key.h for making
// bounds of prefixes.
struct Slice {
  std::string lower;
  std::string upper;
  // No key is in it.
  bool IsEmpty() const { return !upper.empty() && lower >= upper; }
  bool Contains(std::string_view clustering) const {
    return clustering >= lower && (upper.empty() || clustering < upper);
  }
  friend bool operator==(const Slice&, const Slice&) = default;
};

// The part of both; may be empty (IsEmpty).
Slice Intersection(const Slice& a, const Slice& b);

// The smallest key that is greater than `clustering`: as an upper bound it includes `clustering`,
// as a lower one it does not.
std::string Behind(std::string_view clustering);

// What is left of `slices` (sorted, disjoint; none: everything) for a read that resumes behind
// `after`, below it if reversed. Empty ones go; so the result may be none, which here is nothing.
std::vector<Slice> SlicesBehind(const std::vector<Slice>& slices, std::string_view after,
                                bool reversed);

}  // namespace tholos::data
