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
                 const TokenReplicas& replicas) {
  if (!ranges->empty() && SameNodes(ranges->back().replicas, replicas.natural) &&
      SameNodes(ranges->back().pending, replicas.pending)) {
    ranges->back().range.end = range.end;
  } else {
    ranges->push_back({range, replicas.natural, replicas.pending});
  }
}

// The place that a range ending at `token` belongs to; the first one follows the last.
size_t PlaceOf(const std::vector<RingToken>& ring, data::Token token) {
  const auto it =
      std::lower_bound(ring.begin(), ring.end(), token,
                       [](const RingToken& place, data::Token t) { return place.token < t; });
  return it == ring.end() ? 0 : static_cast<size_t>(it - ring.begin());
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
  state->NumberDatacenters();
  state->present_ = state->MakeRing(Ring::kPresent);
  state->future_ = state->MakeRing(Ring::kFuture);
  state->MakeTokens();
  state->MakeStrategies();
  return state;
}

ClusterState::Ptr ClusterState::Empty() {
  return Make(0, {}, std::make_shared<const data::Schema>());
}

void ClusterState::NumberDatacenters() {
  for (const auto& [id, node] : nodes_) datacenters_.push_back(node.datacenter);
  std::sort(datacenters_.begin(), datacenters_.end());
  datacenters_.erase(std::unique(datacenters_.begin(), datacenters_.end()), datacenters_.end());
  for (const auto& [id, node] : nodes_) {
    const auto it = std::lower_bound(datacenters_.begin(), datacenters_.end(), node.datacenter);
    datacenter_of_.emplace(id, static_cast<DatacenterId>(it - datacenters_.begin()));
  }
}

std::vector<RingToken> ClusterState::MakeRing(Ring which) const {
  const NodeStatus without = which == Ring::kPresent ? NodeStatus::kJoining : NodeStatus::kLeaving;
  absl::btree_map<std::pair<DatacenterId, std::string>, uint16_t> racks;
  std::vector<RingToken> ring;
  for (const auto& [id, node] : nodes_) {
    const DatacenterId datacenter = datacenter_of_.at(id);
    const uint16_t rack =
        racks.try_emplace({datacenter, node.rack}, static_cast<uint16_t>(racks.size()))
            .first->second;
    if (node.status == without) continue;
    for (const data::Token token : node.tokens) {
      if (token != data::kMinToken) ring.push_back({token, id, datacenter, rack});
    }
  }
  // The smaller id comes first among equal tokens, and stays.
  std::sort(ring.begin(), ring.end(), [](const RingToken& a, const RingToken& b) {
    return std::tie(a.token, a.node) < std::tie(b.token, b.node);
  });
  ring.erase(std::unique(ring.begin(), ring.end(),
                         [](const RingToken& a, const RingToken& b) { return a.token == b.token; }),
             ring.end());
  return ring;
}

void ClusterState::MakeTokens() {
  for (const RingToken& place : present_) tokens_.push_back(place.token);
  for (const RingToken& place : future_) tokens_.push_back(place.token);
  std::sort(tokens_.begin(), tokens_.end());
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end()), tokens_.end());
}

ClusterState::StrategyReplicasPtr ClusterState::MakeReplicas(
    const ReplicationStrategy& strategy) const {
  auto replicas = std::make_shared<StrategyReplicas>();
  replicas->strategy = strategy;
  replicas->by_token.resize(std::max<size_t>(tokens_.size(), 1));
  const bool changing = std::any_of(nodes_.begin(), nodes_.end(), [](const auto& entry) {
    return entry.second.status != NodeStatus::kNormal && !entry.second.tokens.empty();
  });
  const Placement present(strategy, present_, datacenters_);
  const Placement future(strategy, future_, datacenters_);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    TokenReplicas& of = replicas->by_token[i];
    if (!present_.empty()) of.natural = present.From(PlaceOf(present_, tokens_[i]));
    if (changing && !future_.empty()) {
      of.pending = future.From(PlaceOf(future_, tokens_[i]));
      std::erase_if(of.pending, [&](const NodeId& node) {
        return std::find(of.natural.begin(), of.natural.end(), node) != of.natural.end();
      });
    }
    for (const ReplicaSet* set : {&of.natural, &of.pending}) {
      for (const NodeId& node : *set) of.datacenters.push_back(datacenter_of_.at(node));
    }
  }
  return replicas;
}

void ClusterState::MakeStrategies() {
  std::map<ReplicationStrategy, StrategyReplicasPtr> made;
  for (const data::KeyspaceSchema* keyspace : schema_->keyspaces()) {
    const auto strategy = ReplicationStrategy::Parse(keyspace->replication);
    if (!strategy.ok()) {
      strategies_.emplace(keyspace->name, strategy.status());
      continue;
    }
    StrategyReplicasPtr& replicas = made[*strategy];
    if (replicas == nullptr) replicas = MakeReplicas(*strategy);
    strategies_.emplace(keyspace->name, replicas);
  }
}

DatacenterId ClusterState::DatacenterOf(const NodeId& id) const {
  const auto it = datacenter_of_.find(id);
  return it == datacenter_of_.end() ? kNoDatacenter : it->second;
}

const NodeInfo* ClusterState::Find(const NodeId& id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}

const NodeInfo* ClusterState::FindByInternode(const base::Endpoint& endpoint) const {
  const auto it = by_internode_.find(endpoint);
  return it == by_internode_.end() ? nullptr : Find(it->second);
}

absl::StatusOr<const ClusterState::StrategyReplicas*> ClusterState::Find(
    std::string_view keyspace) const {
  const auto it = strategies_.find(base::ToAbsl(keyspace));
  if (it == strategies_.end()) {
    return base::InvalidRequest(base::StrCat("keyspace '", keyspace, "' does not exist"));
  }
  if (!it->second.ok()) return it->second.status();
  return it->second->get();
}

size_t ClusterState::IndexOf(data::Token token) const {
  const auto it = std::lower_bound(tokens_.begin(), tokens_.end(), token);
  return it == tokens_.end() ? 0 : static_cast<size_t>(it - tokens_.begin());
}

absl::StatusOr<const TokenReplicas*> ClusterState::FindTokenReplicas(std::string_view keyspace,
                                                                     data::Token token) const {
  THOLOS_ASSIGN_OR_RETURN(const StrategyReplicas* replicas, Find(keyspace));
  return &replicas->by_token[IndexOf(token)];
}

absl::StatusOr<const ReplicaSet*> ClusterState::FindReplicas(std::string_view keyspace,
                                                             data::Token token) const {
  THOLOS_ASSIGN_OR_RETURN(const TokenReplicas* replicas, FindTokenReplicas(keyspace, token));
  return &replicas->natural;
}

absl::StatusOr<ReplicaSet> ClusterState::ReplicasOf(std::string_view keyspace,
                                                    data::Token token) const {
  THOLOS_ASSIGN_OR_RETURN(const ReplicaSet* replicas, FindReplicas(keyspace, token));
  return *replicas;
}

absl::StatusOr<const ReplicationStrategy*> ClusterState::StrategyOf(
    std::string_view keyspace) const {
  THOLOS_ASSIGN_OR_RETURN(const StrategyReplicas* replicas, Find(keyspace));
  return &replicas->strategy;
}

absl::StatusOr<uint32_t> ClusterState::ReplicationFactor(std::string_view keyspace) const {
  THOLOS_ASSIGN_OR_RETURN(const ReplicationStrategy* strategy, StrategyOf(keyspace));
  return strategy->factor;
}

absl::StatusOr<std::vector<RangeReplicas>> ClusterState::Ranges(std::string_view keyspace) const {
  THOLOS_ASSIGN_OR_RETURN(const StrategyReplicas* replicas, Find(keyspace));
  std::vector<RangeReplicas> ranges;
  data::Token start = data::kMinToken;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    AppendRange(&ranges, {start, tokens_[i]}, replicas->by_token[i]);
    start = tokens_[i];
  }
  // The range around the end belongs to the first token.
  AppendRange(&ranges, {start, data::kMinToken}, replicas->by_token[0]);
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
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace tholos::ring
