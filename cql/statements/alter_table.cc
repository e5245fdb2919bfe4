// ALTER TABLE.
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "cql/statements/options.h"
#include "cql/statements/schema_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "cql/text.h"
#include "data/schema/alter.h"

namespace tholos::cql {
namespace {

using Kind = AlterTableStatement::Kind;

// What is left to do of a statement whose types are resolved, on whatever the table is by then.
struct TableChange {
  AlterTableStatement statement;
  std::vector<data::NewColumn> columns;
  size_t columns_max = 0;

  absl::StatusOr<data::TableSchema> Apply(const data::TableSchema& table,
                                          int64_t now_micros) const {
    switch (statement.kind) {
      case Kind::kAdd:
        return Add(table);
      case Kind::kDrop:
        return Drop(table, now_micros);
      case Kind::kRename:
        return Rename(table);
      case Kind::kAlter:
        break;
      case Kind::kOptions: {
        data::TableSchema changed = table;
        for (const Option& option : statement.options) {
          THOLOS_RETURN_IF_ERROR(ApplyTableOption(option, &changed));
        }
        return changed;
      }
    }
    return ErrorAt(statement.position, "Altering column types is no longer supported");
  }

 private:
  absl::StatusOr<data::TableSchema> Add(const data::TableSchema& table) const {
    std::vector<data::NewColumn> added;
    for (const data::NewColumn& column : columns) {
      if (statement.if_column && table.Find(column.name) != nullptr) continue;
      added.push_back(column);
    }
    if (table.columns.size() + added.size() > columns_max) {
      return ErrorAt(statement.position, "a table has at most ", columns_max, " columns");
    }
    return data::AddColumns(table, std::move(added));
  }

  absl::StatusOr<data::TableSchema> Drop(const data::TableSchema& table, int64_t now_micros) const {
    std::vector<std::string> dropped;
    for (const Identifier& name : statement.names) {
      if (table.Find(name.name) != nullptr) {
        dropped.push_back(name.name);
      } else if (!statement.if_column) {
        return ErrorAt(name.position, "Column ", name.name, " was not found in table '",
                       table.QualifiedName(), "'");
      }
    }
    if (statement.timestamp) {
      const std::string& text = std::get<Literal>(statement.timestamp->value).text;
      if (!absl::SimpleAtoi(text, &now_micros)) {
        return ErrorAt(statement.timestamp->position(), "timestamp ", Abbreviate(text),
                       " is out of range");
      }
    }
    return data::DropColumns(table, dropped, now_micros);
  }

  absl::StatusOr<data::TableSchema> Rename(const data::TableSchema& table) const {
    std::vector<std::pair<std::string, std::string>> renames;
    for (const cql::Rename& rename : statement.renames) {
      if (table.Find(rename.from.name) != nullptr) {
        renames.emplace_back(rename.from.name, rename.to.name);
      } else if (!statement.if_column) {
        return ErrorAt(rename.position, "Column ", rename.from.name, " was not found in table '",
                       table.QualifiedName(), "'");
      }
    }
    return data::RenameColumns(table, renames);
  }
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const AlterTableStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, ResolveKeyspace(statement.table, *context));
  const std::string& name = statement.table.name;
  if (IsProtectedKeyspace(keyspace)) {
    return ErrorAt(statement.table.position, "keyspace ", keyspace, " is not user-modifiable");
  }
  TableChange change;
  change.statement = statement;
  change.columns_max = context->limits.table_columns_max;
  if (statement.kind == Kind::kAdd) {
    for (const ColumnDefinition& column : statement.columns) {
      THOLOS_ASSIGN_OR_RETURN(data::DataType type, ResolveType(column.type, keyspace, *context));
      if (type.id() == data::TypeId::kCounter) {
        return NotSupportedAt(column.type.position, "the type counter");
      }
      change.columns.push_back({column.name.name, std::move(type), column.is_static});
    }
  }
  SchemaPlan::Spec spec;
  spec.kind = "alter_table";
  spec.result = {"UPDATED", "TABLE", keyspace, name};
  if (statement.if_exists) {
    spec.already_done = [keyspace, name](const data::Schema& schema) {
      return schema.FindTable(keyspace, name) == nullptr;
    };
  }
  spec.change = [keyspace, name, change = std::move(change)](
                    const data::Schema& schema,
                    int64_t now_micros) -> absl::StatusOr<data::Schema> {
    const TablePtr table = schema.FindTable(keyspace, name);
    if (table == nullptr) {
      return ErrorAt(change.statement.table.position, "table ", QuoteName(keyspace), ".",
                     QuoteName(name), " does not exist");
    }
    THOLOS_ASSIGN_OR_RETURN(data::TableSchema altered, change.Apply(*table, now_micros));
    return schema.WithAlteredTable(std::move(altered), now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

}  // namespace tholos::cql
