#include <algorithm>

#include "data/source.h"

namespace tholos::data {

Selection Selection::Of(const ReadCommand& command) {
  return {.key = command.key,
          .range = command.range,
          .slices = command.slices,
          .reversed = command.reversed,
          .after = command.after};
}

bool Selection::Selects(const DecoratedKey& partition) const {
  if (key.has_value() ? partition != *key : !range.Contains(partition.token)) return false;
  if (!after.has_value()) return true;
  return after->clustering.has_value() ? partition >= after->key : partition > after->key;
}

bool Selection::Selects(const DecoratedKey& partition, std::string_view clustering) const {
  if (after.has_value() && partition == after->key) {
    if (!after->clustering.has_value()) return false;
    if (reversed ? clustering >= *after->clustering : clustering <= *after->clustering)
      return false;
  }
  return slices.empty() || std::any_of(slices.begin(), slices.end(), [&](const Slice& slice) {
           return slice.Contains(clustering);
         });
}

std::vector<Slice> Selection::SlicesOf(const DecoratedKey& partition) const {
  if (after.has_value() && partition == after->key) {
    if (!after->clustering.has_value()) return {};
    return SlicesBehind(slices, *after->clustering, reversed);
  }
  if (slices.empty()) return {Slice{}};
  return slices;
}

}  // namespace tholos::data
