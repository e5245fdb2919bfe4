#include <string_view>
#include <utility>
#include <vector>

#include "storage/memtable/memtable.h"

namespace tholos::storage {
namespace {

using data::DecoratedKey;
using data::Slice;
using BoolTask = base::Task<absl::StatusOr<bool>>;
using Rows = std::map<std::string, data::Row>;

class Source final : public data::PartitionSource {
 public:
  Source(std::shared_ptr<const Memtable> memtable, data::Selection selection)
      : memtable_(std::move(memtable)), selection_(std::move(selection)) {
    if (selection_.slices.empty()) selection_.slices.push_back(Slice{});
  }

  BoolTask NextPartition() override { return BoolTask::Ready(MoveToPartition()); }
  const data::PartitionHeader& partition() const override { return header_; }
  BoolTask NextRow() override { return BoolTask::Ready(MoveToRow()); }
  data::Row& row() override { return row_; }

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
    rows_ = &contents.rows;
    passed_.reset();
    if (selection_.after.has_value() && selection_.after->key == key) {
      passed_ = selection_.after->clustering;
    }
    slice_ = selection_.reversed ? selection_.slices.size() - 1 : 0;
    place_known_ = false;
    rows_ended_ = false;
  }

  bool MoveToRow() {
    if (ended_ || rows_ended_) return false;
    const uint64_t erasures = partition_->second.erasures;
    const bool stepped = place_known_ && erasures == erasures_seen_;
    erasures_seen_ = erasures;
    const bool found = selection_.reversed ? Backward(stepped) : Forward(stepped);
    if (!found) {
      rows_ended_ = true;
      return false;
    }
    place_known_ = true;
    passed_ = place_->first;
    row_ = place_->second;
    row_.clustering = place_->first;
    return true;
  }

  // Both: `place_` becomes the next selected row beyond `passed_`; if `stepped`, it is at `passed_`
  // now.
  bool Forward(bool stepped) {
    if (stepped) ++place_;
    for (; slice_ < selection_.slices.size(); ++slice_) {
      const Slice& slice = selection_.slices[slice_];
      if (!stepped) {
        place_ = passed_.has_value() && *passed_ >= slice.lower ? rows_->upper_bound(*passed_)
                                                                : rows_->lower_bound(slice.lower);
      }
      if (place_ == rows_->end()) return false;
      if (slice.Contains(place_->first)) return true;
      stepped = false;
    }
    return false;
  }

  bool Backward(bool stepped) {
    while (true) {
      const Slice& slice = selection_.slices[slice_];
      if (!stepped) {
        // One behind the candidate.
        const bool at_passed =
            passed_.has_value() && (slice.upper.empty() || *passed_ < slice.upper);
        if (at_passed) {
          place_ = rows_->lower_bound(*passed_);
        } else {
          place_ = slice.upper.empty() ? rows_->end() : rows_->lower_bound(slice.upper);
        }
      }
      if (place_ == rows_->begin()) return false;
      --place_;
      if (slice.Contains(place_->first)) return true;
      if (slice_ == 0) return false;
      --slice_;
      stepped = false;
    }
  }

  const std::shared_ptr<const Memtable> memtable_;
  data::Selection selection_;
  bool started_ = false;
  bool ended_ = false;
  Memtable::Partitions::const_iterator partition_;
  data::PartitionHeader header_;

  const Rows* rows_ = nullptr;
  size_t slice_ = 0;
  std::optional<std::string> passed_;  // the last row given, or the one to resume after
  Rows::const_iterator place_;
  bool place_known_ = false;
  uint64_t erasures_seen_ = 0;
  bool rows_ended_ = false;
  data::Row row_;
};

}  // namespace

std::unique_ptr<data::PartitionSource> MemtableSource(std::shared_ptr<const Memtable> memtable,
                                                      data::Selection selection) {
  return std::make_unique<Source>(std::move(memtable), std::move(selection));
}

}  // namespace tholos::storage
