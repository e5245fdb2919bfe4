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
  // A table or a user type.
  template <typename Entity>
  struct Entry {
    int64_t changed_micros = 0;
    std::shared_ptr<const Entity> entity;  // nullptr: dropped
  };
  template <typename Entity>
  using Entries = std::map<std::string, Entry<Entity>, std::less<>>;
  template <typename Entity>
  using ByKeyspace = std::map<std::string, Entries<Entity>, std::less<>>;  // none of them empty
  template <typename Entity>
  using Visible =
      std::map<std::string, std::map<std::string, std::shared_ptr<const Entity>, std::less<>>,
               std::less<>>;

  std::map<std::string, KeyspaceEntry, std::less<>> keyspaces;
  ByKeyspace<UserType> types;
  ByKeyspace<TableSchema> tables;

  // Derived by Finish: of visible keyspaces, with the present definitions of user types in them.
  Visible<UserType> visible_types;
  Visible<TableSchema> visible_tables;
  std::map<TableId, std::shared_ptr<const TableSchema>> visible_by_id;
  uint64_t digest = 0;

  // Removes what a drop of its keyspace took, and derives the rest.
  void Finish();

  bool IsVisible(std::string_view keyspace) const;
  std::string Encode() const;
  static absl::StatusOr<State> Decode(std::string_view bytes);
  void TakeKeyspaces(base::Reader* in);
};

// The encodings of one entity, a drop included: they break ties.
std::string EncodeEntity(const std::optional<KeyspaceSchema>& keyspace);
std::string EncodeEntity(const std::shared_ptr<const TableSchema>& table);
std::string EncodeEntity(const std::shared_ptr<const UserType>& type);

}  // namespace tholos::data
