// Counters as stored: the sum of what each replica has counted.
//
// Additions do not merge by "the newest wins": of two that meet, both count. So a counter is a
// multi-cell column (partition.h) with one cell, a shard, for each replica that has led an
// increment, and a shard holds all that this replica has counted so far, not the last increment:
//
//   cell of the column                      path                timestamp   value
//   host a has counted 7, last at clock 30  id of a (16 bytes)  30          7 (8 bytes, big-endian)
//   host b has counted -2, last at 12       id of b             12          -2
//   the counter shows 5
//
// Only the host of a shard makes new versions of it, one at a time, each with a greater timestamp:
// the shard's clock. The merge law of cells is then that of counters: of each host's versions the
// one with the highest clock wins, whole, whoever has it and however often it arrives. (Of equal
// clocks, which a host never gives twice, the larger value bytes.)
//
// Counters never expire, and shards have no TTL. A deletion (of the column, its row, range or
// partition) removes the shards whose clocks it covers: it wins over every increment that its host
// had made with an older or equal clock. A host that has seen a deletion counts on from 0, with a
// clock beyond it (NextShard). A deletion and an increment that do not know of each other may leave
// the old count of one host standing: as in Cassandra, a counter that was deleted should not be
// used again until the deletion is everywhere.
//
// Cassandra keeps the same (its "global shards") in one cell, a context of {id, clock, count} for
// each host beside a timestamp that only deletions look at. Here both are one number, since clocks
// are the microseconds of a clock that never runs backwards; and shards are cells, so that the
// codec, digests, read repair, memtables and SSTables need to know nothing of counters.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "base/uuid.h"
#include "data/partition.h"

namespace tholos::data {

struct CounterShard {
  base::Uuid host;
  Timestamp clock = kNoTimestamp;
  int64_t count = 0;
  friend bool operator==(const CounterShard&, const CounterShard&) = default;
};

Cell EncodeCounterShard(ColumnId column, const CounterShard& shard);
// kDataLoss if the cell is none: a path or value of another length, or a TTL. A tombstone of a
// shard is none either.
absl::StatusOr<CounterShard> DecodeCounterShard(const Cell& cell);

// What the counter of these cells (Row::CellsOf) shows: the sum, modulo 2^64; nothing if there is
// no shard. Tombstones are passed over. kDataLoss as above.
absl::StatusOr<std::optional<int64_t>> CounterValue(std::span<const Cell> cells);

// The shard of `host` after it has counted `delta` more: from what it has (`row`, canonical), with
// a clock of `now_micros` or later that is beyond its last one and beyond `covering`, the greatest
// deletion over the row, and those of row and column.
absl::StatusOr<CounterShard> NextShard(const Row& row, ColumnId column, const Deletion& covering,
                                       const base::Uuid& host, int64_t delta, Timestamp now_micros);

}  // namespace tholos::data
