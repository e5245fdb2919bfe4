#include "data/codec.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "data/codec_flags.h"
#include "data/range_tombstones.h"

namespace tholos::data {
namespace {

// What a count may reserve before the things themselves are seen.
constexpr size_t kReservedMax = 256;

constexpr int64_t kMicrosPerSecond = 1000000;

// Differences wrap around, so that every pair of numbers has one.
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

void PutMoment(int64_t seconds, Timestamp timestamp, int32_t ttl_seconds, std::string* out) {
  base::PutSignedVarint(out, Minus(seconds, timestamp / kMicrosPerSecond + ttl_seconds));
}

int64_t TakeMoment(base::Reader* in, Timestamp timestamp, int32_t ttl_seconds) {
  return Plus(in->SignedVarint(), timestamp / kMicrosPerSecond + ttl_seconds);
}

int32_t TakeTtl(base::Reader* in) {
  const uint64_t ttl = in->Varint();
  if (ttl == 0 || ttl > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) in->Fail();
  return in->ok() ? static_cast<int32_t>(ttl) : 0;
}

// A timestamp of something that exists.
Timestamp Present(base::Reader* in, Timestamp timestamp) {
  if (timestamp == kNoTimestamp) in->Fail();
  return timestamp;
}

Deletion TakePresentDeletion(base::Reader* in) {
  Deletion deletion = DecodeDeletion(in);
  if (deletion.live()) in->Fail();
  return deletion;
}

Timestamp BaseTimestamp(const Row& row) {
  if (!row.liveness.empty()) return row.liveness.timestamp;
  return row.cells.empty() ? kNoTimestamp : row.cells.front().timestamp;
}

bool SharesTtl(const Cell& cell, const Liveness& liveness) {
  return !liveness.empty() && cell.ttl_seconds == liveness.ttl_seconds &&
         cell.local_seconds == liveness.expires_at;
}

// All of a cell that follows its id and path.
void PutCellBody(const Cell& cell, uint64_t flags, Timestamp base, std::string* out) {
  if ((flags & kOwnTimestamp) != 0) base::PutSignedVarint(out, Minus(cell.timestamp, base));
  if ((flags & kOwnTtl) != 0) base::PutVarint(out, static_cast<uint64_t>(cell.ttl_seconds));
  if ((flags & (kTombstone | kOwnTtl)) != 0 && (flags & kTtlOfLiveness) == 0) {
    PutMoment(cell.local_seconds, cell.timestamp, cell.ttl_seconds, out);
  }
  if (!cell.tombstone) base::PutBytes(out, cell.value);
}

uint64_t FlagsOf(const Cell& cell, Timestamp base, const Liveness& liveness) {
  THOLOS_CHECK(cell.ttl_seconds >= 0) << "column " << cell.column;
  uint64_t flags = 0;
  if (cell.timestamp != base) flags |= kOwnTimestamp;
  if (cell.tombstone) flags |= kTombstone;
  if (cell.expiring()) flags |= SharesTtl(cell, liveness) ? kTtlOfLiveness : kOwnTtl;
  return flags;
}

void TakeCellBody(base::Reader* in, uint64_t flags, Timestamp base, const Liveness& liveness,
                  Cell* cell) {
  cell->timestamp = (flags & kOwnTimestamp) != 0 ? Plus(base, in->SignedVarint()) : base;
  Present(in, cell->timestamp);
  cell->tombstone = (flags & kTombstone) != 0;
  if ((flags & kTtlOfLiveness) != 0) {
    if (!liveness.expiring() || (flags & kOwnTtl) != 0) in->Fail();
    cell->ttl_seconds = liveness.ttl_seconds;
    cell->local_seconds = liveness.expires_at;
  } else {
    if ((flags & kOwnTtl) != 0) cell->ttl_seconds = TakeTtl(in);
    if ((flags & (kTombstone | kOwnTtl)) != 0) {
      cell->local_seconds = TakeMoment(in, cell->timestamp, cell->ttl_seconds);
    }
  }
  if (!cell->tombstone) cell->value = in->Bytes();
}

ColumnId TakeColumn(base::Reader* in, uint64_t id) {
  if (id > std::numeric_limits<ColumnId>::max()) in->Fail();
  return static_cast<ColumnId>(id);
}

void PutCells(const Row& row, std::string* out) {
  base::PutVarint(out, row.cells.size());
  const Timestamp base = BaseTimestamp(row);
  int64_t previous_id = -1;
  for (const Cell& cell : row.cells) {
    THOLOS_CHECK(int64_t{cell.column} > previous_id) << "cells are not in the order of columns";
    const uint64_t flags = FlagsOf(cell, base, row.liveness);
    const auto difference = static_cast<uint64_t>(cell.column - previous_id - 1);
    base::PutVarint(out, difference << kCellFlagBits | flags);
    PutCellBody(cell, flags, base, out);
    previous_id = cell.column;
  }
}

void PutCellsWithPaths(const Row& row, std::string* out) {
  base::PutVarint(out, row.cells.size());
  const Timestamp base = BaseTimestamp(row);
  int64_t previous_id = -1;
  std::string_view previous_path;
  for (const Cell& cell : row.cells) {
    const auto difference = static_cast<uint64_t>(cell.column - previous_id);
    THOLOS_CHECK(int64_t{cell.column} > previous_id ||
                 (difference == 0 && cell.path > previous_path))
        << "cells are not in the order of columns and paths";
    uint64_t flags = FlagsOf(cell, base, row.liveness);
    if (!cell.path.empty()) flags |= kPath;
    base::PutVarint(out, difference << kPathCellFlagBits | flags);
    if (!cell.path.empty()) base::PutBytes(out, cell.path);
    PutCellBody(cell, flags, base, out);
    previous_id = cell.column;
    previous_path = cell.path;
  }
}

void TakeCells(base::Reader* in, Timestamp base, Row* row) {
  const size_t count = in->Count(kCellBytesMin);
  if (count == 0) in->Fail();
  row->cells.reserve(std::min(count, kReservedMax));
  uint64_t next_id = 0;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    Cell& cell = row->cells.emplace_back();
    const uint64_t header = in->Varint();
    cell.column = TakeColumn(in, next_id + (header >> kCellFlagBits));
    TakeCellBody(in, header, base, row->liveness, &cell);
    next_id = uint64_t{cell.column} + 1;
  }
}

void TakeCellsWithPaths(base::Reader* in, Timestamp base, Row* row) {
  const size_t count = in->Count(kCellBytesMin);
  row->cells.reserve(std::min(count, kReservedMax));
  int64_t previous_id = -1;
  bool any_path = false;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    Cell& cell = row->cells.emplace_back();
    const uint64_t header = in->Varint();
    const uint64_t difference = header >> kPathCellFlagBits;
    cell.column = TakeColumn(in, static_cast<uint64_t>(previous_id) + difference);
    if ((header & kPath) != 0) {
      cell.path = in->Bytes();
      if (cell.path.empty()) in->Fail();
      any_path = true;
    }
    if (difference == 0 && (i == 0 || row->cells[i - 1].path >= cell.path)) in->Fail();
    TakeCellBody(in, header, base, row->liveness, &cell);
    previous_id = cell.column;
  }
  if (!any_path) in->Fail();
}

void PutComplexDeletions(const Row& row, std::string* out) {
  base::PutVarint(out, row.complex_deletions.size());
  int64_t previous_id = -1;
  for (const ComplexDeletion& each : row.complex_deletions) {
    THOLOS_CHECK(int64_t{each.column} > previous_id && !each.deletion.live());
    base::PutVarint(out, static_cast<uint64_t>(each.column - previous_id - 1));
    EncodeDeletion(each.deletion, out);
    previous_id = each.column;
  }
}

void TakeComplexDeletions(base::Reader* in, Row* row) {
  const size_t count = in->Count(kComplexBytesMin);
  if (count == 0) in->Fail();
  row->complex_deletions.reserve(std::min(count, kReservedMax));
  uint64_t next_id = 0;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const uint64_t difference = in->Varint();
    if (difference > std::numeric_limits<ColumnId>::max()) in->Fail();
    const ColumnId column = TakeColumn(in, next_id + difference);
    row->complex_deletions.push_back({column, TakePresentDeletion(in)});
    next_id = uint64_t{column} + 1;
  }
}

void TakeRowBody(base::Reader* in, Row* row) {
  row->liveness = Liveness();
  row->deletion = Deletion();
  row->complex_deletions.clear();
  row->cells.clear();
  const uint8_t flags = in->U8();
  if ((flags & ~kRowFlagsAll) != 0) in->Fail();
  if ((flags & kLivenessExpires) != 0 && (flags & kLiveness) == 0) in->Fail();
  if ((flags & kPaths) != 0 && (flags & kCells) == 0) in->Fail();
  Timestamp base = kNoTimestamp;
  if ((flags & (kLiveness | kCells)) != 0) base = Present(in, in->SignedVarint());
  if ((flags & kLiveness) != 0) row->liveness.timestamp = base;
  if ((flags & kLivenessExpires) != 0) {
    row->liveness.ttl_seconds = TakeTtl(in);
    row->liveness.expires_at = TakeMoment(in, base, row->liveness.ttl_seconds);
  }
  if ((flags & kRowDeletion) != 0) row->deletion = TakePresentDeletion(in);
  if ((flags & kComplexDeletions) != 0) TakeComplexDeletions(in, row);
  if ((flags & kPaths) != 0) {
    TakeCellsWithPaths(in, base, row);
  } else if ((flags & kCells) != 0) {
    TakeCells(in, base, row);
  }
}

std::string_view TakeKey(base::Reader* in) {
  const std::string_view key = in->Bytes();
  if (key.size() > kKeyBytesMax) in->Fail();
  return key;
}

void TakeRow(base::Reader* in, Row* row) {
  row->clustering = TakeKey(in);
  TakeRowBody(in, row);
}

bool InOrder(const Row& a, const Row& b, RowOrder order) {
  return order == RowOrder::kAscending ? a.clustering < b.clustering : b.clustering < a.clustering;
}

std::string TakeBound(base::Reader* in) {
  const std::string_view bound = in->Bytes();
  if (bound.size() > kBoundBytesMax) in->Fail();
  return std::string(bound);
}

void PutRanges(const RangeTombstones& ranges, std::string* out) {
  THOLOS_CHECK(InOrder(ranges)) << "range tombstones are not in order, or overlap";
  base::PutVarint(out, ranges.size());
  for (const RangeTombstone& each : ranges) {
    base::PutBytes(out, each.range.lower);
    base::PutBytes(out, each.range.upper);
    EncodeDeletion(each.deletion, out);
  }
}

void TakeRanges(base::Reader* in, RangeTombstones* ranges) {
  const size_t count = in->Count(kRangeBytesMin);
  if (count == 0) in->Fail();
  ranges->reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in->ok(); ++i) {
    Slice range{.lower = TakeBound(in), .upper = TakeBound(in)};
    ranges->push_back({std::move(range), TakePresentDeletion(in)});
  }
  if (!InOrder(*ranges)) in->Fail();
}

void TakePartition(base::Reader* in, Partition* partition, RowOrder order) {
  partition->key = DecoratedKey::Of(std::string(TakeKey(in)));
  const uint8_t flags = in->U8();
  if ((flags & ~kPartitionFlagsAll) != 0) in->Fail();
  partition->deletion = (flags & kPartitionDeletion) != 0 ? TakePresentDeletion(in) : Deletion();
  partition->static_row.reset();
  if ((flags & kStaticRow) != 0) TakeRowBody(in, &partition->static_row.emplace());
  partition->range_tombstones.clear();
  if ((flags & kRangeTombstones) != 0) TakeRanges(in, &partition->range_tombstones);
  const size_t count = in->Count(kRowBytesMin);
  partition->rows.clear();
  partition->rows.reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in->ok(); ++i) {
    TakeRow(in, &partition->rows.emplace_back());
    if (i > 0 && !InOrder(partition->rows[i - 1], partition->rows[i], order)) in->Fail();
  }
}

void TakeVersion(base::Reader* in) {
  if (in->U8() != kCodecVersion) in->Fail();
}

TableId TakeTableId(base::Reader* in) {
  const std::string_view bytes = in->Raw(16);
  return in->ok() ? *base::Uuid::FromBytes(bytes) : TableId();
}

size_t GuessBytes(const Row& row) {
  constexpr size_t kRowBytes = 24;   // lengths, flags, timestamps
  constexpr size_t kCellBytes = 12;  // flags, length, how far its timestamp is from the row's
  size_t bytes = kRowBytes + row.clustering.size();
  for (const Cell& cell : row.cells) bytes += kCellBytes + cell.path.size() + cell.value.size();
  return bytes;
}

// What a mutation of this partition will most likely not be larger than, so that its bytes are
// allocated once.
size_t GuessBytes(const Partition& partition) {
  constexpr size_t kPartitionBytes = 48;  // version, table, lengths, flags, a deletion
  size_t bytes = kPartitionBytes + partition.key.key.size();
  if (partition.static_row.has_value()) bytes += GuessBytes(*partition.static_row);
  for (const Row& row : partition.rows) bytes += GuessBytes(row);
  return bytes;
}

// A mutation and a partition list end with the buffer.
absl::Status StatusAtEnd(base::Reader* in, std::string_view what) {
  if (in->remaining() != 0) in->Fail();
  return in->status(what);
}

}  // namespace

void EncodeDeletion(const Deletion& deletion, std::string* out) {
  base::PutSignedVarint(out, deletion.timestamp);
  PutMoment(deletion.local_seconds, deletion.timestamp, 0, out);
}

void DecodeRangeTombstones(base::Reader* in, std::vector<RangeTombstone>* ranges) {
  ranges->clear();
  TakeRanges(in, ranges);
}

Deletion DecodeDeletion(base::Reader* in) {
  Deletion deletion;
  deletion.timestamp = in->SignedVarint();
  deletion.local_seconds = TakeMoment(in, deletion.timestamp, 0);
  return deletion.live() || !in->ok() ? Deletion() : deletion;
}

void EncodeRowBody(const Row& row, std::string* out) {
  const Liveness& liveness = row.liveness;
  THOLOS_CHECK(liveness.ttl_seconds >= 0);
  uint8_t flags = 0;
  if (!liveness.empty()) flags |= kLiveness;
  if (!liveness.empty() && liveness.expiring()) flags |= kLivenessExpires;
  if (!row.deletion.live()) flags |= kRowDeletion;
  if (!row.complex_deletions.empty()) flags |= kComplexDeletions;
  if (!row.cells.empty()) flags |= kCells;
  if (std::any_of(row.cells.begin(), row.cells.end(),
                  [](const Cell& cell) { return !cell.path.empty(); })) {
    flags |= kPaths;
  }
  base::PutU8(out, flags);
  if ((flags & (kLiveness | kCells)) != 0) base::PutSignedVarint(out, BaseTimestamp(row));
  if ((flags & kLivenessExpires) != 0) {
    base::PutVarint(out, static_cast<uint64_t>(liveness.ttl_seconds));
    PutMoment(liveness.expires_at, liveness.timestamp, liveness.ttl_seconds, out);
  }
  if ((flags & kRowDeletion) != 0) EncodeDeletion(row.deletion, out);
  if ((flags & kComplexDeletions) != 0) PutComplexDeletions(row, out);
  if ((flags & kPaths) != 0) {
    PutCellsWithPaths(row, out);
  } else if ((flags & kCells) != 0) {
    PutCells(row, out);
  }
}

absl::Status DecodeRowBody(base::Reader* in, Row* row) {
  TakeRowBody(in, row);
  return in->status("row");
}

void EncodeRow(const Row& row, std::string* out) {
  THOLOS_CHECK(row.clustering.size() <= kKeyBytesMax) << row.clustering.size();
  base::PutBytes(out, row.clustering);
  EncodeRowBody(row, out);
}

absl::Status DecodeRow(base::Reader* in, Row* row) {
  TakeRow(in, row);
  return in->status("row");
}

void EncodePartition(const Partition& partition, std::string* out) {
  THOLOS_CHECK(partition.key.key.size() <= kKeyBytesMax) << partition.key.key.size();
  base::PutBytes(out, partition.key.key);
  uint8_t flags = 0;
  if (!partition.deletion.live()) flags |= kPartitionDeletion;
  if (partition.static_row.has_value()) flags |= kStaticRow;
  if (!partition.range_tombstones.empty()) flags |= kRangeTombstones;
  base::PutU8(out, flags);
  if ((flags & kPartitionDeletion) != 0) EncodeDeletion(partition.deletion, out);
  if ((flags & kStaticRow) != 0) EncodeRowBody(*partition.static_row, out);
  if ((flags & kRangeTombstones) != 0) PutRanges(partition.range_tombstones, out);
  base::PutVarint(out, partition.rows.size());
  for (const Row& row : partition.rows) EncodeRow(row, out);
}

absl::Status DecodePartition(base::Reader* in, Partition* partition, RowOrder order) {
  TakePartition(in, partition, order);
  return in->status("partition");
}

std::string EncodeMutation(const Mutation& mutation, size_t spare) {
  std::string out;
  out.reserve(GuessBytes(mutation.update) + spare);
  base::PutU8(&out, kCodecVersion);
  out.append(mutation.table.AsBytes());
  EncodePartition(mutation.update, &out);
  return out;
}

absl::StatusOr<Mutation> DecodeMutation(std::string_view bytes) {
  base::Reader in(bytes);
  Mutation mutation;
  TakeVersion(&in);
  mutation.table = TakeTableId(&in);
  if (in.ok()) TakePartition(&in, &mutation.update, RowOrder::kAscending);
  THOLOS_RETURN_IF_ERROR(StatusAtEnd(&in, "mutation"));
  return mutation;
}

absl::StatusOr<MutationHeader> PeekMutation(std::string_view bytes) {
  base::Reader in(bytes);
  MutationHeader header;
  TakeVersion(&in);
  header.table = TakeTableId(&in);
  const std::string_view key = TakeKey(&in);
  THOLOS_RETURN_IF_ERROR(in.status("mutation"));
  header.key = DecoratedKey::Of(std::string(key));
  return header;
}

std::string EncodePartitions(const std::vector<Partition>& partitions) {
  std::string out;
  base::PutU8(&out, kCodecVersion);
  base::PutVarint(&out, partitions.size());
  for (const Partition& partition : partitions) EncodePartition(partition, &out);
  return out;
}

absl::StatusOr<std::vector<Partition>> DecodePartitions(std::string_view bytes) {
  base::Reader in(bytes);
  TakeVersion(&in);
  const size_t count = in.Count(kPartitionBytesMin);
  std::vector<Partition> partitions;
  partitions.reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in.ok(); ++i) {
    TakePartition(&in, &partitions.emplace_back(), RowOrder::kAscending);
  }
  THOLOS_RETURN_IF_ERROR(StatusAtEnd(&in, "partitions"));
  return partitions;
}

}  // namespace tholos::data
