// CREATE TYPE, ALTER TYPE, DROP TYPE.
#include <memory>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cql/statements/schema_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "cql/text.h"
#include "data/schema/alter.h"
#include "data/types/type_rules.h"

namespace tholos::cql {
namespace {

absl::StatusOr<std::string> KeyspaceOfType(const QualifiedName& type,
                                           const AnalysisContext& context) {
  std::string keyspace = type.keyspace.empty() ? context.keyspace : type.keyspace;
  if (keyspace.empty()) {
    return ErrorAt(type.position, "no keyspace is set for type ", QuoteName(type.name),
                   ": USE a keyspace, or write keyspace.type");
  }
  if (IsProtectedKeyspace(keyspace)) {
    return ErrorAt(type.position, "keyspace ", keyspace, " is not user-modifiable");
  }
  if (context.state->schema().FindKeyspace(keyspace) == nullptr) {
    return ErrorAt(type.position, "keyspace ", QuoteName(keyspace), " does not exist");
  }
  return keyspace;
}

absl::Status NoSuchType(const std::string& keyspace, const QualifiedName& type) {
  return ErrorAt(type.position, "Type '", keyspace, ".", type.name, "' doesn't exist");
}

absl::StatusOr<data::UserType> AlteredType(const AlterTypeStatement& statement,
                                           const data::DataType& field_type,
                                           const data::UserType& type) {
  if (statement.kind == AlterTypeStatement::Kind::kAdd) {
    if (statement.if_field && type.FindField(statement.field.name.name)) return type;
    return data::AddField(type, statement.field.name.name, field_type);
  }
  std::vector<std::pair<std::string, std::string>> renames;
  for (const Rename& rename : statement.renames) {
    if (statement.if_field && !type.FindField(rename.from.name)) continue;
    renames.emplace_back(rename.from.name, rename.to.name);
  }
  return data::RenameFields(type, renames);
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const CreateTypeStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(std::string keyspace, KeyspaceOfType(statement.type, *context));
  THOLOS_RETURN_IF_ERROR(CheckEntityName(statement.type.name, "type", statement.type.position));
  data::UserType type;
  type.keyspace = keyspace;
  type.name = statement.type.name;
  if (statement.fields.size() > context->limits.table_columns_max) {
    return ErrorAt(statement.position, "the type has ", statement.fields.size(),
                   " fields, the limit is ", context->limits.table_columns_max);
  }
  for (const FieldDefinition& field : statement.fields) {
    if (type.FindField(field.name.name)) {
      return ErrorAt(field.position, "Duplicate field name '", field.name.name, "' in type '",
                     type.name, "'");
    }
    THOLOS_ASSIGN_OR_RETURN(data::DataType field_type, ResolveType(field.type, keyspace, *context));
    type.field_names.push_back(field.name.name);
    type.field_types.push_back(std::move(field_type));
  }
  if (const absl::Status valid = data::CheckUserType(type); !valid.ok()) {
    return ErrorAt(statement.type.position, valid.message());
  }
  SchemaPlan::Spec spec;
  spec.kind = "create_type";
  spec.result = {"CREATED", "TYPE", keyspace, type.name};
  if (statement.if_not_exists) {
    spec.already_done = [keyspace, name = type.name](const data::Schema& schema) {
      return schema.FindType(keyspace, name) != nullptr;
    };
  }
  spec.change = [type = std::move(type)](const data::Schema& schema, int64_t now_micros) {
    return schema.WithType(type, now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

absl::StatusOr<PlanPtr> Analyze(const AlterTypeStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOfType(statement.type, *context));
  if (statement.kind == AlterTypeStatement::Kind::kAlter) {
    return ErrorAt(statement.position, "Altering field types is no longer supported");
  }
  data::DataType field_type;
  if (statement.kind == AlterTypeStatement::Kind::kAdd) {
    THOLOS_ASSIGN_OR_RETURN(field_type, ResolveType(statement.field.type, keyspace, *context));
  }
  const std::string& name = statement.type.name;
  SchemaPlan::Spec spec;
  spec.kind = "alter_type";
  spec.result = {"UPDATED", "TYPE", keyspace, name};
  if (statement.if_exists) {
    spec.already_done = [keyspace, name](const data::Schema& schema) {
      return schema.FindType(keyspace, name) == nullptr;
    };
  }
  spec.change = [keyspace, statement, field_type](
                    const data::Schema& schema,
                    int64_t now_micros) -> absl::StatusOr<data::Schema> {
    const std::shared_ptr<const data::UserType> type =
        schema.FindType(keyspace, statement.type.name);
    if (type == nullptr) return NoSuchType(keyspace, statement.type);
    THOLOS_ASSIGN_OR_RETURN(data::UserType altered, AlteredType(statement, field_type, *type));
    return schema.WithAlteredType(std::move(altered), now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

absl::StatusOr<PlanPtr> Analyze(const DropTypeStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOfType(statement.type, *context));
  const std::string& name = statement.type.name;
  SchemaPlan::Spec spec;
  spec.kind = "drop_type";
  spec.result = {"DROPPED", "TYPE", keyspace, name};
  if (statement.if_exists) {
    spec.already_done = [keyspace, name](const data::Schema& schema) {
      return schema.FindType(keyspace, name) == nullptr;
    };
  }
  spec.change = [keyspace, type = statement.type](
                    const data::Schema& schema,
                    int64_t now_micros) -> absl::StatusOr<data::Schema> {
    if (schema.FindType(keyspace, type.name) == nullptr) return NoSuchType(keyspace, type);
    return schema.WithoutType(keyspace, type.name, now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

}  // namespace tholos::cql
