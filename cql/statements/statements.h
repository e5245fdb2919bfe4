// The statements, one file each: from a syntax tree to a plan.
#pragma once

#include "absl/status/statusor.h"
#include "cql/analysis/context.h"
#include "cql/ast.h"
#include "cql/plan.h"

namespace tholos::cql {

absl::StatusOr<PlanPtr> AnalyzeStatement(const Statement& statement, AnalysisContext* context);

absl::StatusOr<PlanPtr> Analyze(const SelectStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const InsertStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const UpdateStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const DeleteStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const BatchStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const UseStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const CreateKeyspaceStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const DropKeyspaceStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const CreateTableStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const DropTableStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const AlterKeyspaceStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const AlterTableStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const CreateTypeStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const AlterTypeStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const DropTypeStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const TruncateStatement& statement, AnalysisContext* context);
absl::StatusOr<PlanPtr> Analyze(const DescribeStatement& statement, AnalysisContext* context);

}  // namespace tholos::cql
