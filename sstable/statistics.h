// What an SSTable knows about its contents without reading them.
//
// Section layout: version u8 (1); varints partitions, rows, cells, tombstones, range_tombstones;
// signed varints min_timestamp, max_timestamp, min_local_deletion_seconds,
// max_local_deletion_seconds; varint raw_data_bytes; first key, last key: token as u64, key as
// bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "data/mutation_view.h"
#include "data/partition.h"
#include "data/source.h"
#include "sstable/drop_times.h"

namespace tholos::sstable {

struct TableStatistics {
  uint64_t partitions = 0;
  uint64_t rows = 0;        // static rows not among them
  uint64_t cells = 0;       // tombstones and cells of static rows included
  uint64_t tombstones = 0;  // of partitions, ranges, rows, columns (complex deletions) and cells
  uint64_t range_tombstones = 0;  // places from which on one is in effect
  // Over all cells, liveness and tombstones; min > max if there are none.
  data::Timestamp min_timestamp = std::numeric_limits<data::Timestamp>::max();
  data::Timestamp max_timestamp = std::numeric_limits<data::Timestamp>::min();
  // The earliest wall second of a tombstone or expiry: before it (plus gc_grace) nothing here can
  // be purged. kNoExpiry if there is none.
  int64_t min_local_deletion_seconds = data::kNoExpiry;
  // The latest: after it (plus gc_grace) everything here can be. kNoExpiry if something lives for
  // ever.
  int64_t max_local_deletion_seconds = std::numeric_limits<int64_t>::min();
  // Of tombstones, expiring values and expiring liveness: how many may go when.
  DropTimes drop_times;
  uint64_t raw_data_bytes = 0;  // data blocks before compression
  data::DecoratedKey first_key;
  data::DecoratedKey last_key;

  void Add(const data::PartitionHeader& partition);
  void Add(const data::Row& row);
  // The same of a row where it stands encoded, if it is timeless.
  void Add(const data::RowView& row);
  // A partition that has only rows; first_key and last_key are the caller's to set.
  void AddBarePartition() { ++partitions; }
  // A change of the deletion in effect; to none it adds nothing.
  void AddRange(const data::Deletion& deletion);
  friend bool operator==(const TableStatistics&, const TableStatistics&) = default;

 private:
  void AddContents(const data::Row& row);
  void AddDeletion(const data::Deletion& deletion);
  void AddThing(data::Timestamp timestamp, int64_t local_seconds);
};

std::string EncodeStatistics(const TableStatistics& statistics);
absl::StatusOr<TableStatistics> DecodeStatistics(std::string_view bytes);

// A finished table: a regular value, usable on any thread.
struct TableMetadata {
  data::TableId table;
  uint64_t generation = 0;
  uint64_t file_id = 0;
  uint64_t file_bytes = 0;
  uint64_t digest = 0;  // of all bytes before the footer
  TableStatistics statistics;
  friend bool operator==(const TableMetadata&, const TableMetadata&) = default;
};

}  // namespace tholos::sstable
