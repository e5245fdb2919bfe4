// CREATE TABLE.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/options.h"
#include "cql/statements/schema_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

constexpr size_t kColumnNameBytesMax = 1024;

// From the statement to a TableSchema whose id is still to be given.
class TableBuilder {
 public:
  TableBuilder(const CreateTableStatement& statement, const AnalysisContext& context)
      : statement_(statement), context_(context), limits_(context.limits) {}

  absl::StatusOr<data::TableSchema> Build(std::string keyspace) {
    table_.keyspace = std::move(keyspace);
    table_.name = statement_.table.name;
    THOLOS_RETURN_IF_ERROR(CollectColumns());
    THOLOS_RETURN_IF_ERROR(
        AddKey(statement_.primary_key.partition, data::ColumnKind::kPartitionKey));
    THOLOS_RETURN_IF_ERROR(
        AddKey(statement_.primary_key.clustering, data::ColumnKind::kClustering));
    THOLOS_RETURN_IF_ERROR(AddOthers());
    THOLOS_RETURN_IF_ERROR(ApplyClusteringOrder());
    for (const Option& option : statement_.options) {
      THOLOS_RETURN_IF_ERROR(ApplyTableOption(option, &table_));
    }
    return std::move(table_);
  }

 private:
  struct Definition {
    const ColumnDefinition* definition = nullptr;
    data::DataType type;
    bool in_key = false;
  };

  absl::Status CollectColumns() {
    if (statement_.columns.size() > limits_.table_columns_max) {
      return ErrorAt(statement_.position, "the table has ", statement_.columns.size(),
                     " columns, the limit is ", limits_.table_columns_max);
    }
    for (const ColumnDefinition& definition : statement_.columns) {
      THOLOS_ASSIGN_OR_RETURN(const data::DataType type,
                              ResolveType(definition.type, table_.keyspace, context_));
      if (type.id() == data::TypeId::kCounter) {
        return NotSupportedAt(definition.type.position, "the type counter");
      }
      const std::string& name = definition.name.name;
      if (name.size() > kColumnNameBytesMax) {
        return ErrorAt(definition.position, "the name '", Abbreviate(name), "' has ", name.size(),
                       " bytes, the limit is ", kColumnNameBytesMax);
      }
      if (!columns_.emplace(name, Definition{&definition, type}).second) {
        return ErrorAt(definition.position, "column '", Abbreviate(name), "' is defined twice");
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddKey(const std::vector<Identifier>& names, data::ColumnKind kind) {
    for (const Identifier& name : names) {
      const auto found = columns_.find(name.name);
      if (found == columns_.end()) {
        return ErrorAt(name.position, "unknown column '", Abbreviate(name.name),
                       "' in PRIMARY KEY");
      }
      Definition& column = found->second;
      if (std::exchange(column.in_key, true)) {
        return ErrorAt(name.position, "column '", name.name, "' is twice in PRIMARY KEY");
      }
      if (column.definition->is_static) {
        return ErrorAt(column.definition->position, "Static column '", name.name,
                       "' cannot be part of the PRIMARY KEY");
      }
      table_.columns.push_back({.name = name.name, .type = column.type, .kind = kind});
    }
    return absl::OkStatus();
  }

  // By name; a map is sorted.
  absl::Status AddOthers() {
    for (const auto& [name, column] : columns_) {
      if (column.in_key) continue;
      const bool is_static = column.definition->is_static;
      if (is_static && statement_.primary_key.clustering.empty()) {
        return ErrorAt(column.definition->position,
                       "Static columns are only useful (and thus allowed) if the table has at "
                       "least one clustering column");
      }
      table_.columns.push_back(
          {.name = name,
           .type = column.type,
           .kind = is_static ? data::ColumnKind::kStatic : data::ColumnKind::kRegular,
           .id = table_.next_column_id++});
    }
    return absl::OkStatus();
  }

  // WITH CLUSTERING ORDER BY names all clustering columns in their order, or is left out.
  absl::Status ApplyClusteringOrder() {
    const std::vector<Ordering>& orderings = statement_.clustering_order;
    if (orderings.empty()) return absl::OkStatus();
    const size_t first = statement_.primary_key.partition.size();
    const std::vector<Identifier>& clustering = statement_.primary_key.clustering;
    for (size_t i = 0; i < orderings.size(); ++i) {
      const Identifier& name = orderings[i].column;
      if (i >= clustering.size() || name != clustering[i]) {
        return ErrorAt(name.position, "expected ",
                       i < clustering.size()
                           ? base::StrCat("clustering column '", clustering[i].name, "'")
                           : "no further column",
                       " in CLUSTERING ORDER BY, found '", Abbreviate(name.name), "'");
      }
      table_.columns[first + i].descending = orderings[i].descending;
    }
    if (orderings.size() < clustering.size()) {
      return ErrorAt(orderings.back().position, "Missing CLUSTERING ORDER for column ",
                     clustering[orderings.size()].name);
    }
    return absl::OkStatus();
  }

  const CreateTableStatement& statement_;
  const AnalysisContext& context_;
  const QueryLimits& limits_;
  std::map<std::string, Definition> columns_;
  data::TableSchema table_;
};

absl::Status NoSuchKeyspace(const std::string& keyspace, Position position) {
  return ErrorAt(position, "keyspace ", QuoteName(keyspace), " does not exist");
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const CreateTableStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, ResolveKeyspace(statement.table, *context));
  const Position position = statement.table.position;
  if (IsProtectedKeyspace(keyspace)) {
    return ErrorAt(position, "keyspace ", keyspace, " is not user-modifiable");
  }
  if (context->state->schema().FindKeyspace(keyspace) == nullptr) {
    return NoSuchKeyspace(keyspace, position);
  }
  THOLOS_RETURN_IF_ERROR(CheckEntityName(statement.table.name, "table", position));
  THOLOS_ASSIGN_OR_RETURN(data::TableSchema table,
                          TableBuilder(statement, *context).Build(keyspace));
  SchemaPlan::Spec spec;
  spec.kind = "create_table";
  spec.result = {"CREATED", "TABLE", keyspace, table.name};
  if (statement.if_not_exists) {
    spec.already_done = [keyspace, name = table.name](const data::Schema& schema) {
      return schema.FindTable(keyspace, name) != nullptr;
    };
  }
  spec.change = [table = std::move(table), position](
                    const data::Schema& schema,
                    int64_t now_micros) -> absl::StatusOr<data::Schema> {
    if (schema.FindKeyspace(table.keyspace) == nullptr) {
      return NoSuchKeyspace(table.keyspace, position);
    }
    data::TableSchema with_id = table;
    with_id.id = schema.NewTableId(table);
    return schema.WithTable(std::move(with_id), now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

absl::StatusOr<PlanPtr> Analyze(const DropTableStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, ResolveKeyspace(statement.table, *context));
  const std::string& name = statement.table.name;
  const Position position = statement.table.position;
  if (IsProtectedKeyspace(keyspace)) {
    return ErrorAt(position, "keyspace ", keyspace, " is not user-modifiable");
  }
  SchemaPlan::Spec spec;
  spec.kind = "drop_table";
  spec.result = {"DROPPED", "TABLE", keyspace, name};
  if (statement.if_exists) {
    spec.already_done = [keyspace, name](const data::Schema& schema) {
      return schema.FindTable(keyspace, name) == nullptr;
    };
  }
  spec.change = [keyspace, name, position](const data::Schema& schema,
                                           int64_t now_micros) -> absl::StatusOr<data::Schema> {
    if (schema.FindTable(keyspace, name) == nullptr) {
      return ErrorAt(position, "table ", QuoteName(keyspace), ".", QuoteName(name),
                     " does not exist");
    }
    return schema.WithoutTable(keyspace, name, now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

}  // namespace tholos::cql
