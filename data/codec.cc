#include "data/codec.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace tholos::data {
namespace {

constexpr uint8_t kVersion = 1;

enum PartitionFlags : uint8_t {
  kPartitionDeletion = 0x01,
  kStaticRow = 0x02,
  kPartitionFlagsAll = 0x03,
};

enum RowFlags : uint8_t {
  kLiveness = 0x01,
  kLivenessExpires = 0x02,
  kRowDeletion = 0x04,
  kCells = 0x08,
  kRowFlagsAll = 0x0F,
};

enum CellFlags : uint8_t {
  kOwnTimestamp = 0x01,
  kTombstone = 0x02,
  kOwnTtl = 0x04,
  kTtlOfLiveness = 0x08,
};
constexpr int kCellFlagBits = 4;

// The smallest encodings: of a row, an empty key and flags; of a cell, a header and a length or
// moment; of a partition, an empty key, flags and a row count.
constexpr size_t kRowBytesMin = 2;
constexpr size_t kCellBytesMin = 1;
constexpr size_t kPartitionBytesMin = 3;
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

void PutCell(const Cell& cell, uint64_t id_difference, Timestamp base, const Liveness& liveness,
             std::string* out) {
  THOLOS_CHECK(cell.ttl_seconds >= 0) << "column " << cell.column;
  uint64_t flags = 0;
  if (cell.timestamp != base) flags |= kOwnTimestamp;
  if (cell.tombstone) flags |= kTombstone;
  if (cell.expiring()) flags |= SharesTtl(cell, liveness) ? kTtlOfLiveness : kOwnTtl;
  base::PutVarint(out, id_difference << kCellFlagBits | flags);
  if ((flags & kOwnTimestamp) != 0) base::PutSignedVarint(out, Minus(cell.timestamp, base));
  if ((flags & kOwnTtl) != 0) base::PutVarint(out, static_cast<uint64_t>(cell.ttl_seconds));
  if ((flags & (kTombstone | kOwnTtl)) != 0 && (flags & kTtlOfLiveness) == 0) {
    PutMoment(cell.local_seconds, cell.timestamp, cell.ttl_seconds, out);
  }
  if (!cell.tombstone) base::PutBytes(out, cell.value);
}

void TakeCell(base::Reader* in, int64_t previous_id, Timestamp base, const Liveness& liveness,
              Cell* cell) {
  const uint64_t header = in->Varint();
  const uint64_t id = static_cast<uint64_t>(previous_id + 1) + (header >> kCellFlagBits);
  if (id > std::numeric_limits<ColumnId>::max()) in->Fail();
  cell->column = static_cast<ColumnId>(id);
  cell->timestamp = (header & kOwnTimestamp) != 0 ? Plus(base, in->SignedVarint()) : base;
  Present(in, cell->timestamp);
  cell->tombstone = (header & kTombstone) != 0;
  if ((header & kTtlOfLiveness) != 0) {
    if (!liveness.expiring() || (header & kOwnTtl) != 0) in->Fail();
    cell->ttl_seconds = liveness.ttl_seconds;
    cell->local_seconds = liveness.expires_at;
  } else {
    if ((header & kOwnTtl) != 0) cell->ttl_seconds = TakeTtl(in);
    if ((header & (kTombstone | kOwnTtl)) != 0) {
      cell->local_seconds = TakeMoment(in, cell->timestamp, cell->ttl_seconds);
    }
  }
  if (!cell->tombstone) cell->value = in->Bytes();
}

void PutCells(const Row& row, std::string* out) {
  base::PutVarint(out, row.cells.size());
  const Timestamp base = BaseTimestamp(row);
  int64_t previous_id = -1;
  for (const Cell& cell : row.cells) {
    THOLOS_CHECK(int64_t{cell.column} > previous_id) << "cells are not in the order of columns";
    PutCell(cell, static_cast<uint64_t>(cell.column - previous_id - 1), base, row.liveness, out);
    previous_id = cell.column;
  }
}

void TakeCells(base::Reader* in, Timestamp base, Row* row) {
  const size_t count = in->Count(kCellBytesMin);
  if (count == 0) in->Fail();
  row->cells.reserve(std::min(count, kReservedMax));
  int64_t previous_id = -1;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    TakeCell(in, previous_id, base, row->liveness, &row->cells.emplace_back());
    previous_id = row->cells.back().column;
  }
}

void TakeRowBody(base::Reader* in, Row* row) {
  row->liveness = Liveness();
  row->deletion = Deletion();
  row->cells.clear();
  const uint8_t flags = in->U8();
  if ((flags & ~kRowFlagsAll) != 0) in->Fail();
  if ((flags & kLivenessExpires) != 0 && (flags & kLiveness) == 0) in->Fail();
  Timestamp base = kNoTimestamp;
  if ((flags & (kLiveness | kCells)) != 0) base = Present(in, in->SignedVarint());
  if ((flags & kLiveness) != 0) row->liveness.timestamp = base;
  if ((flags & kLivenessExpires) != 0) {
    row->liveness.ttl_seconds = TakeTtl(in);
    row->liveness.expires_at = TakeMoment(in, base, row->liveness.ttl_seconds);
  }
  if ((flags & kRowDeletion) != 0) row->deletion = TakePresentDeletion(in);
  if ((flags & kCells) != 0) TakeCells(in, base, row);
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

void TakePartition(base::Reader* in, Partition* partition, RowOrder order) {
  partition->key = DecoratedKey::Of(std::string(TakeKey(in)));
  const uint8_t flags = in->U8();
  if ((flags & ~kPartitionFlagsAll) != 0) in->Fail();
  partition->deletion = (flags & kPartitionDeletion) != 0 ? TakePresentDeletion(in) : Deletion();
  partition->static_row.reset();
  if ((flags & kStaticRow) != 0) TakeRowBody(in, &partition->static_row.emplace());
  const size_t count = in->Count(kRowBytesMin);
  partition->rows.clear();
  partition->rows.reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in->ok(); ++i) {
    TakeRow(in, &partition->rows.emplace_back());
    if (i > 0 && !InOrder(partition->rows[i - 1], partition->rows[i], order)) in->Fail();
  }
}

void TakeVersion(base::Reader* in) {
  if (in->U8() != kVersion) in->Fail();
}

TableId TakeTableId(base::Reader* in) {
  const std::string_view bytes = in->Raw(16);
  return in->ok() ? *base::Uuid::FromBytes(bytes) : TableId();
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
  if (!row.cells.empty()) flags |= kCells;
  base::PutU8(out, flags);
  if ((flags & (kLiveness | kCells)) != 0) base::PutSignedVarint(out, BaseTimestamp(row));
  if ((flags & kLivenessExpires) != 0) {
    base::PutVarint(out, static_cast<uint64_t>(liveness.ttl_seconds));
    PutMoment(liveness.expires_at, liveness.timestamp, liveness.ttl_seconds, out);
  }
  if ((flags & kRowDeletion) != 0) EncodeDeletion(row.deletion, out);
  if ((flags & kCells) != 0) PutCells(row, out);
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
  base::PutU8(out, flags);
  if ((flags & kPartitionDeletion) != 0) EncodeDeletion(partition.deletion, out);
  if ((flags & kStaticRow) != 0) EncodeRowBody(*partition.static_row, out);
  base::PutVarint(out, partition.rows.size());
  for (const Row& row : partition.rows) EncodeRow(row, out);
}

absl::Status DecodePartition(base::Reader* in, Partition* partition, RowOrder order) {
  TakePartition(in, partition, order);
  return in->status("partition");
}

std::string EncodeMutation(const Mutation& mutation) {
  std::string out;
  base::PutU8(&out, kVersion);
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
  base::PutU8(&out, kVersion);
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
