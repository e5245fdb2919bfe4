#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/memtable/memtable.h"

namespace tholos::storage {
namespace {

using data::DecoratedKey;
using data::Deletion;
using data::Item;
using data::Slice;
using BoolTask = base::Task<absl::StatusOr<bool>>;
using ItemTask = base::Task<absl::StatusOr<Item>>;
using Rows = std::map<std::string, data::Row>;

// Walks through slices; in each, rows and changes of the deletion in effect side by side. Places
// are looked up again where the memtable may have changed since the last step.
class Source final : public data::PartitionSource {
 public:
  Source(std::shared_ptr<const Memtable> memtable, data::Selection selection)
      : memtable_(std::move(memtable)), selection_(std::move(selection)) {}

  BoolTask NextPartition() override { return BoolTask::Ready(MoveToPartition()); }
  const data::PartitionHeader& partition() const override { return header_; }
  ItemTask NextItem() override { return ItemTask::Ready(MoveToItem()); }
  data::Row& row() override { return row_; }
  const data::DeletionChange& change() const override { return change_; }

 private:
  bool MoveToPartition() {
    if (ended_) return false;
    if (!started_) {
      partition_ = FirstPartition();
      started_ = true;
    } else {
      partition_ =
          selection_.key.has_value() ? memtable_->partitions().end() : std::next(partition_);
    }
    if (partition_ == memtable_->partitions().end() || !IsSelected(partition_->first)) {
      ended_ = true;
      return false;
    }
    StartPartition();
    return true;
  }

  bool IsSelected(const DecoratedKey& key) const {
    if (selection_.key.has_value()) return key == *selection_.key;
    return selection_.range.Contains(key.token);
  }

  Memtable::Partitions::const_iterator FirstPartition() const {
    const Memtable::Partitions& all = memtable_->partitions();
    const auto& after = selection_.after;
    if (selection_.key.has_value()) {
      // `after` names this partition, or one before or behind it.
      if (after.has_value() && IsBehind(*selection_.key, *after)) return all.end();
      return all.find(*selection_.key);
    }
    const data::TokenRange& range = selection_.range;
    auto first = all.begin();
    if (range.start != range.end && range.start != data::kMinToken) {
      if (range.start == std::numeric_limits<data::Token>::max()) return all.end();
      first = all.lower_bound(DecoratedKey{range.start + 1, ""});
    }
    if (after.has_value() && first != all.end() && first->first <= after->key) {
      first =
          after->clustering.has_value() ? all.lower_bound(after->key) : all.upper_bound(after->key);
    }
    return first;
  }

  // The whole partition `key` was read already.
  static bool IsBehind(const DecoratedKey& key, const data::Position& after) {
    return key < after.key || (key == after.key && !after.clustering.has_value());
  }

  void StartPartition() {
    const auto& [key, contents] = *partition_;
    header_.key = key;
    header_.deletion = contents.deletion;
    header_.static_row = contents.static_row;
    contents_ = &contents;
    slices_ = selection_.SlicesOf(key);
    entered_ = 0;
    change_.deletion = Deletion();
    deletions_seen_ = contents.deletions;
    in_slice_ = false;
  }

  Item MoveToItem() {
    while (true) {
      if (!in_slice_ && !EnterSlice()) return Item::kEnd;
      const bool has_row = FindRow();
      if (FindChange(has_row ? &place_->first : nullptr)) return Item::kChange;
      if (has_row) {
        passed_ = place_->first;
        at_passed_ = true;
        row_ = place_->second;
        row_.clustering = place_->first;
        return Item::kRow;
      }
      if (LeaveSlice()) return Item::kChange;
    }
  }

  const Slice& slice() const { return slices_[slice_]; }

  // Slices in the order they are read in.
  bool EnterSlice() {
    if (ended_ || entered_ == slices_.size()) return false;
    slice_ = selection_.reversed ? slices_.size() - 1 - entered_ : entered_;
    ++entered_;
    in_slice_ = true;
    passed_.reset();
    changed_.reset();
    entering_ = true;
    at_passed_ = false;
    return true;
  }

  // At its end, the deletion in effect ends too. True if that is a change.
  bool LeaveSlice() {
    in_slice_ = false;
    const std::string& end = selection_.reversed ? slice().lower : slice().upper;
    if (end.empty() || change_.deletion.live()) return false;
    if (entered_ < slices_.size()) {
      const std::string& next =
          selection_.reversed ? slices_[slice_ - 1].upper : slices_[slice_ + 1].lower;
      if (next == end) return false;
    }
    change_ = {end, Deletion()};
    return true;
  }

  // `place_` becomes the next row of the slice beyond `passed_`.
  bool FindRow() {
    const Rows& rows = contents_->rows;
    const bool stepped = std::exchange(at_passed_, false) && contents_->erasures == erasures_seen_;
    erasures_seen_ = contents_->erasures;
    if (!stepped) place_ = NextRow();
    if (!selection_.reversed) {
      if (stepped) ++place_;
      return place_ != rows.end() && slice().Contains(place_->first);
    }
    if (place_ == rows.begin()) return false;
    --place_;
    return slice().Contains(place_->first);
  }

  // The first row beyond what was given; reversed: one above it.
  Rows::const_iterator NextRow() const {
    const Rows& rows = contents_->rows;
    if (!selection_.reversed) {
      const bool changed = changed_.has_value() && (!passed_.has_value() || *changed_ > *passed_);
      if (changed) return rows.lower_bound(*changed_);
      return passed_.has_value() ? rows.upper_bound(*passed_) : rows.lower_bound(slice().lower);
    }
    const std::string& above = changed_.has_value() ? *changed_ : slice().upper;
    if (passed_.has_value() && (above.empty() || *passed_ < above)) {
      return rows.lower_bound(*passed_);
    }
    return above.empty() ? rows.end() : rows.lower_bound(above);
  }

  // `change_` becomes the next change of the slice, if there is one before the row `row` (null:
  // none).
  bool FindChange(const std::string* row) {
    if (contents_->deletions == 0) return false;
    if (!changed_.has_value()) changed_ = selection_.reversed ? slice().upper : slice().lower;
    if (std::exchange(deletions_seen_, contents_->deletions) != contents_->deletions ||
        std::exchange(entering_, false)) {
      if (TakeChange(Place(), InEffect(Place()))) return true;
    }
    return selection_.reversed ? FindChangeBelow(row) : FindChangeAbove(row);
  }

  // Where the next thing to be said begins.
  std::string Place() const {
    if (!passed_.has_value()) return *changed_;
    if (!selection_.reversed) return std::max(*changed_, data::Behind(*passed_));
    return changed_->empty() ? *passed_ : std::min(*changed_, *passed_);
  }

  // A tombstone that came after the header was given has taken tombstones of ranges and rows away:
  // it must be said, or what these shadow in other sources would be back.
  Deletion InEffect(const std::string& at) const {
    const RangeDeletions& ranges = contents_->ranges;
    const Deletion of_range = selection_.reversed ? ranges.Below(at) : ranges.At(at);
    const Deletion& of_partition = contents_->deletion;
    return of_partition == header_.deletion ? of_range : data::Reconcile(of_range, of_partition);
  }

  bool FindChangeAbove(const std::string* row) {
    const RangeDeletions::Changes& changes = contents_->ranges.changes();
    for (auto it = changes.upper_bound(*changed_); it != changes.end(); ++it) {
      const std::string& at = it->first;
      if (!slice().Contains(at) || (row != nullptr && at > *row)) return false;
      if (TakeChange(at, InEffect(at))) return true;
    }
    return false;
  }

  bool FindChangeBelow(const std::string* row) {
    const RangeDeletions::Changes& changes = contents_->ranges.changes();
    auto it = changed_->empty() ? changes.end() : changes.lower_bound(*changed_);
    while (it != changes.begin()) {
      const std::string& at = (--it)->first;
      if (at <= slice().lower || (row != nullptr && at <= *row)) return false;
      if (TakeChange(at, InEffect(at))) return true;
    }
    return false;
  }

  // False if it makes no difference.
  bool TakeChange(const std::string& at, const Deletion& deletion) {
    changed_ = at;
    if (deletion == change_.deletion) return false;
    change_ = {at, deletion};
    return true;
  }

  const std::shared_ptr<const Memtable> memtable_;
  const data::Selection selection_;
  bool started_ = false;
  bool ended_ = false;
  Memtable::Partitions::const_iterator partition_;
  data::PartitionHeader header_;

  const Memtable::Contents* contents_ = nullptr;
  std::vector<Slice> slices_;
  size_t slice_ = 0;
  size_t entered_ = 0;  // slices
  bool in_slice_ = false;
  std::optional<std::string> passed_;  // the last row given in the slice
  Rows::const_iterator place_;
  bool at_passed_ = false;  // place_ is the row passed_, unless rows were erased
  uint64_t erasures_seen_ = 0;
  bool entering_ = false;  // what is in effect at the slice's start was not said
  uint64_t deletions_seen_ = 0;
  std::optional<std::string> changed_;  // the place up to which changes of the slice were looked at
  data::Row row_;
  data::DeletionChange change_;  // the last one given
};

}  // namespace

std::unique_ptr<data::PartitionSource> MemtableSource(std::shared_ptr<const Memtable> memtable,
                                                      data::Selection selection) {
  return std::make_unique<Source>(std::move(memtable), std::move(selection));
}

}  // namespace tholos::storage
