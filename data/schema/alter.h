// The steps of ALTER TABLE and ALTER TYPE as functions from one definition to the next. Errors are
// kInvalid request errors in Cassandra's words. Put the result into the schema with
// Schema::WithAlteredTable or WithAlteredType.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "data/schema/schema.h"

namespace tholos::data {

struct NewColumn {
  std::string name;
  DataType type;
  bool is_static = false;
};

// The columns get new ids: cells of a dropped column of the same name stay unseen. One that was
// dropped before takes only a type and a kind that could have read its cells, as in Cassandra.
absl::StatusOr<TableSchema> AddColumns(TableSchema table, std::vector<NewColumn> columns);
// Static and regular columns. They are remembered in dropped_columns.
absl::StatusOr<TableSchema> DropColumns(TableSchema table, const std::vector<std::string>& columns,
                                        int64_t dropped_micros);
// From, to; columns of the primary key only.
absl::StatusOr<TableSchema> RenameColumns(
    TableSchema table, const std::vector<std::pair<std::string, std::string>>& renames);

absl::StatusOr<UserType> AddField(UserType type, std::string field, DataType field_type);
absl::StatusOr<UserType> RenameFields(
    UserType type, const std::vector<std::pair<std::string, std::string>>& renames);

}  // namespace tholos::data
