#include "ring/cluster_state.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::ring {
namespace {

// The number of tokens in (start, end]; the whole space counts as 2^64.
double WidthOf(const data::TokenRange& range) {
  const uint64_t width = static_cast<uint64_t>(range.end) - static_cast<uint64_t>(range.start);
  return width == 0 ? 0x1p64 : static_cast<double>(width);
}

bool SameNodes(ReplicaSet a, ReplicaSet b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

// Appends a range, or extends the last one if the same nodes keep it.
void AppendRange(std::vector<RangeReplicas>* ranges, data::TokenRange range,
                 const ReplicaSet& replicas) {
  if (!ranges->empty() && SameNodes(ranges->back().replicas, replicas)) {
    ranges->back().range.end = range.end;
  } else {
    ranges->push_back({range, replicas});
  }
}

}  // namespace

std::string_view NodeStatusName(NodeStatus status) {
  switch (status) {
    case NodeStatus::kJoining:
      return "JOINING";
    case NodeStatus::kNormal:
      return "NORMAL";
    case NodeStatus::kLeaving:
      return "LEAVING";
  }
  return "UNKNOWN";
}

ClusterState::Ptr ClusterState::Make(uint64_t epoch, std::vector<NodeInfo> nodes,
                                     data::Schema::Ptr schema) {
  THOLOS_CHECK(schema != nullptr);
  auto state = std::make_shared<ClusterState>();
  state->epoch_ = epoch;
  state->schema_ = std::move(schema);
  for (NodeInfo& node : nodes) {
    std::sort(node.tokens.begin(), node.tokens.end());
    const NodeId id = node.id;
    THOLOS_CHECK(state->nodes_.emplace(id, std::move(node)).second)
        << "two nodes with id " << id.ToString();
  }
  for (const auto& [id, node] : state->nodes_) state->by_internode_.emplace(node.internode, id);
  state->ring_ = state->MakeRing();
  state->placements_ = state->MakePlacements();
  return state;
}

ClusterState::Ptr ClusterState::Empty() {
  return Make(0, {}, std::make_shared<const data::Schema>());
}

std::vector<ClusterState::Place> ClusterState::MakeRing() const {
  std::vector<Place> ring;
  for (const auto& [id, node] : nodes_) {
    if (node.status == NodeStatus::kJoining) continue;
    for (const data::Token token : node.tokens) {
      if (token != data::kMinToken) ring.push_back({token, id});
    }
  }
  // The smaller id comes first among equal tokens, and stays.
  std::sort(ring.begin(), ring.end(), [](const Place& a, const Place& b) {
    return std::tie(a.token, a.node) < std::tie(b.token, b.node);
  });
  ring.erase(std::unique(ring.begin(), ring.end(),
                         [](const Place& a, const Place& b) { return a.token == b.token; }),
             ring.end());
  return ring;
}

ClusterState::PlacementPtr ClusterState::MakePlacement(uint32_t factor) const {
  auto placement = std::make_shared<Placement>();
  placement->factor = factor;
  if (ring_.empty()) {
    placement->by_place.emplace_back();
    return placement;
  }
  absl::btree_map<NodeId, int> members;
  for (const Place& place : ring_) members.emplace(place.node, 0);
  const size_t wanted = std::min<size_t>(factor, members.size());
  placement->by_place.resize(ring_.size());
  for (size_t i = 0; i < ring_.size(); ++i) {
    ReplicaSet& replicas = placement->by_place[i];
    replicas.reserve(wanted);
    for (size_t j = i; replicas.size() < wanted; j = j + 1 == ring_.size() ? 0 : j + 1) {
      const NodeId& node = ring_[j].node;
      if (std::find(replicas.begin(), replicas.end(), node) == replicas.end()) {
        replicas.push_back(node);
      }
    }
  }
  return placement;
}

absl::btree_map<std::string, absl::StatusOr<ClusterState::PlacementPtr>>
ClusterState::MakePlacements() const {
  absl::btree_map<uint32_t, PlacementPtr> by_factor;
  absl::btree_map<std::string, absl::StatusOr<PlacementPtr>> placements;
  for (const data::KeyspaceSchema* keyspace : schema_->keyspaces()) {
    const auto strategy = ReplicationStrategy::Parse(keyspace->replication);
    if (!strategy.ok()) {
      placements.emplace(keyspace->name, strategy.status());
      continue;
    }
    PlacementPtr& placement = by_factor[strategy->factor];
    if (placement == nullptr) placement = MakePlacement(strategy->factor);
    placements.emplace(keyspace->name, placement);
  }
  return placements;
}

const NodeInfo* ClusterState::Find(const NodeId& id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}

const NodeInfo* ClusterState::FindByInternode(const base::Endpoint& endpoint) const {
  const auto it = by_internode_.find(endpoint);
  return it == by_internode_.end() ? nullptr : Find(it->second);
}

absl::StatusOr<const ClusterState::Placement*> ClusterState::PlacementOf(
    std::string_view keyspace) const {
  const auto it = placements_.find(base::ToAbsl(keyspace));
  if (it == placements_.end()) {
    return base::InvalidRequest(base::StrCat("keyspace '", keyspace, "' does not exist"));
  }
  if (!it->second.ok()) return it->second.status();
  return it->second->get();
}

absl::StatusOr<const ReplicaSet*> ClusterState::FindReplicas(std::string_view keyspace,
                                                             data::Token token) const {
  THOLOS_ASSIGN_OR_RETURN(const Placement* placement, PlacementOf(keyspace));
  const auto it =
      std::lower_bound(ring_.begin(), ring_.end(), token,
                       [](const Place& place, data::Token t) { return place.token < t; });
  const size_t index = it == ring_.end() ? 0 : static_cast<size_t>(it - ring_.begin());
  return &placement->by_place[index];
}

absl::StatusOr<ReplicaSet> ClusterState::ReplicasOf(std::string_view keyspace,
                                                    data::Token token) const {
  THOLOS_ASSIGN_OR_RETURN(const ReplicaSet* replicas, FindReplicas(keyspace, token));
  return *replicas;
}

absl::StatusOr<uint32_t> ClusterState::ReplicationFactor(std::string_view keyspace) const {
  THOLOS_ASSIGN_OR_RETURN(const Placement* placement, PlacementOf(keyspace));
  return placement->factor;
}

absl::StatusOr<std::vector<RangeReplicas>> ClusterState::Ranges(std::string_view keyspace) const {
  THOLOS_ASSIGN_OR_RETURN(const Placement* placement, PlacementOf(keyspace));
  std::vector<RangeReplicas> ranges;
  data::Token start = data::kMinToken;
  for (size_t i = 0; i < ring_.size(); ++i) {
    AppendRange(&ranges, {start, ring_[i].token}, placement->by_place[i]);
    start = ring_[i].token;
  }
  // The range around the end belongs to the first place.
  AppendRange(&ranges, {start, data::kMinToken}, placement->by_place[0]);
  return ranges;
}

absl::StatusOr<double> ClusterState::Ownership(std::string_view keyspace, const NodeId& id) const {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<RangeReplicas> ranges, Ranges(keyspace));
  double owned = 0;
  for (const RangeReplicas& piece : ranges) {
    const auto& replicas = piece.replicas;
    if (std::find(replicas.begin(), replicas.end(), id) != replicas.end()) {
      owned += WidthOf(piece.range);
    }
  }
  return owned / 0x1p64;
}

ClusterState::Ptr ClusterStateHolder::Get() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

void ClusterStateHolder::Set(ClusterState::Ptr next) {
  THOLOS_CHECK(next != nullptr);
  absl::MutexLock lock(&mutex_);
  current_ = std::move(next);
}

}  // namespace tholos::ring
