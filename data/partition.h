// What is stored: cells in rows in partitions, with the tombstones of each, and the merge law.
//
//   Mutation = table id + Partition             what a write carries
//   Partition = key, partition tombstone, static row, rows in clustering order
//   Row = clustering key, liveness, row tombstone, cells by column id
//   Cell = column id, timestamp, value | tombstone, [expiry]
//
// Timestamps are microseconds chosen by the coordinator or the client. Everything that is older than, or
// as old as, a tombstone that covers it is gone ("a delete wins a tie").
//
// Merge law (Reconcile*): for two versions of a thing the greater wins under a total order, so merging is
// commutative, associative and idempotent, whatever the order in which replicas saw the writes:
//   cell: timestamp; then tombstone over value; then the later expiry (none = latest); then the larger value bytes
//   liveness: timestamp; then no expiry over expiry; then the later expiry
//   deletion: timestamp; then the later local time
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "data/key.h"
#include "data/schema/schema.h"

namespace tholos::data {

using Timestamp = int64_t;
inline constexpr Timestamp kNoTimestamp = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kNoExpiry = std::numeric_limits<int64_t>::max();

// A tombstone over a row or a partition. `local_seconds` is the wall time of the deletion in seconds, for
// purging after gc_grace.
struct Deletion {
  Timestamp timestamp = kNoTimestamp;
  int64_t local_seconds = 0;
  bool live() const { return timestamp == kNoTimestamp; }
  bool Covers(Timestamp t) const { return !live() && t <= timestamp; }
  friend bool operator==(const Deletion&, const Deletion&) = default;
};

// That the row itself exists, apart from its cells (INSERT sets it, UPDATE does not).
struct Liveness {
  Timestamp timestamp = kNoTimestamp;
  int32_t ttl_seconds = 0;          // 0: none
  int64_t expires_at = kNoExpiry;   // wall seconds
  bool empty() const { return timestamp == kNoTimestamp; }
  bool LiveAt(int64_t now_seconds) const { return !empty() && now_seconds < expires_at; }
  friend bool operator==(const Liveness&, const Liveness&) = default;
};

struct Cell {
  ColumnId column = 0;
  Timestamp timestamp = kNoTimestamp;
  bool tombstone = false;
  int32_t ttl_seconds = 0;
  // Wall seconds: when the value expires, or (tombstone) when it was deleted.
  int64_t local_seconds = kNoExpiry;
  std::string value;  // empty if tombstone

  bool expiring() const { return ttl_seconds != 0; }
  bool LiveAt(int64_t now_seconds) const {
    return !tombstone && (!expiring() || now_seconds < local_seconds);
  }
  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Row {
  std::string clustering;
  Liveness liveness;
  Deletion deletion;
  std::vector<Cell> cells;  // by column id, one each

  // Nothing in it, not even a tombstone.
  bool IsEmpty() const { return liveness.empty() && deletion.live() && cells.empty(); }
  // A reader at `now_seconds` sees a row: live liveness or a live cell.
  bool LiveAt(int64_t now_seconds) const;
  const Cell* Find(ColumnId column) const;
  friend bool operator==(const Row&, const Row&) = default;
};

struct Partition {
  DecoratedKey key;
  Deletion deletion;
  std::optional<Row> static_row;  // clustering is ""
  std::vector<Row> rows;          // by clustering, one each

  bool IsEmpty() const { return deletion.live() && !static_row.has_value() && rows.empty(); }
  friend bool operator==(const Partition&, const Partition&) = default;
};

struct Mutation {
  TableId table;
  Partition update;
  friend bool operator==(const Mutation&, const Mutation&) = default;
};

// The merge law. Each is commutative, associative and idempotent. `into` and `from` are versions of one thing.
const Cell& ReconcileCell(const Cell& a, const Cell& b);
Liveness Reconcile(const Liveness& a, const Liveness& b);
Deletion Reconcile(const Deletion& a, const Deletion& b);
void MergeInto(Row* into, Row from);
void MergeInto(Partition* into, Partition from);

// Drops from `row` what `covering` (the partition's tombstone) or the row's own tombstone shadows. MergeInto leaves
// results in this form for tombstones inside; a Partition is canonical when ApplyDeletions changes nothing.
void ApplyDeletion(Row* row, const Deletion& covering);
void ApplyDeletions(Partition* partition);

// Values that have expired by `now_seconds` become tombstones of the same timestamp (local_seconds = the moment
// of expiry) and expired liveness goes; so replicas that hold the same data answer the same bytes.
void ExpireRow(Row* row, int64_t now_seconds);

// Drops tombstones with local_seconds < `gc_before_seconds` and timestamp < `purgeable_before` (the smallest timestamp of
// data elsewhere that they could still shadow). Returns false if nothing is left.
bool PurgeRow(Row* row, int64_t gc_before_seconds, Timestamp purgeable_before);

// What Repair sends: the part of `merged` that `have` lacks. Nothing if it lacks nothing.
std::optional<Partition> Difference(const Partition& merged, const Partition& have);

// Bytes of memory, roughly, for budgets.
size_t ApproximateBytes(const Row& row);
size_t ApproximateBytes(const Partition& partition);

}  // namespace tholos::data
