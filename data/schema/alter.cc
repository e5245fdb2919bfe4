#include "data/schema/alter.h"

#include <algorithm>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/validate.h"
#include "data/types/type_rules.h"

namespace tholos::data {
namespace {

template <typename... Pieces>
absl::Status Invalid(const Pieces&... pieces) {
  return base::InvalidRequest(base::StrCat(pieces...));
}

bool IsKey(const ColumnSchema& column) {
  return column.kind == ColumnKind::kPartitionKey || column.kind == ColumnKind::kClustering;
}

ColumnSchema* FindColumn(TableSchema* table, std::string_view name) {
  return const_cast<ColumnSchema*>(table->Find(name));
}

absl::Status NotFound(const TableSchema& table, std::string_view column) {
  return Invalid("Column ", column, " was not found in table '", table.QualifiedName(), "'");
}

std::string_view KindName(ColumnKind kind) {
  return kind == ColumnKind::kStatic ? "STATIC" : "REGULAR";
}

absl::Status CheckReadded(const TableSchema& table, const ColumnSchema& column) {
  for (const DroppedColumn& dropped : table.dropped_columns) {
    if (dropped.name != column.name) continue;
    if (dropped.kind != column.kind) {
      return Invalid("Cannot re-add previously dropped column '", column.name, "' of kind ",
                     KindName(column.kind), ", incompatible with previous kind ",
                     KindName(dropped.kind));
    }
    if (!IsValueCompatible(ExpandUserTypes(column.type), dropped.type)) {
      return Invalid("Cannot re-add previously dropped column '", column.name, "' of type ",
                     column.type.name(), ", incompatible with previous type ", dropped.type.name());
    }
  }
  return absl::OkStatus();
}

// Behind the key, by name.
void InsertSorted(TableSchema* table, ColumnSchema column) {
  const auto at = std::find_if(
      table->columns.begin(), table->columns.end(),
      [&column](const ColumnSchema& other) { return !IsKey(other) && other.name > column.name; });
  table->columns.insert(at, std::move(column));
}

}  // namespace

absl::StatusOr<TableSchema> AddColumns(TableSchema table, std::vector<NewColumn> columns) {
  for (NewColumn& added : columns) {
    if (table.Find(added.name) != nullptr) {
      return Invalid("Column with name '", added.name, "' already exists");
    }
    if (added.is_static && table.clustering_size() == 0) {
      return Invalid(
          "Static columns are only useful (and thus allowed) if the table has at least one "
          "clustering column");
    }
    ColumnSchema column{.name = std::move(added.name),
                        .type = std::move(added.type),
                        .kind = added.is_static ? ColumnKind::kStatic : ColumnKind::kRegular};
    THOLOS_RETURN_IF_ERROR(CheckReadded(table, column));
    column.id = table.next_column_id++;
    InsertSorted(&table, std::move(column));
  }
  THOLOS_RETURN_IF_ERROR(ValidateTable(table));
  return table;
}

absl::StatusOr<TableSchema> DropColumns(TableSchema table, const std::vector<std::string>& columns,
                                        int64_t dropped_micros) {
  for (const std::string& name : columns) {
    const ColumnSchema* column = table.Find(name);
    if (column == nullptr) return NotFound(table, name);
    if (IsKey(*column)) return Invalid("Cannot drop PRIMARY KEY column ", name);
    std::erase_if(table.dropped_columns,
                  [&name](const DroppedColumn& dropped) { return dropped.name == name; });
    DroppedColumn dropped{.name = name,
                          .type = ExpandUserTypes(column->type),
                          .kind = column->kind,
                          .dropped_micros = dropped_micros};
    const auto at = std::lower_bound(
        table.dropped_columns.begin(), table.dropped_columns.end(), name,
        [](const DroppedColumn& other, const std::string& n) { return other.name < n; });
    table.dropped_columns.insert(at, std::move(dropped));
    std::erase_if(table.columns, [&name](const ColumnSchema& c) { return c.name == name; });
  }
  return table;
}

absl::StatusOr<TableSchema> RenameColumns(
    TableSchema table, const std::vector<std::pair<std::string, std::string>>& renames) {
  for (const auto& [from, to] : renames) {
    ColumnSchema* column = FindColumn(&table, from);
    if (column == nullptr) return NotFound(table, from);
    if (!IsKey(*column)) return Invalid("Cannot rename non PRIMARY KEY column ", from);
    if (table.Find(to) != nullptr) {
      return Invalid("Cannot rename column ", from, " to ", to, " in table '",
                     table.QualifiedName(), "'; another column with that name already exists");
    }
    column->name = to;
  }
  THOLOS_RETURN_IF_ERROR(ValidateTable(table));
  return table;
}

absl::StatusOr<UserType> AddField(UserType type, std::string field, DataType field_type) {
  if (type.FindField(field).has_value()) {
    return Invalid("Cannot add field ", field, " to type ", type.keyspace, ".", type.name,
                   ": a field with name ", field, " already exists");
  }
  if (field_type.ReferencesUserType(type.keyspace, type.name)) {
    return Invalid("Cannot add new field ", field, " of type ", field_type.name(), " to user type ",
                   type.keyspace, ".", type.name, " as it would create a circular reference");
  }
  type.field_names.push_back(std::move(field));
  type.field_types.push_back(std::move(field_type));
  THOLOS_RETURN_IF_ERROR(ValidateUserType(type));
  return type;
}

absl::StatusOr<UserType> RenameFields(
    UserType type, const std::vector<std::pair<std::string, std::string>>& renames) {
  for (const auto& [from, to] : renames) {
    const std::optional<size_t> field = type.FindField(from);
    if (!field.has_value()) {
      return Invalid("Unknown field ", from, " in user type ", type.keyspace, ".", type.name);
    }
    type.field_names[*field] = to;
  }
  // Two fields may swap their names: what counts is the end.
  THOLOS_RETURN_IF_ERROR(ValidateUserType(type));
  return type;
}

}  // namespace tholos::data
