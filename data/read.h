// What a read asks of a replica, and what comes back.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/checksum.h"
#include "data/partition.h"

namespace tholos::data {

// Tokens in (start, end], start < end; end == kMinToken stands for the end of the token space. So
// the default, both kMinToken, is the whole ring, and no range wraps around. kMinToken itself is no
// partition's token.
struct TokenRange {
  Token start = kMinToken;
  Token end = kMinToken;
  bool Contains(Token t) const {
    return start == end || (t > start && (end == kMinToken || t <= end));
  }
  friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

// A place to resume: after this partition's row (or, without a clustering key, after the whole
// partition).
struct Position {
  DecoratedKey key;
  std::optional<std::string> clustering;
  friend bool operator==(const Position&, const Position&) = default;
};

struct ReadCommand {
  TableId table;
  // One partition, or those of a token range.
  std::optional<DecoratedKey> key;
  TokenRange range;  // if !key
  // Within each partition: sorted, disjoint; empty means all rows. Static rows are always included.
  std::vector<Slice> slices;
  bool reversed = false;  // rows in descending clustering order (in each partition)
  std::optional<Position> after;
  // Stops after this many live rows (a partition with a live static row and no live row counts
  // one).
  uint32_t row_limit = 5000;
  uint32_t per_partition_limit = 0xFFFFFFFF;
  // Stops, after at least one row, when the answer passes this many bytes.
  uint64_t bytes_limit = 1 << 20;
  // The answer never has more than so many: it stops before what does not fit. If that is the very
  // first row, the answer is empty and says what it takes (ReadResult::needed).
  uint64_t bytes_max = std::numeric_limits<uint64_t>::max();
  // Wall seconds for expiry, set by the coordinator: replicas must judge alike.
  int64_t now_seconds = 0;

  // The key's token, or the first one of the range.
  Token RoutingToken() const;
  friend bool operator==(const ReadCommand&, const ReadCommand&) = default;
};

// Partitions in token order; rows in the command's order (descending if reversed), expired
// (ExpireRow) as of now_seconds, tombstones included: the coordinator needs them to reconcile.
// Range tombstones ascend in any case, and are cut to the command's slices and to where the result
// ends.
struct ReadResult {
  std::vector<Partition> partitions;
  bool more = false;  // stopped at a limit; there may be more after LastPosition
  // Where it stopped, in the last partition, if that is not its last row.
  std::optional<Position> end;
  // `more`, and no partition: the first row, with what belongs to it (its partition's key, static
  // row and range tombstones up to it), is larger than bytes_max. It takes so many bytes.
  uint64_t needed = 0;
  friend bool operator==(const ReadResult&, const ReadResult&) = default;
};

// Counts live rows as row_limit does: a partition with no live row and a live static row counts
// one.
uint32_t CountLiveRows(const ReadResult& result, int64_t now_seconds);
// Bytes as bytes_limit and bytes_max count them, those of memory, roughly: the encoded form has
// less. `reversed` as in the command.
uint64_t CountBytes(const ReadResult& result, bool reversed);
// Of a range tombstone that begins at `at` (its end, if reversed).
uint64_t CountBytesOfRange(std::string_view at);
// Where a read that returned `result` resumes: at its `end`; or else after its last row, or, if its
// last partition has none, after that partition; nothing if it is empty.
std::optional<Position> LastPosition(const ReadResult& result);

// Covers every byte that can differ between two replicas' results, `more` included: it is the hash
// of the encoding. Equal results have equal digests, different ones (but for chance, 2^-128)
// different digests.
base::Hash128 DigestOf(const ReadResult& result);

// Layouts (bytes, varints and partition as in codec.h):
//
//   command  version (1: 0x02) | table id (16) | flags (1) | key (bytes), or start, end (8 each) |
//            slice count (varint) | slices: lower, upper (bytes each) |
//            [after: key (bytes), [clustering (bytes)]] | row limit, limit per partition, bytes
//            limit (varints) | [bytes max (varint)] | now (signed varint)
//            flags: 0x01 one key, 0x02 reversed, 0x04 after, 0x08 after has a clustering key, 0x10
//            bytes max
//   result   version (1: 0x02) | flags (1) | partition count (varint) | partitions |
//            [end's clustering key (bytes)] | [needed (varint)]
//            flags: 0x01 more, 0x02 rows are in descending order, 0x04 has an end, 0x08 which has
//            a clustering key, 0x10 needed
//
// Decoders return kDataLoss "malformed ..." for anything else, and for slices that are not sorted
// and disjoint, a range that wraps around, partitions out of token order, rows out of the flagged
// order, and a result with partitions that needs more bytes.
std::string EncodeReadCommand(const ReadCommand& command);
absl::StatusOr<ReadCommand> DecodeReadCommand(std::string_view bytes);
std::string EncodeReadResult(const ReadResult& result);
absl::StatusOr<ReadResult> DecodeReadResult(std::string_view bytes);

}  // namespace tholos::data
