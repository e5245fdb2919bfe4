// DELETE: of columns and their parts, of rows, of ranges of rows, of whole partitions.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"

namespace tholos::cql {
absl::StatusOr<PlanPtr> Analyze(const DeleteStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveWritableTable(statement.table, *context));
  if (statement.if_exists || !statement.conditions.empty()) {
    return NotSupportedAt(statement.position, "DELETE IF (a conditional update)");
  }
  WritePlan::Spec spec;
  spec.kind = "delete";
  spec.table = table;
  for (const DeleteTarget& target : statement.targets) {
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation,
                            ColumnOperation::Of(target, *table, context));
    spec.operations.push_back(std::move(operation));
  }
  THOLOS_ASSIGN_OR_RETURN(spec.parameters,
                          WriteParameters::Analyze(statement.parameters, *table, context));
  THOLOS_ASSIGN_OR_RETURN(spec.keys, Restrictions::Analyze(table, statement.where, context));
  THOLOS_RETURN_IF_ERROR(CheckModifiedKeys(spec.keys, statement.position, false, "DELETE"));
  const bool fixed = spec.keys.fixes_all_clustering();
  if (statement.targets.empty()) {
    const bool partition = table->clustering_size() == 0 || !spec.keys.restricts_clustering();
    spec.rows = partition ? WritePlan::Rows::kPartition
                : fixed   ? WritePlan::Rows::kDeleted
                          : WritePlan::Rows::kRange;
    return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
  }
  bool static_only = table->clustering_size() > 0;
  for (const ColumnOperation& operation : spec.operations) {
    static_only = static_only && operation.is_static;
  }
  if (static_only && spec.keys.restricts_clustering()) {
    return ErrorAt(statement.position,
                   "Invalid restrictions on clustering columns since the DELETE statement modifies "
                   "only static columns");
  }
  if (!static_only && !fixed) {
    return ErrorAt(statement.position, "Range deletions are not supported for specific columns");
  }
  spec.rows = static_only ? WritePlan::Rows::kNone : WritePlan::Rows::kCells;
  return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
}

}  // namespace tholos::cql
