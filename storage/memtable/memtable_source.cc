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
using Row = Memtable::Row;
using Rows = Memtable::Rows;

// Walks through slices; in each, rows and changes of the deletion in effect side by side. Places
// are looked up again where the memtable may have changed since the last step.
class Source final : public data::PartitionSource {
 public:
  Source(std::shared_ptr<const Memtable> memtable, data::Selection selection)
      : memtable_(std::move(memtable)),
        selection_(std::move(selection)),
        place_of_partition_(FirstPartition()),
        partitions_seen_(memtable_->changes()) {}

  // Nothing is selected so far.
  bool empty() const { return place_of_partition_.at_end(); }

  BoolTask NextPartition() override { return BoolTask::Ready(MoveToPartition()); }
  const data::PartitionHeader& partition() const override { return header_; }
  ItemTask NextItem() override { return ItemTask::Ready(MoveToItem()); }
  data::Row& row() override { return row_; }
  const data::DeletionChange& change() const override { return change_; }

 private:
  bool MoveToPartition() {
    if (ended_) return false;
    const Memtable::Partitions& all = memtable_->partitions();
    if (!started_) {
      started_ = true;
      if (partitions_seen_ != memtable_->changes()) place_of_partition_ = FirstPartition();
    } else if (selection_.key.has_value()) {
      place_of_partition_ = {};
    } else if (partitions_seen_ == memtable_->changes()) {
      place_of_partition_ = all.Next(place_of_partition_);
    } else {
      place_of_partition_ = all.UpperBound(Memtable::KeyOf(header_.key.token, header_.key.key));
    }
    partitions_seen_ = memtable_->changes();
    if (place_of_partition_.at_end() || !IsSelected(place_of_partition_)) {
      ended_ = true;
      return false;
    }
    StartPartition();
    return true;
  }

  bool IsSelected(const Memtable::Partitions::Place& place) const {
    // Of one partition, exactly that was looked up.
    return selection_.key.has_value() ||
           selection_.range.Contains(Memtable::TokenOf(place.prefix()));
  }

  Memtable::Partitions::Place FirstPartition() const {
    const Memtable::Partitions& all = memtable_->partitions();
    const auto& after = selection_.after;
    if (selection_.key.has_value()) {
      // `after` names this partition, or one before or behind it.
      const DecoratedKey& key = *selection_.key;
      if (after.has_value() && IsBehind(key, *after)) return {};
      return all.Find(Memtable::KeyOf(key.token, key.key));
    }
    const data::TokenRange& range = selection_.range;
    const bool from_start = range.start == range.end || range.start == data::kMinToken;
    if (!from_start && range.start == std::numeric_limits<data::Token>::max()) return {};
    const data::Token token = from_start ? data::kMinToken : range.start + 1;
    if (after.has_value() && after->key.token >= token) {
      const TreeKey key = Memtable::KeyOf(after->key.token, after->key.key);
      return after->clustering.has_value() ? all.LowerBound(key) : all.UpperBound(key);
    }
    return all.LowerBound(Memtable::KeyOf(token, ""));
  }

  // The whole partition `key` was read already.
  static bool IsBehind(const DecoratedKey& key, const data::Position& after) {
    return key < after.key || (key == after.key && !after.clustering.has_value());
  }

  void StartPartition() {
    partition_ = place_of_partition_.item();
    header_.key.token = Memtable::TokenOf(place_of_partition_.prefix());
    header_.key.key.assign(partition_->key());
    header_.deletion = Deletion();
    header_.static_row.reset();
    if (const Memtable::Contents* contents = partition_->contents(); contents != nullptr) {
      header_.deletion = contents->deletion;
      if (contents->static_row != nullptr) {
        contents->static_row->Decode(&header_.static_row.emplace());
      }
    }
    slices_ = selection_.SlicesOf(header_.key);
    entered_ = 0;
    change_.deletion = Deletion();
    deletions_seen_ = deletions();
    in_slice_ = false;
  }

  // Of partition_, so far.
  uint64_t deletions() const {
    const Memtable::Contents* contents = partition_->contents();
    return contents == nullptr ? 0 : contents->deletions;
  }

  // Rows of partition_, whether they are one or many -------------------------------------------

  struct RowPlace {
    bool only = false;  // on the partition's only row
    Rows::Place in_tree;
    bool at_end() const { return !only && in_tree.at_end(); }
  };

  const Row& RowAt(const RowPlace& place) const {
    return place.only ? *partition_->only_row() : *place.in_tree.item();
  }
  RowPlace LowerBound(std::string_view key) const {
    if (const Memtable::Contents* contents = partition_->contents(); contents != nullptr) {
      return {false, contents->rows.LowerBound(Memtable::KeyOf(key))};
    }
    const Row* row = partition_->only_row();
    return {row != nullptr && row->key() >= key, {}};
  }
  RowPlace UpperBound(std::string_view key) const {
    if (const Memtable::Contents* contents = partition_->contents(); contents != nullptr) {
      return {false, contents->rows.UpperBound(Memtable::KeyOf(key))};
    }
    const Row* row = partition_->only_row();
    return {row != nullptr && row->key() > key, {}};
  }
  RowPlace Next(const RowPlace& place) const {
    if (place.only) return {};
    return {false, partition_->contents()->rows.Next(place.in_tree)};
  }
  RowPlace Previous(const RowPlace& place) const {
    if (const Memtable::Contents* contents = partition_->contents(); contents != nullptr) {
      return {false, contents->rows.Previous(place.in_tree)};
    }
    return {!place.only && partition_->only_row() != nullptr, {}};
  }

  // Items --------------------------------------------------------------------------------------

  Item MoveToItem() {
    while (true) {
      if (!in_slice_ && !EnterSlice()) return Item::kEnd;
      const bool has_row = FindRow();
      const Row* row = has_row ? &RowAt(place_) : nullptr;
      if (FindChange(row)) return Item::kChange;
      if (row != nullptr) {
        passed_ = row->key();
        at_passed_ = true;
        row->Decode(&row_);
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
    const bool stepped = std::exchange(at_passed_, false) && memtable_->changes() == rows_seen_;
    rows_seen_ = memtable_->changes();
    if (!stepped) place_ = NextRow();
    if (selection_.reversed) {
      place_ = Previous(place_);
    } else if (stepped) {
      place_ = Next(place_);
    }
    return !place_.at_end() && slice().Contains(RowAt(place_).key());
  }

  // The first row beyond what was given; reversed: one above it.
  RowPlace NextRow() const {
    if (!selection_.reversed) {
      const bool changed = changed_.has_value() && (!passed_.has_value() || *changed_ > *passed_);
      if (changed) return LowerBound(*changed_);
      return passed_.has_value() ? UpperBound(*passed_) : LowerBound(slice().lower);
    }
    const std::string& above = changed_.has_value() ? *changed_ : slice().upper;
    if (passed_.has_value() && (above.empty() || *passed_ < above)) return LowerBound(*passed_);
    return above.empty() ? RowPlace() : LowerBound(above);
  }

  // `change_` becomes the next change of the slice, if there is one before the row `row` (null:
  // none).
  bool FindChange(const Row* row) {
    if (deletions() == 0) return false;
    if (!changed_.has_value()) changed_ = selection_.reversed ? slice().upper : slice().lower;
    if (std::exchange(deletions_seen_, deletions()) != deletions() ||
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
    const Memtable::Contents& contents = *partition_->contents();
    const RangeDeletions& ranges = contents.ranges;
    const Deletion of_range = selection_.reversed ? ranges.Below(at) : ranges.At(at);
    const Deletion& of_partition = contents.deletion;
    return of_partition == header_.deletion ? of_range : data::Reconcile(of_range, of_partition);
  }

  bool FindChangeAbove(const Row* row) {
    const RangeDeletions::Changes& changes = partition_->contents()->ranges.changes();
    for (auto it = changes.upper_bound(*changed_); it != changes.end(); ++it) {
      const std::string& at = it->first;
      if (!slice().Contains(at) || (row != nullptr && at > row->key())) return false;
      if (TakeChange(at, InEffect(at))) return true;
    }
    return false;
  }

  bool FindChangeBelow(const Row* row) {
    const RangeDeletions::Changes& changes = partition_->contents()->ranges.changes();
    auto it = changed_->empty() ? changes.end() : changes.lower_bound(*changed_);
    while (it != changes.begin()) {
      const std::string& at = (--it)->first;
      if (at <= slice().lower || (row != nullptr && at <= row->key())) return false;
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
  Memtable::Partitions::Place place_of_partition_;  // good if partitions_seen_ is still so
  uint64_t partitions_seen_;
  bool started_ = false;
  bool ended_ = false;
  const Memtable::Partition* partition_ = nullptr;
  data::PartitionHeader header_;

  std::vector<Slice> slices_;
  size_t slice_ = 0;
  size_t entered_ = 0;  // slices
  bool in_slice_ = false;
  std::optional<std::string> passed_;  // the last row given in the slice
  RowPlace place_;
  bool at_passed_ = false;  // place_ is the row passed_, if rows_seen_ is still so
  uint64_t rows_seen_ = 0;
  bool entering_ = false;  // what is in effect at the slice's start was not said
  uint64_t deletions_seen_ = 0;
  std::optional<std::string> changed_;  // the place up to which changes of the slice were looked at
  data::Row row_;
  data::DeletionChange change_;  // the last one given
};

}  // namespace

std::unique_ptr<data::PartitionSource> MemtableSource(std::shared_ptr<const Memtable> memtable,
                                                      data::Selection selection) {
  const bool of_one_partition = selection.key.has_value();
  auto source = std::make_unique<Source>(std::move(memtable), std::move(selection));
  if (of_one_partition && source->empty()) return nullptr;
  return source;
}

}  // namespace tholos::storage
