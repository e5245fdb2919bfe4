// What a Schema consists of; for schema.cc and schema_codec.cc.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/coding.h"
#include "data/schema/schema.h"

namespace tholos::data {

struct Schema::State {
  static constexpr int64_t kNeverDropped = std::numeric_limits<int64_t>::min();

  struct KeyspaceEntry {
    int64_t changed_micros = 0;
    // The last drop: tables that are not newer are gone. Merged by itself, as the later of two.
    int64_t dropped_micros = kNeverDropped;
    std::optional<KeyspaceSchema> keyspace;  // nothing: dropped
  };
  struct TableEntry {
    int64_t changed_micros = 0;
    std::shared_ptr<const TableSchema> table;  // nullptr: dropped
  };
  using Tables = std::map<std::string, TableEntry, std::less<>>;

  std::map<std::string, KeyspaceEntry, std::less<>> keyspaces;
  std::map<std::string, Tables, std::less<>> tables;  // by keyspace; none of them empty

  // Derived by Finish.
  std::map<TableId, std::shared_ptr<const TableSchema>> visible_by_id;
  uint64_t digest = 0;

  // Removes tables that a drop of their keyspace took, and derives the rest.
  void Finish();

  bool IsVisible(std::string_view keyspace) const;
  std::string Encode() const;
  static absl::StatusOr<State> Decode(std::string_view bytes);
  void TakeKeyspaces(base::Reader* in);
  void TakeTables(base::Reader* in);
};

// The encodings of one entity, a drop included: they break ties.
std::string EncodeEntity(const std::optional<KeyspaceSchema>& keyspace);
std::string EncodeEntity(const std::shared_ptr<const TableSchema>& table);

}  // namespace tholos::data
