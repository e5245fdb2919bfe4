// The flat encoding of mutations, partitions and rows: in the commit log, in SSTables' rows, in
// hints and between nodes. The layout is part of the formats that hold it, which add checksums.
//
//   mutation       version (1: 0x01) | table id (16) | partition
//   partitions     version (1: 0x01) | count (varint) | partitions
//   partition      key (bytes) | flags (1) | [deletion] | [static row: row body] |
//                  [range count (varint) | ranges] | row count (varint) | rows
//                  flags: 0x01 partition tombstone, 0x02 static row, 0x04 range tombstones
//   range          lower (bytes) | upper (bytes; empty: no bound) | deletion
//   row            clustering key (bytes) | row body
//   row body       flags (1) | [base timestamp (signed varint)] | [ttl (varint) | moment] |
//   [deletion] |
//                  [complex count (varint) | complex deletions] | [cell count (varint) | cells]
//                  flags: 0x01 liveness, 0x02 it expires (ttl and moment), 0x04 row tombstone, 0x08
//                  cells, 0x10 complex deletions, 0x20 some cell has a path
//   complex        id - previous id - 1 (varint; the first: id) | deletion
//   deletion
//   cell           header (varint) | [timestamp: difference from the base (signed varint)] |
//                  [ttl (varint)] | [moment] | [value (bytes)]
//                  header: id - previous id - 1 (the first: id), times 16, and flags
//                  0x01 the timestamp is not the base, 0x02 tombstone (no value follows; a moment
//                  does), 0x04 has a TTL of its own (ttl and moment), 0x08 has ttl and expiry of
//                  the liveness (neither follows)
//                  In a row whose cells have paths the header is: id - previous id (the first: id
//                  + 1), times 32, and flags, with 0x10: path (bytes) follows the header
//   deletion       timestamp (signed varint) | moment
//   bytes          length (varint) | bytes
//
// Row flags 0x40 and 0x80 are left to formats that hold row bodies.
//
// The base timestamp is that of the liveness, or else of the first cell; it is absent if there is
// neither. A moment is wall seconds, written (signed varint) as the difference from timestamp /
// 1,000,000 + ttl: one byte where timestamps are microseconds of the same clock. Differences are
// modulo 2^64. A row of one 8-byte cell without liveness takes 1 + 8 + 1 + 1 + 1 + 8 = 20 bytes
// beside its clustering key.
//
// One partition has one encoding: equal encodings mean equal data. (A TTL of 0 with an expiry, a
// value in a tombstone and the local time of no deletion are not data, and not encoded.) Decoders
// trust nothing: they return kDataLoss "malformed ...", check bounds, and order and uniqueness of
// rows, ranges and cells. They reserve memory for 256 things at most before they have seen them, so
// memory is within what the decoded things need (up to 96 bytes for a cell that takes one byte
// here).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/coding.h"
#include "data/partition.h"

namespace tholos::data {

// Each decoder takes one thing from the front of `*in` and leaves the rest; where it fails, `*row`
// is unspecified.
void EncodeRow(const Row& row, std::string* out);  // with its clustering key
absl::Status DecodeRow(base::Reader* in, Row* row);

// A row without its clustering key, for formats that store keys apart (prefix-compressed). Decoding
// leaves `row->clustering` alone.
void EncodeRowBody(const Row& row, std::string* out);
absl::Status DecodeRowBody(base::Reader* in, Row* row);

// Of a live one too (the formats above use a flag instead).
void EncodeDeletion(const Deletion& deletion, std::string* out);
Deletion DecodeDeletion(base::Reader* in);
// A count and the ranges, as in a partition.
void DecodeRangeTombstones(base::Reader* in, std::vector<RangeTombstone>* ranges);

// A partition as in the layout above, for formats that hold one at a time; its rows are in `order`.
enum class RowOrder { kAscending, kDescending };
void EncodePartition(const Partition& partition, std::string* out);
absl::Status DecodePartition(base::Reader* in, Partition* partition,
                             RowOrder order = RowOrder::kAscending);

// `spare`: bytes that the caller will append.
std::string EncodeMutation(const Mutation& mutation, size_t spare = 0);
absl::StatusOr<Mutation> DecodeMutation(std::string_view bytes);
// The table and key alone, without decoding the rest: routing a received mutation.
struct MutationHeader {
  TableId table;
  DecoratedKey key;
};
absl::StatusOr<MutationHeader> PeekMutation(std::string_view bytes);

std::string EncodePartitions(const std::vector<Partition>& partitions);
absl::StatusOr<std::vector<Partition>> DecodePartitions(std::string_view bytes);

}  // namespace tholos::data
