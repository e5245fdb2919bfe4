// TRUNCATE: everything that was written to a table, on all its replicas.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"

namespace tholos::cql {
namespace {

class TruncatePlan final : public Plan {
 public:
  explicit TruncatePlan(TablePtr table) : table_(std::move(table)) {}

  base::Task<absl::Status> Execute(Request& request) const override {
    return request.services->coordinator.Truncate(table_->id, request.routing);
  }
  std::string_view kind() const override { return "truncate"; }

 private:
  const TablePtr table_;
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const TruncateStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveWritableTable(statement.table, *context));
  return PlanPtr(std::make_shared<TruncatePlan>(std::move(table)));
}

}  // namespace tholos::cql
