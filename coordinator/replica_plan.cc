#include "coordinator/replica_plan.h"

#include <algorithm>
#include <tuple>

#include "absl/container/inlined_vector.h"
#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

using ring::DatacenterId;

enum class Side { kWrite, kRead };

bool IsLocalLevel(ConsistencyLevel level) {
  return level == ConsistencyLevel::kLocalOne || level == ConsistencyLevel::kLocalQuorum ||
         level == ConsistencyLevel::kLocalSerial;
}

struct Replica {
  ReplicaPlan::Target target;
  bool pending = false;
  bool alive = false;
};

class Planner {
 public:
  Planner(const PlanInput& input, Side side) : input_(input), side_(side) {}

  absl::StatusOr<ReplicaPlan> Make() {
    plan_.own_datacenter = input_.own_datacenter;
    List(input_.replicas.natural, 0, /*pending=*/false);
    if (side_ == Side::kWrite)
      List(input_.replicas.pending, input_.replicas.natural.size(), /*pending=*/true);
    Group();
    if (absl::Status lacking = CheckAlive(); !lacking.ok()) return lacking;
    Divide();
    return std::move(plan_);
  }

 private:
  void List(const ring::ReplicaSet& nodes, size_t first, bool pending) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      Replica& replica = replicas_.emplace_back();
      replica.target.node = nodes[i];
      replica.target.datacenter = input_.replicas.datacenters[first + i];
      replica.pending = pending;
      replica.alive = nodes[i] == input_.self || input_.alive.contains(nodes[i]);
    }
  }

  // Which group each replica is of, and what the groups need.
  void Group() {
    if (IsGroupedByDatacenter()) return GroupByDatacenter();
    const bool local = IsLocalLevel(input_.level);
    uint32_t factor = input_.strategy.factor;
    if (local && input_.own_datacenter < input_.datacenters.size())
      factor = input_.strategy.FactorIn(input_.datacenters[input_.own_datacenter]);
    const bool one = input_.level == ConsistencyLevel::kQuorum && input_.faults.quorum_of_one;
    plan_.needs.push_back(one ? 1 : RequiredAnswers(input_.level, factor));
    for (Replica& replica : replicas_) {
      const bool counts = !local || replica.target.datacenter == input_.own_datacenter ||
                          input_.faults.local_counts_remote;
      replica.target.group = counts ? 0 : ReplicaPlan::kNoGroup;
    }
    AddPending();
  }

  bool IsGroupedByDatacenter() const {
    return input_.level == ConsistencyLevel::kEachQuorum && !input_.faults.each_quorum_is_quorum &&
           input_.strategy.kind == ring::ReplicationStrategy::Kind::kNetworkTopology;
  }

  void GroupByDatacenter() {
    std::vector<int16_t> group_of(input_.datacenters.size(), ReplicaPlan::kNoGroup);
    for (size_t i = 0; i < input_.datacenters.size(); ++i) {
      const uint32_t factor = input_.strategy.FactorIn(input_.datacenters[i]);
      if (factor == 0) continue;
      group_of[i] = static_cast<int16_t>(plan_.needs.size());
      plan_.needs.push_back(RequiredAnswers(input_.level, factor));
    }
    // A datacenter with copies but without nodes has no number.
    for (const auto& [name, factor] : input_.strategy.by_datacenter) {
      if (std::find(input_.datacenters.begin(), input_.datacenters.end(), name) ==
          input_.datacenters.end()) {
        plan_.needs.push_back(RequiredAnswers(input_.level, factor));
      }
    }
    for (Replica& replica : replicas_) replica.target.group = group_of[replica.target.datacenter];
    AddPending();
  }

  void AddPending() {
    if (input_.level == ConsistencyLevel::kAny) return;
    for (const Replica& replica : replicas_) {
      if (replica.pending && replica.target.group >= 0) ++plan_.needs[replica.target.group];
    }
  }

  absl::Status CheckAlive() const {
    if (input_.level == ConsistencyLevel::kAny) {
      return replicas_.empty() ? Unavailable(1, 0, 0) : absl::OkStatus();
    }
    for (size_t group = 0; group < plan_.needs.size(); ++group) {
      const auto alive = static_cast<uint32_t>(
          std::count_if(replicas_.begin(), replicas_.end(), [&](const Replica& replica) {
            return replica.alive && replica.target.group == static_cast<int>(group);
          }));
      if (alive < plan_.needs[group]) return Unavailable(plan_.needs[group], alive, group);
    }
    return absl::OkStatus();
  }

  // Which datacenter's replicas a group is, where the level counts by datacenter; else nothing.
  std::string_view DatacenterOf(size_t group) const {
    if (IsLocalLevel(input_.level)) {
      return input_.own_datacenter < input_.datacenters.size()
                 ? std::string_view(input_.datacenters[input_.own_datacenter])
                 : std::string_view();
    }
    if (!IsGroupedByDatacenter()) return {};
    // As GroupByDatacenter() numbers them.
    for (const std::string& name : input_.datacenters) {
      if (input_.strategy.FactorIn(name) > 0 && group-- == 0) return name;
    }
    for (const auto& [name, factor] : input_.strategy.by_datacenter) {
      const bool has_nodes = std::find(input_.datacenters.begin(), input_.datacenters.end(),
                                       name) != input_.datacenters.end();
      if (!has_nodes && group-- == 0) return name;
    }
    return {};
  }

  absl::Status Unavailable(uint32_t required, uint32_t alive, size_t group) const {
    base::RequestError error{.kind = base::RequestErrorKind::kUnavailable,
                             .write = side_ == Side::kWrite};
    error.consistency = std::string(ConsistencyName(input_.level));
    error.required = required;
    error.alive = alive;
    const std::string_view datacenter = DatacenterOf(group);
    return base::MakeRequestError(
        error, base::StrCat("consistency level ", error.consistency, " requires ", required,
                            required == 1 ? " replica" : " replicas",
                            datacenter.empty() ? "" : " in datacenter ", datacenter, ", ", alive,
                            alive == 1 ? " is alive" : " are alive"));
  }

  void Divide() {
    absl::InlinedVector<std::pair<Rank, ReplicaPlan::Target>, kUsualReplicas> living;
    for (const Replica& replica : replicas_) {
      if (!replica.alive) {
        plan_.dead.push_back(replica.target.node);
      } else if (side_ == Side::kWrite || replica.target.group >= 0) {
        living.emplace_back(RankOf(replica.target, living.size()), replica.target);
      }
    }
    std::sort(living.begin(), living.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    plan_.targets.reserve(living.size());
    for (const auto& [rank, target] : living) plan_.targets.push_back(target);
  }

  // Distance, latency class, place in ring order: the smallest first.
  using Rank = std::tuple<int, int, size_t>;
  Rank RankOf(const ReplicaPlan::Target& target, size_t place) const {
    if (target.node == input_.self) return {0, 0, place};
    const int distance = target.datacenter == input_.own_datacenter ? 1 : 2;
    if (input_.latencies == nullptr) return {distance, 0, place};
    const auto latency = input_.latencies->find(target.node);
    const bool known = latency != input_.latencies->end();
    return {distance, known ? LatencyClass(latency->second) : 0, place};
  }

  const PlanInput& input_;
  const Side side_;
  // Every request makes a plan: the usual one without memory of its own.
  static constexpr size_t kUsualReplicas = 6;
  absl::InlinedVector<Replica, kUsualReplicas> replicas_;
  ReplicaPlan plan_;
};

}  // namespace

uint32_t ReplicaPlan::required() const {
  uint32_t sum = 0;
  for (const uint32_t need : needs) sum += need;
  return sum;
}

std::string ReplicaPlan::ToString() const {
  std::string text;
  for (size_t group = 0; group < needs.size(); ++group) {
    base::StrAppend(&text, group == 0 ? "" : " and ", needs[group], " of");
    for (const Target& target : targets) {
      if (target.group == static_cast<int>(group))
        base::StrAppend(&text, " ", target.node.ToString().substr(0, 8));
    }
  }
  const char* separator = "; also to ";
  for (const Target& target : targets) {
    if (target.group >= 0) continue;
    base::StrAppend(&text, separator, target.node.ToString().substr(0, 8));
    separator = " ";
  }
  separator = "; dead ";
  for (const ring::NodeId& node : dead) {
    base::StrAppend(&text, separator, node.ToString().substr(0, 8));
    separator = " ";
  }
  return text;
}

int LatencyClass(absl::Duration latency) {
  int latency_class = 0;
  for (absl::Duration limit = absl::Milliseconds(1); latency > limit && latency_class < 10;
       limit *= 3) {
    ++latency_class;
  }
  return latency_class;
}

absl::StatusOr<ReplicaPlan> PlanWrite(const PlanInput& input) {
  if (IsSerial(input.level)) {
    return base::InvalidRequest(base::StrCat("consistency level ", ConsistencyName(input.level),
                                             " is for conditional writes and for reads"));
  }
  return Planner(input, Side::kWrite).Make();
}

absl::StatusOr<ReplicaPlan> PlanRead(const PlanInput& input) {
  if (input.level == ConsistencyLevel::kAny) {
    return base::InvalidRequest("consistency level ANY is for writes only");
  }
  return Planner(input, Side::kRead).Make();
}

}  // namespace tholos::coordinator
