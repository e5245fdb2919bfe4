// StatePublisher: puts nodes and schema together into the next ClusterState. Membership has the
// nodes, the schema service the schema; each change of either is one epoch. The epoch counts on
// this node only: it starts at 1 with the process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "ring/cluster_state.h"

namespace tholos::cluster {

// Shard 0 only; `holder` is read from every shard.
class StatePublisher {
 public:
  StatePublisher(ring::ClusterStateHolder& holder, data::Schema::Ptr schema)
      : holder_(holder), schema_(std::move(schema)) {
    Publish();
  }

  // Equal ones publish nothing. `nodes` sorted by id.
  void SetNodes(std::vector<ring::NodeInfo> nodes) {
    const auto same = [](const ring::NodeInfo& a, const ring::NodeInfo& b) {
      return a == b && a.SameMoment(b);
    };
    if (std::equal(nodes.begin(), nodes.end(), nodes_.begin(), nodes_.end(), same)) return;
    nodes_ = std::move(nodes);
    Publish();
  }
  void SetSchema(data::Schema::Ptr schema) {
    if (schema->digest() == schema_->digest()) return;
    schema_ = std::move(schema);
    Publish();
  }

 private:
  void Publish() { holder_.Set(ring::ClusterState::Make(++epoch_, nodes_, schema_)); }

  ring::ClusterStateHolder& holder_;
  std::vector<ring::NodeInfo> nodes_;
  data::Schema::Ptr schema_;
  uint64_t epoch_ = 0;
};

}  // namespace tholos::cluster
