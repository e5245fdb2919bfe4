// DELETE: of columns, of rows, of whole partitions.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"

namespace tholos::cql {
namespace {

absl::Status AnalyzeColumns(const DeleteStatement& statement, const data::TableSchema& table,
                            WritePlan::Spec* spec) {
  std::vector<bool> named(table.next_column_id, false);
  for (const DeleteTarget& target : statement.targets) {
    if (target.key || target.field) {
      return NotSupportedAt(target.position, "deleting a part of a column");
    }
    const Identifier& name = target.column;
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table, name));
    if (column->kind == data::ColumnKind::kPartitionKey ||
        column->kind == data::ColumnKind::kClustering) {
      return ErrorAt(name.position, "Invalid identifier ", column->name,
                     " for deletion (should not be a PRIMARY KEY part)");
    }
    if (named[column->id]) continue;
    named[column->id] = true;
    spec->columns.push_back(
        {column->id, column->kind == data::ColumnKind::kStatic, column->name, std::nullopt});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const DeleteStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveWritableTable(statement.table, *context));
  if (statement.if_exists || !statement.conditions.empty()) {
    return NotSupportedAt(statement.position, "DELETE IF (a conditional update)");
  }
  WritePlan::Spec spec;
  spec.kind = "delete";
  spec.table = table;
  THOLOS_RETURN_IF_ERROR(AnalyzeColumns(statement, *table, &spec));
  THOLOS_ASSIGN_OR_RETURN(spec.parameters,
                          WriteParameters::Analyze(statement.parameters, *table, context));
  THOLOS_ASSIGN_OR_RETURN(spec.keys, Restrictions::Analyze(table, statement.where, context));
  THOLOS_RETURN_IF_ERROR(CheckModifiedKeys(spec.keys, statement.position, false));
  const bool fixed = spec.keys.fixes_all_clustering();
  if (statement.targets.empty()) {
    const bool partition = table->clustering_size() == 0 || !spec.keys.restricts_clustering();
    if (!partition && !fixed) {
      return NotSupportedAt(statement.position, "DELETE of a range of rows");
    }
    spec.rows = partition ? WritePlan::Rows::kPartition : WritePlan::Rows::kDeleted;
    return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
  }
  bool static_only = table->clustering_size() > 0;
  for (const ColumnWrite& column : spec.columns) static_only = static_only && column.is_static;
  if (static_only && spec.keys.restricts_clustering()) {
    return ErrorAt(statement.position,
                   "Invalid restrictions on clustering columns since the DELETE statement modifies "
                   "only static columns");
  }
  THOLOS_RETURN_IF_ERROR(CheckModifiedKeys(spec.keys, statement.position, !static_only));
  spec.rows = static_only ? WritePlan::Rows::kNone : WritePlan::Rows::kCells;
  return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
}

}  // namespace tholos::cql
