// What is stored: cells in rows in partitions, with the tombstones of each, and the merge law.
//
//   Mutation = table id + Partition             what a write carries
//   Partition = key, partition tombstone, static row, range tombstones, rows in clustering order
//   Row = clustering key, liveness, row tombstone, complex deletions and cells by column id
//   Cell = column id, path, timestamp, value | tombstone, [expiry]
//
// Timestamps are microseconds chosen by the coordinator or the client. Everything that is older
// than, or as old as, a tombstone that covers it is gone ("a delete wins a tie"). What covers what:
//
//   partition tombstone > range tombstone > row tombstone > complex deletion > cell
//
// where a range tombstone covers the rows of its range (never the static row), and a complex
// deletion the cells of its column in its row.
//
// A multi-cell column (a collection or user-defined type that is not frozen) has a cell for each
// element, told apart by `path`: the byte-comparable encoding of a set's element or a map's key, a
// list's timeuuid, or a field's index as 2 bytes big-endian. Writing such a column as a whole is a
// complex deletion one microsecond older than its new cells.
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
//   deletion:  timestamp; then the later local time (range tombstones: of each key)
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
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/key.h"
#include "data/schema/schema.h"
#include "data/slice.h"

namespace tholos::data {

using Timestamp = int64_t;
inline constexpr Timestamp kNoTimestamp = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kNoExpiry = std::numeric_limits<int64_t>::max();

// A tombstone over a row, a range of rows, a partition or a multi-cell column. `local_seconds` is
// the wall time of the deletion in seconds, for purging after gc_grace.
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

// Made by Value, Expiring and Tombstone, and At for an element. A tombstone with a TTL is a value
// that has expired.
struct Cell {
  static Cell Value(ColumnId column, Timestamp timestamp, std::string value);
  static Cell Expiring(ColumnId column, Timestamp timestamp, std::string value, int32_t ttl_seconds,
                       int64_t now_seconds);
  static Cell Tombstone(ColumnId column, Timestamp timestamp, int64_t now_seconds);
  // The same cell, but of an element of the column.
  Cell At(std::string element_path) && {
    path = std::move(element_path);
    return std::move(*this);
  }

  ColumnId column = 0;
  std::string path;  // "" in simple columns
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

// Covers the older cells of a multi-cell column in one row.
struct ComplexDeletion {
  ColumnId column = 0;
  Deletion deletion;
  friend bool operator==(const ComplexDeletion&, const ComplexDeletion&) = default;
};

struct Row {
  std::string clustering;
  Liveness liveness;
  Deletion deletion;
  std::vector<ComplexDeletion> complex_deletions;  // by column id, one each
  std::vector<Cell> cells;                         // by column id and path, one each

  // Nothing in it, not even a tombstone.
  bool IsEmpty() const {
    return liveness.empty() && deletion.live() && complex_deletions.empty() && cells.empty();
  }
  // A reader at `now_seconds` sees a row: live liveness or a live cell.
  bool LiveAt(int64_t now_seconds) const;
  // The column's cell of that path: of a simple column its only one. Null if there is none.
  const Cell* Find(ColumnId column, std::string_view path = {}) const;
  // All cells of a column, by path.
  std::span<const Cell> CellsOf(ColumnId column) const;
  // Live if there is none.
  Deletion ComplexDeletionOf(ColumnId column) const;
  friend bool operator==(const Row&, const Row&) = default;
};

// Covers the rows of a range.
struct RangeTombstone {
  Slice range;
  Deletion deletion;
  friend bool operator==(const RangeTombstone&, const RangeTombstone&) = default;
};

struct Partition {
  DecoratedKey key;
  Deletion deletion;
  std::optional<Row> static_row;  // clustering is ""
  // By lower bound, disjoint, none empty (range_tombstones.h). Canonical: neighbours that touch
  // have different deletions, and none is covered by `deletion`.
  std::vector<RangeTombstone> range_tombstones;
  std::vector<Row> rows;  // by clustering, one each

  bool IsEmpty() const {
    return deletion.live() && !static_row.has_value() && range_tombstones.empty() && rows.empty();
  }
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

// Drops from `row` what `covering` (the partition's tombstone or that of the row's range, whichever
// is greater) or the row's own tombstones shadow; a tombstone that is not newer than one over it is
// itself shadowed. The row may come to nothing.
void ApplyDeletion(Row* row, Deletion covering);
// Makes a partition canonical: as above for the static row and every row, and for range tombstones;
// empty ones go.
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
// The same for the tombstone of a partition or a range; canonical rows beside it are newer and
// stay.
void PurgeDeletion(Deletion* deletion, int64_t gc_before_seconds, Timestamp purgeable_before);

// What read repair sends: the part of `merged` that `have` lacks, or nothing. `merged` is `have`
// merged with other versions, both are canonical; merging the difference into `have` gives
// `merged`.
std::optional<Partition> Difference(const Partition& merged, const Partition& have);

// Bytes of memory, roughly, for budgets.
size_t ApproximateBytes(const Row& row);
size_t ApproximateBytes(const RangeTombstone& tombstone);
size_t ApproximateBytes(const Partition& partition);

}  // namespace tholos::data
