// ALTER KEYSPACE and TABLE; CREATE, ALTER and DROP TYPE.
#include <algorithm>

#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/next_moment.h"
#include "data/schema/resolve.h"
#include "data/schema/validate.h"

namespace tholos::data {
namespace {

template <typename... Pieces>
absl::Status Invalid(const Pieces&... pieces) {
  return base::InvalidRequest(base::StrCat(pieces...));
}

// The columns of the key stay what and where they are; others that stay keep their types.
absl::Status CheckAltered(const TableSchema& table, const TableSchema& previous) {
  const auto invalid = [&table](std::string_view why) {
    return Invalid(table.QualifiedName(), ": ", why);
  };
  if (table.id != previous.id) return invalid("an altered table keeps its id");
  if (table.next_column_id < previous.next_column_id) {
    return invalid("ids of columns are not given again");
  }
  const size_t keys = previous.partition_key_size() + previous.clustering_size();
  if (table.partition_key_size() != previous.partition_key_size() ||
      table.clustering_size() != previous.clustering_size()) {
    return invalid("the columns of the primary key stay");
  }
  for (size_t i = 0; i < keys; ++i) {
    const ColumnSchema& column = table.columns[i];
    const ColumnSchema& before = previous.columns[i];
    if (column.type != before.type || column.descending != before.descending) {
      return invalid(base::StrCat("the type and order of key column ", column.name, " stay"));
    }
  }
  for (size_t i = keys; i < table.columns.size(); ++i) {
    const ColumnSchema& column = table.columns[i];
    const ColumnSchema* before = previous.FindById(column.id);
    if (before == nullptr) {
      if (column.id < previous.next_column_id) return invalid("ids of columns are not given again");
    } else if (before->type != column.type || before->kind != column.kind) {
      return invalid(base::StrCat("the type of column ", column.name, " stays"));
    }
  }
  return absl::OkStatus();
}

bool CarriesOtherDefinition(const DataType& type, const UserType& present) {
  if (type.id() == TypeId::kUdt && type.user_type().keyspace == present.keyspace &&
      type.user_type().name == present.name && type.user_type() != present) {
    return true;
  }
  return std::any_of(
      type.arguments().begin(), type.arguments().end(),
      [&present](const DataType& argument) { return CarriesOtherDefinition(argument, present); });
}

absl::Status TypeDoesNotExist(std::string_view keyspace, std::string_view name) {
  return Invalid("Type '", keyspace, ".", name, "' doesn't exist");
}

}  // namespace

absl::StatusOr<Schema> Schema::WithAlteredKeyspace(KeyspaceSchema keyspace,
                                                   int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateKeyspace(keyspace));
  if (FindKeyspace(keyspace.name) == nullptr) {
    return Invalid("keyspace ", keyspace.name, " does not exist");
  }
  State state = *state_;
  State::KeyspaceEntry& entry = state.keyspaces.find(keyspace.name)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  entry.keyspace = std::move(keyspace);
  return Schema(std::move(state));
}

absl::StatusOr<Schema> Schema::WithAlteredTable(TableSchema table, int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateTable(table));
  const std::shared_ptr<const TableSchema> previous = FindTable(table.keyspace, table.name);
  if (previous == nullptr) return Invalid("table ", table.QualifiedName(), " does not exist");
  THOLOS_RETURN_IF_ERROR(CheckAltered(table, *previous));
  State state = *state_;
  State::Entry<TableSchema>& entry =
      state.tables.find(table.keyspace)->second.find(table.name)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  entry.entity = std::make_shared<const TableSchema>(std::move(table));
  return Schema(std::move(state));
}

absl::StatusOr<Schema> Schema::WithType(UserType type, int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateUserType(type));
  if (FindKeyspace(type.keyspace) == nullptr) {
    return Invalid("keyspace ", type.keyspace, " does not exist");
  }
  if (FindType(type.keyspace, type.name) != nullptr) {
    return base::MakeRequestError(
        {.kind = base::RequestErrorKind::kAlreadyExists,
         .keyspace = type.keyspace,
         .name = type.name},
        base::StrCat("A user type with name '", type.name, "' already exists"));
  }
  State state = *state_;
  changed_micros =
      NewerThan(state.keyspaces.find(type.keyspace)->second.dropped_micros, changed_micros);
  const auto [it, is_new] = state.types[type.keyspace].try_emplace(type.name);
  State::Entry<UserType>& entry = it->second;
  entry.changed_micros = is_new ? changed_micros : NewerThan(entry.changed_micros, changed_micros);
  entry.entity = std::make_shared<const UserType>(std::move(type));
  return Schema(std::move(state));
}

absl::StatusOr<Schema> Schema::WithAlteredType(UserType type, int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateUserType(type));
  const std::shared_ptr<const UserType> previous = FindType(type.keyspace, type.name);
  if (previous == nullptr) return TypeDoesNotExist(type.keyspace, type.name);
  if (!Extends(type, *previous)) return Invalid("Altering field types is no longer supported");
  State state = *state_;
  State::Entry<UserType>& entry = state.types.find(type.keyspace)->second.find(type.name)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  entry.entity = std::make_shared<const UserType>(type);
  Schema schema(std::move(state));
  // What embeds it has changed too: it must be valid, and not beyond the limits of types.
  const std::shared_ptr<const UserType> present = schema.FindType(type.keyspace, type.name);
  const auto is_stale = [&present](const DataType& field) {
    return CarriesOtherDefinition(field, *present);
  };
  const absl::Status too_large =
      Invalid("Type ", type.keyspace, ".", type.name,
              " cannot be altered: what consists of it would exceed the limits of types");
  for (const auto& other : schema.types(type.keyspace)) {
    THOLOS_RETURN_IF_ERROR(ValidateUserType(*other));
    if (std::any_of(other->field_types.begin(), other->field_types.end(), is_stale)) {
      return too_large;
    }
  }
  for (const auto& table : schema.tables(type.keyspace)) {
    THOLOS_RETURN_IF_ERROR(ValidateTable(*table));
    for (const ColumnSchema& column : table->columns) {
      if (is_stale(column.type)) return too_large;
    }
  }
  return schema;
}

absl::StatusOr<Schema> Schema::WithoutType(std::string_view keyspace, std::string_view name,
                                           int64_t changed_micros) const {
  if (FindType(keyspace, name) == nullptr) return TypeDoesNotExist(keyspace, name);
  std::vector<std::string> users;
  for (const auto& type : types(keyspace)) {
    for (const DataType& field : type->field_types) {
      if (!field.ReferencesUserType(keyspace, name)) continue;
      users.push_back(type->name);
      break;
    }
  }
  if (!users.empty()) {
    return Invalid("Cannot drop user type '", keyspace, ".", name,
                   "' as it is still used by user types ", absl::StrJoin(users, ", "));
  }
  for (const auto& table : tables(keyspace)) {
    for (const ColumnSchema& column : table->columns) {
      if (!column.type.ReferencesUserType(keyspace, name)) continue;
      users.push_back(table->name);
      break;
    }
  }
  if (!users.empty()) {
    return Invalid("Cannot drop user type '", keyspace, ".", name,
                   "' as it is still used by tables ", absl::StrJoin(users, ", "));
  }
  State state = *state_;
  State::Entry<UserType>& entry = state.types.find(keyspace)->second.find(name)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  entry.entity = nullptr;
  return Schema(std::move(state));
}

}  // namespace tholos::data
