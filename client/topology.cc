#include "client/topology.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

absl::StatusOr<Topology::Placement> Topology::PlacementFrom(const pb::Placement& message,
                                                            size_t nodes) {
  Placement placement;
  placement.last_tokens.assign(message.last_tokens().begin(), message.last_tokens().end());
  if (message.replicas_size() != message.last_tokens_size() ||
      !std::is_sorted(placement.last_tokens.begin(), placement.last_tokens.end()))
    return absl::DataLossError("the topology's token ranges are malformed");
  for (const pb::Replicas& replicas : message.replicas()) {
    for (const uint32_t node : replicas.nodes()) {
      if (node >= nodes) return absl::DataLossError("the topology names a node it does not list");
    }
    placement.replicas.emplace_back(replicas.nodes().begin(), replicas.nodes().end());
  }
  return placement;
}

absl::StatusOr<Topology> Topology::From(const pb::Topology& message) {
  Topology topology;
  topology.version_ = message.version();
  for (const pb::TopologyNode& node : message.nodes()) {
    topology.nodes_.push_back({node.host_id(), node.address(), node.datacenter(), node.up()});
    if (node.host_id() == message.host_id()) topology.datacenter_ = node.datacenter();
  }
  if (topology.nodes_.empty()) return absl::DataLossError("the topology lists no node");
  for (const pb::Placement& each : message.placements()) {
    THOLOS_ASSIGN_OR_RETURN(Placement placement, PlacementFrom(each, topology.nodes_.size()));
    topology.placements_.push_back(std::move(placement));
  }
  for (const pb::KeyspacePlacement& keyspace : message.keyspaces()) {
    if (keyspace.placement() >= topology.placements_.size())
      return absl::DataLossError("the topology names a placement it does not list");
    topology.keyspaces_[keyspace.keyspace()] = keyspace.placement();
  }
  return topology;
}

const std::vector<uint32_t>& Topology::ReplicasOf(std::string_view keyspace,
                                                  data::Token token) const {
  static const std::vector<uint32_t> kNone;
  const auto found = keyspaces_.find(base::ToAbsl(keyspace));
  if (found == keyspaces_.end()) return kNone;
  const Placement& placement = placements_[found->second];
  if (placement.last_tokens.empty()) return kNone;
  const auto range =
      std::lower_bound(placement.last_tokens.begin(), placement.last_tokens.end(), token);
  const size_t index = range == placement.last_tokens.end()
                           ? placement.last_tokens.size() - 1
                           : static_cast<size_t>(range - placement.last_tokens.begin());
  return placement.replicas[index];
}

}  // namespace tholos::client
