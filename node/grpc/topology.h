// The answer of tholos.v1.Tholos.GetTopology.
#pragma once

#include "node/node.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

// On shard 0. Nodes that are joining are left out: they answer no reads. Keyspaces whose strategy
// this node does not understand have no placement: their partitions are asked for anywhere.
void FillTopology(const Node& node, const tholos::v1::TopologyRequest& request,
                  tholos::v1::Topology* out);

}  // namespace tholos::node
