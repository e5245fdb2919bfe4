#include "sstable/statistics.h"

#include <algorithm>

#include "base/coding.h"

namespace tholos::sstable {
namespace {

constexpr uint8_t kStatisticsVersion = 1;

void PutKey(const data::DecoratedKey& key, std::string* out) {
  base::PutFixed64(out, static_cast<uint64_t>(key.token));
  base::PutBytes(out, key.key);
}

data::DecoratedKey TakeKey(base::Reader* in) {
  data::DecoratedKey key;
  key.token = static_cast<int64_t>(in->Fixed64());
  key.key = in->Bytes();
  return key;
}

}  // namespace

void TableStatistics::Add(const data::PartitionHeader& partition) {
  if (partitions == 0) first_key = partition.key;
  last_key = partition.key;
  ++partitions;
  AddDeletion(partition.deletion);
  if (partition.static_row.has_value()) AddContents(*partition.static_row);
}

void TableStatistics::Add(const data::Row& row) {
  ++rows;
  AddContents(row);
}

void TableStatistics::Add(const data::RowView& row) {
  ++rows;
  cells += row.cells;
  min_timestamp = std::min(min_timestamp, row.min_timestamp);
  max_timestamp = std::max(max_timestamp, row.max_timestamp);
  max_local_deletion_seconds = data::kNoExpiry;
}

void TableStatistics::AddRange(const data::Deletion& deletion) {
  if (!deletion.live()) ++range_tombstones;
  AddDeletion(deletion);
}

void TableStatistics::AddContents(const data::Row& row) {
  AddDeletion(row.deletion);
  if (!row.liveness.empty()) {
    AddThing(row.liveness.timestamp, row.liveness.expires_at);
  }
  for (const data::ComplexDeletion& each : row.complex_deletions) AddDeletion(each.deletion);
  for (const data::Cell& cell : row.cells) {
    ++cells;
    if (cell.tombstone) ++tombstones;
    AddThing(cell.timestamp,
             cell.tombstone || cell.expiring() ? cell.local_seconds : data::kNoExpiry);
  }
}

void TableStatistics::AddDeletion(const data::Deletion& deletion) {
  if (deletion.live()) return;
  ++tombstones;
  AddThing(deletion.timestamp, deletion.local_seconds);
}

void TableStatistics::AddThing(data::Timestamp timestamp, int64_t local_seconds) {
  min_timestamp = std::min(min_timestamp, timestamp);
  max_timestamp = std::max(max_timestamp, timestamp);
  min_local_deletion_seconds = std::min(min_local_deletion_seconds, local_seconds);
  max_local_deletion_seconds = std::max(max_local_deletion_seconds, local_seconds);
  if (local_seconds != data::kNoExpiry) drop_times.Add(local_seconds);
}

std::string EncodeStatistics(const TableStatistics& statistics) {
  std::string out;
  base::PutU8(&out, kStatisticsVersion);
  base::PutVarint(&out, statistics.partitions);
  base::PutVarint(&out, statistics.rows);
  base::PutVarint(&out, statistics.cells);
  base::PutVarint(&out, statistics.tombstones);
  base::PutVarint(&out, statistics.range_tombstones);
  base::PutSignedVarint(&out, statistics.min_timestamp);
  base::PutSignedVarint(&out, statistics.max_timestamp);
  base::PutSignedVarint(&out, statistics.min_local_deletion_seconds);
  base::PutSignedVarint(&out, statistics.max_local_deletion_seconds);
  statistics.drop_times.EncodeTo(&out);
  base::PutVarint(&out, statistics.raw_data_bytes);
  PutKey(statistics.first_key, &out);
  PutKey(statistics.last_key, &out);
  return out;
}

absl::StatusOr<TableStatistics> DecodeStatistics(std::string_view bytes) {
  base::Reader in(bytes);
  TableStatistics statistics;
  if (in.U8() != kStatisticsVersion) in.Fail();
  statistics.partitions = in.Varint();
  statistics.rows = in.Varint();
  statistics.cells = in.Varint();
  statistics.tombstones = in.Varint();
  statistics.range_tombstones = in.Varint();
  statistics.min_timestamp = in.SignedVarint();
  statistics.max_timestamp = in.SignedVarint();
  statistics.min_local_deletion_seconds = in.SignedVarint();
  statistics.max_local_deletion_seconds = in.SignedVarint();
  statistics.drop_times = DropTimes::TakeFrom(&in);
  statistics.raw_data_bytes = in.Varint();
  statistics.first_key = TakeKey(&in);
  statistics.last_key = TakeKey(&in);
  if (!in.AtEnd()) in.Fail();
  if (!in.ok()) return in.status("statistics");
  return statistics;
}

}  // namespace tholos::sstable
