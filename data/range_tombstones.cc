#include "data/range_tombstones.h"

#include <utility>

namespace tholos::data {
namespace {

// Goes through the keys at which `a` or `b` change; `combine` gives the deletion from those of
// both.
template <typename Combine>
RangeTombstones Sweep(const RangeTombstones& a, const RangeTombstones& b, Combine combine) {
  RangeTombstones result;
  RangeLookup in_a(a);
  RangeLookup in_b(b);
  std::string at;
  while (true) {
    const Deletion deletion = combine(in_a.At(at), in_b.At(at));
    const std::string* next = in_a.NextChange(at);
    const std::string* other = in_b.NextChange(at);
    if (next == nullptr || (other != nullptr && *other < *next)) next = other;
    if (next == nullptr) {
      AppendRange({std::move(at), ""}, deletion, &result);
      return result;
    }
    AppendRange({std::move(at), *next}, deletion, &result);
    at = *next;
  }
}

}  // namespace

bool InOrder(const RangeTombstones& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].range.IsEmpty() || list[i].deletion.live()) return false;
    if (i == 0) continue;
    const Slice& before = list[i - 1].range;
    if (before.upper.empty() || before.upper > list[i].range.lower) return false;
  }
  return true;
}

const std::string* RangeLookup::NextChange(std::string_view clustering) const {
  if (next_ == list_.size()) return nullptr;
  const Slice& range = list_[next_].range;
  if (range.lower > clustering) return &range.lower;
  return range.upper.empty() ? nullptr : &range.upper;
}

void AppendRange(Slice range, const Deletion& deletion, RangeTombstones* list) {
  if (deletion.live() || range.IsEmpty()) return;
  if (!list->empty()) {
    RangeTombstone& last = list->back();
    if (last.range.upper == range.lower && last.deletion == deletion) {
      last.range.upper = std::move(range.upper);
      return;
    }
  }
  list->push_back({std::move(range), deletion});
}

RangeTombstones MergeRanges(const RangeTombstones& a, const RangeTombstones& b) {
  return Sweep(a, b, [](const Deletion& x, const Deletion& y) { return Reconcile(x, y); });
}

RangeTombstones RangesNotIn(const RangeTombstones& a, const RangeTombstones& b) {
  return Sweep(a, b, [](const Deletion& x, const Deletion& y) { return x == y ? Deletion() : x; });
}

RangeTombstones UncoveredRanges(RangeTombstones list, const Deletion& covering) {
  RangeTombstones result;
  result.reserve(list.size());
  for (RangeTombstone& tombstone : list) {
    if (covering.Covers(tombstone.deletion.timestamp)) continue;
    AppendRange(std::move(tombstone.range), tombstone.deletion, &result);
  }
  return result;
}

RangeTombstones ClipRanges(const RangeTombstones& list, const std::vector<Slice>& slices) {
  RangeTombstones result;
  size_t first = 0;  // those before it end before the current slice
  for (const Slice& slice : slices) {
    while (first < list.size() && !list[first].range.upper.empty() &&
           list[first].range.upper <= slice.lower) {
      ++first;
    }
    for (size_t i = first; i < list.size(); ++i) {
      if (!slice.upper.empty() && list[i].range.lower >= slice.upper) break;
      AppendRange(Intersection(list[i].range, slice), list[i].deletion, &result);
    }
  }
  return result;
}

}  // namespace tholos::data
