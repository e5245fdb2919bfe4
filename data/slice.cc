#include "data/slice.h"

#include <algorithm>
#include <utility>

namespace tholos::data {

Slice Intersection(const Slice& a, const Slice& b) {
  Slice both{.lower = std::max(a.lower, b.lower), .upper = std::min(a.upper, b.upper)};
  if (a.upper.empty()) both.upper = b.upper;
  if (b.upper.empty()) both.upper = a.upper;
  return both;
}

std::string Behind(std::string_view clustering) {
  std::string key;
  key.reserve(clustering.size() + 1);
  key.append(clustering);
  key.push_back('\0');
  return key;
}

std::vector<Slice> SlicesBehind(const std::vector<Slice>& slices, std::string_view after,
                                bool reversed) {
  // Below the empty key there is nothing, but an empty upper is no bound.
  if (reversed && after.empty()) return {};
  const Slice rest = reversed ? Slice{.upper = std::string(after)} : Slice{.lower = Behind(after)};
  if (slices.empty()) return {rest};
  std::vector<Slice> left;
  for (const Slice& slice : slices) {
    Slice both = Intersection(slice, rest);
    if (!both.IsEmpty()) left.push_back(std::move(both));
  }
  return left;
}

}  // namespace tholos::data
