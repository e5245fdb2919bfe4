// UPDATE: writes cells; a row exists as long as one of them does.
#include <map>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"

namespace tholos::cql {
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
  // Per column: whether it is assigned as a whole, which goes with nothing else.
  std::map<data::ColumnId, bool> assigned;
  for (const Assignment& assignment : statement.assignments) {
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation,
                            ColumnOperation::Of(assignment, *table, context));
    const bool whole = operation.kind == ColumnOperation::Kind::kAssign;
    const auto [before, is_first] = assigned.emplace(operation.column, whole);
    if (!is_first && (whole || before->second)) {
      return ErrorAt(assignment.position, "Multiple incompatible setting of column ",
                     operation.name);
    }
    static_only = static_only && operation.is_static;
    spec.operations.push_back(std::move(operation));
  }
  THOLOS_ASSIGN_OR_RETURN(spec.keys, Restrictions::Analyze(table, statement.where, context));
  static_only = static_only && table->clustering_size() > 0;
  THOLOS_RETURN_IF_ERROR(CheckModifiedKeys(spec.keys, statement.position, !static_only, "UPDATE"));
  if (static_only && spec.keys.restricts_clustering()) {
    return ErrorAt(statement.position,
                   "Invalid restrictions on clustering columns since the UPDATE statement modifies "
                   "only static columns");
  }
  spec.rows = static_only ? WritePlan::Rows::kNone : WritePlan::Rows::kCells;
  return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
}

}  // namespace tholos::cql
