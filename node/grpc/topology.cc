#include "node/grpc/topology.h"

#include <limits>
#include <map>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

bool Listed(const ring::NodeInfo& info) { return info.status != ring::NodeStatus::kJoining; }

bool Up(const Node& node, const ring::NodeInfo& info) {
  return info.serving && node.liveness().IsAlive(info.id);
}

// host id | hash of (epoch | an octet for each node: whether it is up). An epoch belongs to a node
// and to its life: hence the host, and what the epoch stands for is hashed with it.
std::string VersionOf(const Node& node, const ring::ClusterState& cluster) {
  std::string facts;
  base::PutBigEndian64(&facts, cluster.epoch());
  base::PutBigEndian64(&facts, cluster.schema().digest());
  for (const auto& [id, info] : cluster.nodes()) {
    facts.append(id.AsBytes());
    base::PutU8(&facts, Up(node, info) ? 1 : 0);
  }
  std::string version(node.id().AsBytes());
  base::PutBigEndian64(&version, base::Checksum64(facts));
  return version;
}

using NodeIndexes = std::map<ring::NodeId, uint32_t>;

NodeIndexes AddNodes(const Node& node, const ring::ClusterState& cluster, pb::Topology* out) {
  NodeIndexes indexes;
  for (const auto& [id, info] : cluster.nodes()) {
    if (!Listed(info)) continue;
    indexes.emplace(id, static_cast<uint32_t>(out->nodes_size()));
    pb::TopologyNode* message = out->add_nodes();
    message->set_host_id(std::string(id.AsBytes()));
    message->set_address(info.client.ToString());
    message->set_datacenter(info.datacenter);
    message->set_rack(info.rack);
    message->set_up(Up(node, info));
  }
  return indexes;
}

void FillPlacement(const std::vector<ring::RangeReplicas>& ranges, const NodeIndexes& indexes,
                   pb::Placement* out) {
  for (const ring::RangeReplicas& range : ranges) {
    // The last one ends at kMinToken, the end of the ring.
    out->add_last_tokens(range.range.end == data::kMinToken
                             ? std::numeric_limits<data::Token>::max()
                             : range.range.end);
    pb::Replicas* replicas = out->add_replicas();
    for (const ring::NodeId& id : range.replicas) {
      if (const auto found = indexes.find(id); found != indexes.end())
        replicas->add_nodes(found->second);
    }
  }
}

}  // namespace

void FillTopology(const Node& node, const pb::TopologyRequest& request, pb::Topology* out) {
  const ring::ClusterState::Ptr cluster = node.cluster();
  out->set_version(VersionOf(node, *cluster));
  if (request.known_version() == out->version()) return;
  out->set_cluster_name(node.options().cluster_name);
  out->set_host_id(std::string(node.id().AsBytes()));
  const NodeIndexes indexes = AddNodes(node, *cluster, out);
  // Keyspaces of one strategy have one placement.
  std::map<ring::ReplicationStrategy, uint32_t> placements;
  for (const data::KeyspaceSchema* keyspace : cluster->schema().keyspaces()) {
    const auto strategy = cluster->StrategyOf(keyspace->name);
    const auto ranges = cluster->Ranges(keyspace->name);
    if (!strategy.ok() || !ranges.ok()) continue;
    const auto [placement, fresh] =
        placements.emplace(**strategy, static_cast<uint32_t>(out->placements_size()));
    if (fresh) FillPlacement(*ranges, indexes, out->add_placements());
    pb::KeyspacePlacement* message = out->add_keyspaces();
    message->set_keyspace(keyspace->name);
    message->set_placement(placement->second);
  }
}

}  // namespace tholos::node
