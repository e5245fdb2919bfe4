// UPDATE: writes cells; a row exists as long as one of them does.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"

namespace tholos::cql {
namespace {

absl::StatusOr<ColumnWrite> AnalyzeAssignment(const Assignment& assignment,
                                              const data::TableSchema& table,
                                              AnalysisContext* context) {
  if (assignment.kind != Assignment::Kind::kSet) {
    return NotSupportedAt(assignment.position, "changing a part of a column");
  }
  THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                          ResolveColumn(table, assignment.column));
  if (column->kind == data::ColumnKind::kPartitionKey ||
      column->kind == data::ColumnKind::kClustering) {
    return ErrorAt(assignment.column.position, "PRIMARY KEY part ", column->name,
                   " found in SET part");
  }
  THOLOS_ASSIGN_OR_RETURN(
      Operand value, Operand::Analyze(assignment.value, Receiver::Of(table, *column), context));
  return ColumnWrite{column->id, column->kind == data::ColumnKind::kStatic, column->name,
                     std::move(value)};
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const UpdateStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveWritableTable(statement.table, *context));
  if (statement.if_exists || !statement.conditions.empty()) {
    return NotSupportedAt(statement.position, "UPDATE IF (a conditional update)");
  }
  WritePlan::Spec spec;
  spec.kind = "update";
  spec.table = table;
  THOLOS_ASSIGN_OR_RETURN(spec.parameters,
                          WriteParameters::Analyze(statement.parameters, *table, context));
  bool static_only = true;
  std::vector<bool> assigned(table->next_column_id, false);
  for (const Assignment& assignment : statement.assignments) {
    THOLOS_ASSIGN_OR_RETURN(ColumnWrite write, AnalyzeAssignment(assignment, *table, context));
    if (assigned[write.column]) {
      return ErrorAt(assignment.position, "column '", write.name, "' is set twice");
    }
    assigned[write.column] = true;
    static_only = static_only && write.is_static;
    spec.columns.push_back(std::move(write));
  }
  THOLOS_ASSIGN_OR_RETURN(spec.keys, Restrictions::Analyze(table, statement.where, context));
  static_only = static_only && table->clustering_size() > 0;
  THOLOS_RETURN_IF_ERROR(CheckModifiedKeys(spec.keys, statement.position, !static_only));
  if (static_only && spec.keys.restricts_clustering()) {
    return ErrorAt(statement.position,
                   "Invalid restrictions on clustering columns since the UPDATE statement modifies "
                   "only static columns");
  }
  spec.rows = static_only ? WritePlan::Rows::kNone : WritePlan::Rows::kCells;
  return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
}

}  // namespace tholos::cql
