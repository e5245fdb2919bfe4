#include "cql/statements/statements.h"

#include <utility>
#include <variant>

#include "base/status_macros.h"

namespace tholos::cql {

absl::StatusOr<PlanPtr> AnalyzeStatement(const Statement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(
      PlanPtr plan,
      std::visit([context](const auto& s) { return Analyze(s, context); }, statement));
  std::vector<ResultColumn> parameters;
  for (size_t i = 0; i < context->parameters.size(); ++i) {
    if (!context->parameters[i].has_value()) {
      return base::InvalidRequest(
          base::StrCat("bind marker ", i + 1, " stands where no value can be bound"));
    }
    parameters.push_back(*std::move(context->parameters[i]));
  }
  plan->set_parameters(std::move(parameters));
  return plan;
}

}  // namespace tholos::cql
