// What is stored: cells in rows in partitions, with the tombstones of each, and the merge law.
//
//   Mutation = table id + Partition             what a write carries
//   Partition = key, partition tombstone, static row, rows in clustering order
//   Row = clustering key, liveness, row tombstone, cells by column id
//   Cell = column id, timestamp, value | tombstone, [expiry]
//
// Timestamps are microseconds chosen by the coordinator or the client. Everything that is older
// than, or as old as, a tombstone that covers it is gone ("a delete wins a tie").
//
// Merge law (Reconcile*): for two versions of a thing the greater wins under a total order, so
// merging is commutative, associative and idempotent, whatever the order in which replicas saw the
// writes:
//
//   cell:      timestamp; then a deletion over a value; then (deletions) the later local time,
//   (values) the
//              earlier expiry, none being the latest, the larger TTL, expired over not, the larger
//              value bytes
//   liveness:  timestamp; then the earlier expiry, none being the latest; then the larger TTL
//   deletion:  timestamp; then the later local time
//
// Expiry must not depend on when versions meet: expiring two versions and merging them gives what
// merging and then expiring gives (tested). That is why the earlier expiry wins a tie: had the
// later one won, a replica that saw both would still show a value that another one, which expired
// the earlier version first, has a tombstone for. It is also why an expired cell keeps its TTL,
// which tells it from a deletion, and why an expired liveness stays: an older liveness without
// expiry on another replica must not bring the row back.
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

// A tombstone over a row or a partition. `local_seconds` is the wall time of the deletion in
// seconds, for purging after gc_grace.
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
  int32_t ttl_seconds = 0;         // 0: none
  int64_t expires_at = kNoExpiry;  // wall seconds
  bool empty() const { return timestamp == kNoTimestamp; }
  bool expiring() const { return ttl_seconds != 0; }
  bool LiveAt(int64_t now_seconds) const { return !empty() && now_seconds < expires_at; }
  static Liveness At(Timestamp timestamp) { return {.timestamp = timestamp}; }
  static Liveness Expiring(Timestamp timestamp, int32_t ttl_seconds, int64_t now_seconds) {
    return {timestamp, ttl_seconds, now_seconds + ttl_seconds};
  }
  friend bool operator==(const Liveness&, const Liveness&) = default;
};

// Made by Value, Expiring and Tombstone. A tombstone with a TTL is a value that has expired.
struct Cell {
  static Cell Value(ColumnId column, Timestamp timestamp, std::string value);
  static Cell Expiring(ColumnId column, Timestamp timestamp, std::string value, int32_t ttl_seconds,
                       int64_t now_seconds);
  static Cell Tombstone(ColumnId column, Timestamp timestamp, int64_t now_seconds);

  ColumnId column = 0;
  Timestamp timestamp = kNoTimestamp;
  bool tombstone = false;
  int32_t ttl_seconds = 0;
  // Wall seconds: when the value expires or expired, or (tombstone without TTL) when it was
  // deleted.
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

// The merge law. Each is commutative, associative and idempotent. `into` and `from` are versions of
// one thing (the same column, clustering key or partition key). MergeInto leaves `into` canonical:
// what a tombstone in it shadows is gone (a row that comes to nothing too), so equal histories in
// any order give equal bytes.
const Cell& ReconcileCell(const Cell& a, const Cell& b);
Liveness Reconcile(const Liveness& a, const Liveness& b);
Deletion Reconcile(const Deletion& a, const Deletion& b);
void MergeInto(Row* into, Row from);
void MergeInto(Partition* into, Partition from);

// Drops from `row` what `covering` (the partition's tombstone) or the row's own tombstone shadows;
// a row tombstone that is not newer than `covering` is itself shadowed. The row may come to
// nothing.
void ApplyDeletion(Row* row, Deletion covering);
// Makes a partition canonical: as above for the static row and every row; empty ones go.
void ApplyDeletions(Partition* partition);

// Values that have expired by `now_seconds` become tombstones of the same timestamp, TTL and
// local_seconds, so that replicas that hold the same data answer the same bytes. Expired liveness
// stays as it is (LiveAt is false).
void ExpireRow(Row* row, int64_t now_seconds);
void ExpirePartition(Partition* partition, int64_t now_seconds);

// Drops tombstones, expired values and expired liveness with local_seconds < `gc_before_seconds`
// and timestamp < `purgeable_before` (the smallest timestamp of data elsewhere that they could
// still shadow). Returns false if nothing is left.
bool PurgeRow(Row* row, int64_t gc_before_seconds, Timestamp purgeable_before);
// The same for a partition tombstone; canonical rows beside it are newer and stay.
void PurgeDeletion(Deletion* deletion, int64_t gc_before_seconds, Timestamp purgeable_before);

// What read repair sends: the part of `merged` that `have` lacks, or nothing. `merged` is `have`
// merged with other versions; merging the difference into `have` gives `merged`.
std::optional<Partition> Difference(const Partition& merged, const Partition& have);

// Bytes of memory, roughly, for budgets.
size_t ApproximateBytes(const Row& row);
size_t ApproximateBytes(const Partition& partition);

}  // namespace tholos::data
