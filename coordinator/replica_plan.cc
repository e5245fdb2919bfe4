#include "coordinator/replica_plan.h"

#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

ReplicaPlan Divide(const PlanInput& input) {
  ReplicaPlan plan;
  plan.required = RequiredAnswers(input.level, input.replication_factor);
  for (const ring::NodeId& replica : input.replicas) {
    if (replica == input.self) {
      plan.targets.insert(plan.targets.begin(), replica);
    } else if (input.alive.contains(replica)) {
      plan.targets.push_back(replica);
    } else {
      plan.dead.push_back(replica);
    }
  }
  return plan;
}

absl::Status Unavailable(const PlanInput& input, const ReplicaPlan& plan, bool write) {
  const uint32_t alive = static_cast<uint32_t>(plan.targets.size());
  base::RequestError error{.kind = base::RequestErrorKind::kUnavailable, .write = write};
  error.consistency = std::string(ConsistencyName(input.level));
  error.required = plan.required;
  error.alive = alive;
  return base::MakeRequestError(
      error, base::StrCat("consistency level ", error.consistency, " requires ", plan.required,
                          plan.required == 1 ? " replica, " : " replicas, ", alive,
                          alive == 1 ? " is alive" : " are alive"));
}

}  // namespace

absl::StatusOr<ReplicaPlan> PlanWrite(const PlanInput& input) {
  ReplicaPlan plan = Divide(input);
  const bool enough = input.level == ConsistencyLevel::kAny ? !input.replicas.empty()
                                                            : plan.targets.size() >= plan.required;
  if (!enough) return Unavailable(input, plan, /*write=*/true);
  return plan;
}

absl::StatusOr<ReplicaPlan> PlanRead(const PlanInput& input) {
  if (input.level == ConsistencyLevel::kAny) {
    return base::InvalidRequest("consistency level ANY is for writes only");
  }
  ReplicaPlan plan = Divide(input);
  if (plan.targets.size() < plan.required) return Unavailable(input, plan, /*write=*/false);
  return plan;
}

}  // namespace tholos::coordinator
