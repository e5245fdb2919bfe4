#include "data/vector_source.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "data/range_collector.h"
#include "data/range_tombstones.h"

namespace tholos::data {
namespace {

using base::Task;

// `ranges` are in order; the changes in the asked one.
std::vector<DeletionChange> ChangesOf(const RangeTombstones& ranges, bool reversed) {
  std::vector<DeletionChange> changes;
  if (!reversed) {
    for (const RangeTombstone& each : ranges) {
      if (!changes.empty() && changes.back().at == each.range.lower) changes.pop_back();
      changes.push_back({each.range.lower, each.deletion});
      if (!each.range.upper.empty()) changes.push_back({each.range.upper, Deletion()});
    }
    return changes;
  }
  for (auto each = ranges.rbegin(); each != ranges.rend(); ++each) {
    if (!changes.empty() && changes.back().at == each->range.upper) changes.pop_back();
    changes.push_back({each->range.upper, each->deletion});
    if (!each->range.lower.empty()) changes.push_back({each->range.lower, Deletion()});
  }
  return changes;
}

class VectorPartitionSource : public PartitionSource {
 public:
  VectorPartitionSource(std::vector<Partition> partitions, bool reversed)
      : partitions_(std::move(partitions)), reversed_(reversed) {}

  Task<absl::StatusOr<bool>> NextPartition() override {
    if (next_partition_ == partitions_.size()) return Task<absl::StatusOr<bool>>::Ready(false);
    Partition& partition = partitions_[next_partition_++];
    header_ = {partition.key, partition.deletion, std::move(partition.static_row)};
    changes_ = ChangesOf(partition.range_tombstones, reversed_);
    rows_ = std::move(partition.rows);
    next_change_ = 0;
    next_row_ = 0;
    return Task<absl::StatusOr<bool>>::Ready(true);
  }
  const PartitionHeader& partition() const override { return header_; }

  Task<absl::StatusOr<Item>> NextItem() override {
    return Task<absl::StatusOr<Item>>::Ready(Next());
  }
  Row& row() override { return rows_[next_row_ - 1]; }
  const DeletionChange& change() const override { return changes_[next_change_ - 1]; }

 private:
  Item Next() {
    const bool has_row = next_row_ < rows_.size();
    if (next_change_ < changes_.size() && (!has_row || ChangeIsBeforeRow())) {
      ++next_change_;
      return Item::kChange;
    }
    if (!has_row) return Item::kEnd;
    ++next_row_;
    return Item::kRow;
  }

  bool ChangeIsBeforeRow() const {
    const std::string& at = changes_[next_change_].at;
    const std::string& clustering = rows_[next_row_].clustering;
    return reversed_ ? at.empty() || at > clustering : at <= clustering;
  }

  std::vector<Partition> partitions_;
  const bool reversed_;
  size_t next_partition_ = 0;
  PartitionHeader header_;
  std::vector<DeletionChange> changes_;
  std::vector<Row> rows_;
  size_t next_change_ = 0;
  size_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<PartitionSource> VectorSource(std::vector<Partition> partitions,
                                              Selection selection) {
  std::erase_if(partitions, [&](const Partition& p) { return !selection.Selects(p.key); });
  for (Partition& partition : partitions) {
    std::erase_if(partition.rows, [&](const Row& row) {
      return !selection.Selects(partition.key, row.clustering);
    });
    if (selection.reversed) std::reverse(partition.rows.begin(), partition.rows.end());
    partition.range_tombstones =
        ClipRanges(partition.range_tombstones, selection.SlicesOf(partition.key));
  }
  return std::make_unique<VectorPartitionSource>(std::move(partitions), selection.reversed);
}

Task<absl::StatusOr<std::vector<Partition>>> ReadAll(std::unique_ptr<PartitionSource> source,
                                                     bool reversed) {
  std::vector<Partition> partitions;
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source->NextPartition());
    if (!more) co_return partitions;
    const PartitionHeader& header = source->partition();
    Partition& partition = partitions.emplace_back(
        Partition{.key = header.key, .deletion = header.deletion, .static_row = header.static_row});
    RangeCollector ranges(reversed);
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const Item item, co_await source->NextItem());
      if (item == Item::kEnd) break;
      if (item == Item::kRow) {
        partition.rows.push_back(std::move(source->row()));
      } else {
        ranges.Add(source->change());
      }
    }
    partition.range_tombstones = ranges.Finish();
  }
}

}  // namespace tholos::data
