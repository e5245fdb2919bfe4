// Lists of range tombstones, as in Partition.
//
// A list is in order: by lower bound, disjoint, no empty range. It is canonical if besides that
// neighbours that touch have different deletions, so that equal lists cover equal keys:
//
//   [a-------------e)            deletion 5
//          [c-----------------g) deletion 7
//   [a-----c)[c---------------g) merged: 5, 7
//
// Every function takes lists in order and gives canonical ones.
#pragma once

#include <string_view>
#include <vector>

#include "data/partition.h"

namespace tholos::data {

using RangeTombstones = std::vector<RangeTombstone>;

bool InOrder(const RangeTombstones& list);

// At every key the greater deletion of both.
RangeTombstones MergeRanges(const RangeTombstones& a, const RangeTombstones& b);
// `a` where `b` has another deletion or none.
RangeTombstones RangesNotIn(const RangeTombstones& a, const RangeTombstones& b);
// What `covering` does not cover of it.
RangeTombstones UncoveredRanges(RangeTombstones list, const Deletion& covering);
// The parts within `slices` (sorted, disjoint).
RangeTombstones ClipRanges(const RangeTombstones& list, const std::vector<Slice>& slices);

// Appends `range`, joined with the last one if they touch and agree. `range` lies behind all of
// `list`; a live deletion or an empty range appends nothing.
void AppendRange(Slice range, const Deletion& deletion, RangeTombstones* list);

// Looks keys up in ascending order.
class RangeLookup {
 public:
  explicit RangeLookup(const RangeTombstones& list) : list_(list) {}
  // That of the range `clustering` lies in, or live. Keys ascend from call to call.
  Deletion At(std::string_view clustering) {
    while (next_ < list_.size() && Below(list_[next_].range, clustering)) ++next_;
    const bool in = next_ < list_.size() && list_[next_].range.lower <= clustering;
    return in ? list_[next_].deletion : Deletion();
  }
  // Where after `clustering`, the key of the last call, the deletion changes; null: nowhere.
  const std::string* NextChange(std::string_view clustering) const;

 private:
  static bool Below(const Slice& range, std::string_view clustering) {
    return !range.upper.empty() && range.upper <= clustering;
  }
  const RangeTombstones& list_;
  size_t next_ = 0;
};

}  // namespace tholos::data
