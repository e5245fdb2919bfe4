// Keyspaces, tables and columns, and the immutable snapshot of all of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/uuid.h"
#include "data/schema/table_options.h"
#include "data/types/data_type.h"
#include "data/types/quote_name.h"

namespace tholos::data {

enum class ColumnKind : uint8_t { kPartitionKey = 0, kClustering = 1, kStatic = 2, kRegular = 3 };

// Names a static or regular column of one table for ever: an id is not given again after its column
// was dropped, so a re-added column does not show the old cells.
using ColumnId = uint32_t;

struct ColumnSchema {
  std::string name;
  DataType type;
  ColumnKind kind = ColumnKind::kRegular;
  ColumnId id = 0;
  bool descending = false;  // clustering columns only
  friend bool operator==(const ColumnSchema&, const ColumnSchema&) = default;
};

// A column that is no more; its cells may still be on disk, under an id that nobody has.
struct DroppedColumn {
  std::string name;
  DataType type;  // user types expanded to tuples: they may be dropped in their turn
  ColumnKind kind = ColumnKind::kRegular;
  int64_t dropped_micros = 0;
  friend bool operator==(const DroppedColumn&, const DroppedColumn&) = default;
};

using TableId = base::Uuid;

inline constexpr int32_t kTtlSecondsMax = 20 * 365 * 86400;

// One table. Immutable once in a Schema; a regular value.
struct TableSchema {
  TableId id;
  std::string keyspace;
  std::string name;
  // Partition-key columns, then clustering columns, both in key order; then the others by name.
  std::vector<ColumnSchema> columns;
  ColumnId next_column_id = 0;  // above the ids of all columns that ever were
  int64_t gc_grace_seconds = 864000;
  int32_t default_ttl_seconds = 0;
  std::string comment;
  TableOptions options;
  std::vector<DroppedColumn> dropped_columns;  // by name, each the last time that it was dropped

  size_t partition_key_size() const;  // columns of the partition key
  size_t clustering_size() const;
  const ColumnSchema* Find(std::string_view column) const;
  const ColumnSchema* FindById(ColumnId id) const;  // static and regular columns
  bool has_static() const;
  std::string QualifiedName() const { return keyspace + "." + name; }
  friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

struct KeyspaceSchema {
  std::string name;
  // As CQL gives it: "class" -> "SimpleStrategy", "replication_factor" -> "3".
  std::map<std::string, std::string> replication;
  bool durable_writes = true;
  friend bool operator==(const KeyspaceSchema&, const KeyspaceSchema&) = default;
};

// All keyspaces, user types and tables at one moment. Immutable: readers pin a shared_ptr, changes
// make a new one.
//
// In this version schema spreads by gossip: every entity carries the wall-clock microseconds of its
// last change (a drop leaves a marker), and Merge keeps the newer of two, so nodes that exchange
// their schemas in any order end with equal ones. Ties are broken by the larger encoding. The drop
// of a keyspace takes all tables and types that were not changed after it, also those that only
// another node knew; they are visible while their keyspace is.
//
// A column's type carries the definitions of the user types in it as they were when the column was
// last changed. What Find gives has the present ones in their place: so a changed type is changed
// wherever it is embedded. If there is no such type now, or one that does not extend the definition
// (nodes that had not heard of each other dropped and made it), the column keeps its own.
class Schema {
 public:
  using Ptr = std::shared_ptr<const Schema>;

  Schema();
  ~Schema();
  Schema(const Schema&);
  Schema& operator=(const Schema&);

  // nullptr if there is none (or it was dropped).
  const KeyspaceSchema* FindKeyspace(std::string_view name) const;
  std::shared_ptr<const TableSchema> FindTable(std::string_view keyspace,
                                               std::string_view table) const;
  std::shared_ptr<const TableSchema> FindTable(const TableId& id) const;
  std::shared_ptr<const UserType> FindType(std::string_view keyspace, std::string_view name) const;
  // Sorted by name.
  std::vector<const KeyspaceSchema*> keyspaces() const;
  std::vector<std::shared_ptr<const TableSchema>> tables(std::string_view keyspace) const;
  std::vector<std::shared_ptr<const TableSchema>> tables() const;
  // Those that others consist of first, else by name: in this order they can be made again.
  std::vector<std::shared_ptr<const UserType>> types(std::string_view keyspace) const;

  // Whether the table of this name and id was dropped: what is left of it may be removed. False for
  // one that was never heard of.
  bool HasDropped(std::string_view keyspace, std::string_view table, const TableId& id) const;

  // The id for a table that is to be created here: a hash of its name, its definition and the
  // moment when a table of that name was last dropped. So nodes that create the same table at the
  // same moment, before they have heard of each other, create one table, and what was written
  // through either is in it; and a table that was dropped and is created again is another one.
  TableId NewTableId(const TableSchema& definition) const;

  // Changes give a new schema. `changed_micros` is the moment of the change; it is raised where
  // needed to be newer than what it replaces. Request errors (base/errors.h): kAlreadyExists;
  // kInvalid if there is none of the name, or if it is not as validate.h demands (a table: columns
  // in the order given above, an id for each static and regular column, an id of its own).
  absl::StatusOr<Schema> WithKeyspace(KeyspaceSchema keyspace, int64_t changed_micros) const;
  absl::StatusOr<Schema> WithoutKeyspace(std::string_view name, int64_t changed_micros) const;
  absl::StatusOr<Schema> WithTable(TableSchema table, int64_t changed_micros) const;
  absl::StatusOr<Schema> WithoutTable(std::string_view keyspace, std::string_view table,
                                      int64_t changed_micros) const;
  absl::StatusOr<Schema> WithAlteredKeyspace(KeyspaceSchema keyspace, int64_t changed_micros) const;
  // The table of the same name and id, changed as alter.h and SetTableOption do: the columns of the
  // primary key keep type, kind and place, the others their types.
  absl::StatusOr<Schema> WithAlteredTable(TableSchema table, int64_t changed_micros) const;
  absl::StatusOr<Schema> WithType(UserType type, int64_t changed_micros) const;
  // With fields renamed or added behind the others. All columns that embed the type must be valid
  // afterwards.
  absl::StatusOr<Schema> WithAlteredType(UserType type, int64_t changed_micros) const;
  // kInvalid if a column or another type consists of it.
  absl::StatusOr<Schema> WithoutType(std::string_view keyspace, std::string_view name,
                                     int64_t changed_micros) const;

  // The newer of both sides, entity by entity: commutative, associative, idempotent.
  Schema Merge(const Schema& other) const;

  // Equal schemas have equal digests on every node.
  uint64_t digest() const;

  // Layout in schema_codec.cc: versioned and checksummed. Decode validates everything it reads;
  // kDataLoss.
  std::string Encode() const;
  static absl::StatusOr<Schema> Decode(std::string_view bytes);

  struct State;  // state.h

 private:
  explicit Schema(State state);
  std::shared_ptr<const State> state_;
};

// The CREATE statements that make the keyspace, type or table again, as Cassandra 5's DESCRIBE
// shows them: all options, in its order.
std::string DescribeKeyspace(const KeyspaceSchema& keyspace);
std::string DescribeType(const UserType& type);
std::string DescribeTable(const TableSchema& table);

}  // namespace tholos::data
