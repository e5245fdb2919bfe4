// A memtable: the newest writes of one table on one shard, in memory, sorted by (token, key) and
// then clustering.
//
//   partitions_   std::map DecoratedKey -> Contents { tombstone, static row, range deletions, rows
//   } rows          std::map clustering -> Row        (the Row inside carries no second copy of its
//   key)
//
// Kept canonical by the merge law: what a tombstone shadows is gone. Written on its shard while it
// is the active one; once frozen it never changes, and other loops (the flush) may read it beside
// the shard.
//
// Readers hold a shared_ptr and may pause between steps while writes go on: partitions are never
// erased, and rows only with `erasures` counted, so a source knows when its place must be looked up
// again. A tombstone takes those that it covers away; by `deletions` a source knows that it must
// say what is in effect now.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "data/partition.h"
#include "data/source.h"
#include "storage/commitlog/log_position.h"
#include "storage/memtable/range_deletions.h"

namespace tholos::storage {

class Memtable {
 public:
  struct Contents {
    data::Deletion deletion;
    std::optional<data::Row> static_row;
    RangeDeletions ranges;
    std::map<std::string, data::Row> rows;
    uint64_t erasures = 0;   // of rows
    uint64_t deletions = 0;  // tombstones of the partition and of ranges that were applied
  };
  using Partitions = std::map<data::DecoratedKey, Contents>;

  Memtable() = default;
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;

  // Merges `update`, whose log record is at `position`.
  void Apply(data::Partition update, LogPosition position);

  bool empty() const { return partitions_.empty(); }
  // Of memory, roughly.
  uint64_t bytes() const { return bytes_; }
  const Partitions& partitions() const { return partitions_; }
  // Of the first record applied: the log is needed from there. Nothing if none was.
  std::optional<LogPosition> first_position() const { return first_position_; }
  // Of any value, liveness or tombstone that was applied; the largest number if none was.
  data::Timestamp min_timestamp() const { return min_timestamp_; }

 private:
  void ApplyPartitionDeletion(Contents& contents, const data::Deletion& deletion);
  void ApplyRange(Contents& contents, const data::RangeTombstone& tombstone);
  void CoverRows(Contents& contents, const data::Slice& range, const data::Deletion& deletion);
  void ApplyStatic(Contents& contents, data::Row update);
  void ApplyRow(Contents& contents, data::Row update);
  void NoteTimestamps(const data::Row& row);

  Partitions partitions_;
  uint64_t bytes_ = 0;
  std::optional<LogPosition> first_position_;
  data::Timestamp min_timestamp_ = std::numeric_limits<data::Timestamp>::max();
};

// What is selected of `memtable`, in order; correct while writes to it go on between steps (a row
// that appears behind the place of the source may or may not be seen). Never suspends.
std::unique_ptr<data::PartitionSource> MemtableSource(std::shared_ptr<const Memtable> memtable,
                                                      data::Selection selection);

}  // namespace tholos::storage
