#include "data/schema/validate.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/shown.h"
#include "data/types/type_rules.h"

namespace tholos::data {
namespace {

absl::Status CheckName(std::string_view what, std::string_view name) {
  const bool good = !name.empty() && name.size() <= kNameBytesMax &&
                    std::all_of(name.begin(), name.end(),
                                [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
  if (good) return absl::OkStatus();
  return base::InvalidRequest(base::StrCat(Shown(name), " is no ", what, " name: it takes 1 to ",
                                           kNameBytesMax, " letters, digits and underscores"));
}

absl::Status CheckOptions(std::string_view where,
                          const std::map<std::string, std::string>& options) {
  if (options.size() > kOptionsMax) {
    return base::InvalidRequest(base::StrCat(where, ": more than ", kOptionsMax, " options"));
  }
  for (const auto& [name, value] : options) {
    if (name.size() > kOptionBytesMax || value.size() > kOptionBytesMax) {
      return base::InvalidRequest(base::StrCat(where, ": option ", Shown(name), " is longer than ",
                                               kOptionBytesMax, " bytes"));
    }
  }
  return absl::OkStatus();
}

bool IsKey(const ColumnSchema& column) {
  return column.kind == ColumnKind::kPartitionKey || column.kind == ColumnKind::kClustering;
}

// User types serve the keyspace that they are defined in.
absl::Status CheckKeyspaces(const DataType& type, std::string_view keyspace) {
  if (type.id() == TypeId::kUdt && type.user_type().keyspace != keyspace) {
    return base::InvalidRequest(
        base::StrCat("Statement on keyspace ", keyspace,
                     " cannot refer to a user type in keyspace ", type.user_type().keyspace,
                     "; user types can only be used in the keyspace they are defined in"));
  }
  for (const DataType& argument : type.arguments()) {
    THOLOS_RETURN_IF_ERROR(CheckKeyspaces(argument, keyspace));
  }
  return absl::OkStatus();
}

absl::Status CheckColumn(const TableSchema& table, const ColumnSchema& column) {
  const auto invalid = [&](std::string_view why) {
    return base::InvalidRequest(
        base::StrCat(table.QualifiedName(), ": column ", Shown(column.name), " ", why));
  };
  if (column.name.empty()) return invalid("has no name");
  if (column.name.size() > kColumnNameBytesMax || !IsValidUtf8(column.name)) {
    return invalid(
        base::StrCat("needs a name of at most ", kColumnNameBytesMax, " bytes of UTF-8"));
  }
  if (column.descending && column.kind != ColumnKind::kClustering) {
    return invalid("has a descending order but is no clustering column");
  }
  if (column.kind == ColumnKind::kStatic && table.clustering_size() == 0) {
    return invalid("is static in a table without clustering columns");
  }
  const ColumnUse use = IsKey(column) ? ColumnUse::kPrimaryKey : ColumnUse::kOther;
  if (const absl::Status type = CheckType(column.type); !type.ok()) {
    return invalid(base::StrCat("has a type that cannot be: ", base::ToStd(type.message())));
  }
  if (const absl::Status type = CheckColumnType(column.type, use, column.name); !type.ok()) {
    return base::InvalidRequest(base::ToStd(type.message()));
  }
  THOLOS_RETURN_IF_ERROR(CheckKeyspaces(column.type, table.keyspace));
  if (!IsKey(column) && column.id >= table.next_column_id) {
    return invalid(
        base::StrCat("has id ", column.id, ", not below the next id ", table.next_column_id));
  }
  return absl::OkStatus();
}

absl::Status CheckDropped(const TableSchema& table) {
  const auto invalid = [&table](std::string_view why) {
    return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": ", why));
  };
  if (table.dropped_columns.size() > kDroppedColumnsMax) {
    return invalid(base::StrCat("more than ", kDroppedColumnsMax, " dropped columns"));
  }
  const DroppedColumn* previous = nullptr;
  for (const DroppedColumn& dropped : table.dropped_columns) {
    if (dropped.name.empty() || dropped.name.size() > kColumnNameBytesMax ||
        !IsValidUtf8(dropped.name) || dropped.kind < ColumnKind::kStatic ||
        (previous != nullptr && previous->name >= dropped.name)) {
      return invalid("a dropped column that cannot be");
    }
    if (const absl::Status type = CheckType(dropped.type); !type.ok()) {
      return invalid(base::ToStd(type.message()));
    }
    previous = &dropped;
  }
  return absl::OkStatus();
}

// Partition key, clustering, then the others by name; names and ids once each.
absl::Status CheckColumns(const TableSchema& table) {
  const auto invalid = [&table](std::string_view why) {
    return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": ", why));
  };
  if (table.columns.size() > kColumnsMax) {
    return invalid(base::StrCat("more than ", kColumnsMax, " columns"));
  }
  if (table.partition_key_size() == 0) return invalid("no partition key");
  std::set<std::string_view> names;
  std::set<ColumnId> ids;
  const ColumnSchema* previous = nullptr;
  for (const ColumnSchema& column : table.columns) {
    THOLOS_RETURN_IF_ERROR(CheckColumn(table, column));
    if (!names.insert(column.name).second) {
      return invalid(base::StrCat("column ", Shown(column.name), " is there twice"));
    }
    if (!IsKey(column) && !ids.insert(column.id).second) {
      return invalid(base::StrCat("column ", Shown(column.name), " has the id of another"));
    }
    const bool in_order =
        previous == nullptr || (IsKey(column) ? previous->kind <= column.kind
                                              : IsKey(*previous) || previous->name < column.name);
    if (!in_order) {
      return invalid(base::StrCat("column ", Shown(column.name), " is out of order"));
    }
    previous = &column;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateKeyspace(const KeyspaceSchema& keyspace) {
  THOLOS_RETURN_IF_ERROR(CheckName("keyspace", keyspace.name));
  return CheckOptions(keyspace.name, keyspace.replication);
}

absl::Status ValidateUserType(const UserType& type) {
  THOLOS_RETURN_IF_ERROR(CheckName("keyspace", type.keyspace));
  THOLOS_RETURN_IF_ERROR(CheckName("type", type.name));
  const auto invalid = [&type](std::string_view why) {
    return base::InvalidRequest(base::StrCat(type.keyspace, ".", type.name, ": ", why));
  };
  if (type.field_names.size() > kFieldsMax) {
    return invalid(base::StrCat("more than ", kFieldsMax, " fields"));
  }
  for (const std::string& field : type.field_names) {
    if (field.empty() || field.size() > kColumnNameBytesMax || !IsValidUtf8(field)) {
      return invalid(
          base::StrCat("a field needs a name of 1 to ", kColumnNameBytesMax, " bytes of UTF-8"));
    }
  }
  if (const absl::Status status = CheckUserType(type); !status.ok()) {
    return base::InvalidRequest(base::ToStd(status.message()));
  }
  for (const DataType& field : type.field_types) {
    if (field.ReferencesUserType(type.keyspace, type.name)) return invalid("consists of itself");
    THOLOS_RETURN_IF_ERROR(CheckKeyspaces(field, type.keyspace));
    // The type itself is a level around its fields.
    if (const absl::Status status = CheckType(DataType::Tuple({field})); !status.ok()) {
      return invalid(base::ToStd(status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateTable(const TableSchema& table) {
  THOLOS_RETURN_IF_ERROR(CheckName("keyspace", table.keyspace));
  THOLOS_RETURN_IF_ERROR(CheckName("table", table.name));
  const auto invalid = [&table](std::string_view why) {
    return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": ", why));
  };
  THOLOS_RETURN_IF_ERROR(CheckColumns(table));
  THOLOS_RETURN_IF_ERROR(CheckDropped(table));
  if (table.id.IsNil()) return invalid("no table id");
  return ValidateOptions(table);
}

}  // namespace tholos::data
