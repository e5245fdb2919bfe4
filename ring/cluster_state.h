// ClusterState: who is in the cluster, which tokens they own, and the schema: one immutable
// snapshot with an epoch, from which every request takes its replicas.
//
// A node with token t owns the tokens from the previous node's token (exclusive) to t (inclusive);
// what lies beyond the largest token belongs to the smallest. A key's replicas are that owner and
// the nodes of the next tokens clockwise:
//
//        A        B     C           A        three nodes; two keys, replication factor 2
//   ─────┼────x───┼─────┼───────y───┼─────   x -> B, C
//       -40      -10    5          60        y -> A, B     (B follows A around the end)
//
// Make works the replicas of every token range out once per replication factor in the schema, so
// that a request pays one binary search. With 16 tokens a node and three replicas that is 1 KiB a
// node and factor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/endpoint.h"
#include "base/uuid.h"
#include "data/key.h"
#include "data/read.h"
#include "data/schema/schema.h"
#include "ring/strategy.h"

namespace tholos::ring {

using NodeId = base::Uuid;

enum class NodeStatus : uint8_t { kJoining = 1, kNormal = 2, kLeaving = 3 };
std::string_view NodeStatusName(NodeStatus status);  // "JOINING", ...

struct NodeInfo {
  NodeId id;
  base::Endpoint internode;
  base::Endpoint client;  // the gRPC door
  std::string datacenter;
  std::string rack;
  NodeStatus status = NodeStatus::kNormal;
  std::vector<data::Token> tokens;  // sorted
  friend bool operator==(const NodeInfo&, const NodeInfo&) = default;
};

// The nodes that keep a token's data, in ring order from the token on: the first is the primary.
using ReplicaSet = std::vector<NodeId>;

// A part of the token space that the same nodes keep. Their order is that of the range's first
// token: within the range the primary may change.
struct RangeReplicas {
  data::TokenRange range;
  ReplicaSet replicas;
};

class ClusterState {
 public:
  using Ptr = std::shared_ptr<const ClusterState>;

  // `nodes` in any order and with distinct ids. Two nodes with one token: the one with the smaller
  // id has it. data::kMinToken is no token and is left out.
  static Ptr Make(uint64_t epoch, std::vector<NodeInfo> nodes, data::Schema::Ptr schema);
  static Ptr Empty();

  uint64_t epoch() const { return epoch_; }
  const data::Schema& schema() const { return *schema_; }
  data::Schema::Ptr schema_ptr() const { return schema_; }
  // By id.
  const absl::btree_map<NodeId, NodeInfo>& nodes() const { return nodes_; }
  const NodeInfo* Find(const NodeId& id) const;
  // Of two nodes with one address the one with the smaller id.
  const NodeInfo* FindByInternode(const base::Endpoint& endpoint) const;

  // kInvalid (base/errors.h) if there is no such keyspace. A set smaller than the replication
  // factor means that there are fewer nodes.
  absl::StatusOr<ReplicaSet> ReplicasOf(std::string_view keyspace, data::Token token) const;
  // The same without a copy; valid as long as this snapshot.
  absl::StatusOr<const ReplicaSet*> FindReplicas(std::string_view keyspace,
                                                 data::Token token) const;
  // The replication factor that consistency levels count with.
  absl::StatusOr<uint32_t> ReplicationFactor(std::string_view keyspace) const;
  // The whole ring in token order, cut where the set of replicas changes. Ranges do not wrap
  // around: the first begins and the last ends at kMinToken.
  absl::StatusOr<std::vector<RangeReplicas>> Ranges(std::string_view keyspace) const;
  // The share of the token space that a node is replica for, in [0, 1].
  absl::StatusOr<double> Ownership(std::string_view keyspace, const NodeId& id) const;

 private:
  struct Place {
    data::Token token;
    NodeId node;
  };
  // The replicas under one replication factor.
  struct Placement {
    uint32_t factor = 0;
    std::vector<ReplicaSet>
        by_place;  // of the range that ends at ring_[i]; one empty set if the ring is empty
  };
  using PlacementPtr = std::shared_ptr<const Placement>;

  std::vector<Place> MakeRing() const;
  PlacementPtr MakePlacement(uint32_t factor) const;
  absl::btree_map<std::string, absl::StatusOr<PlacementPtr>> MakePlacements() const;
  absl::StatusOr<const Placement*> PlacementOf(std::string_view keyspace) const;

  uint64_t epoch_ = 0;
  data::Schema::Ptr schema_;
  absl::btree_map<NodeId, NodeInfo> nodes_;
  absl::btree_map<base::Endpoint, NodeId> by_internode_;
  std::vector<Place> ring_;  // by token; kNormal and kLeaving nodes
  absl::btree_map<std::string, absl::StatusOr<PlacementPtr>> placements_;  // by keyspace
};

// Where the current snapshot is found. Thread-safe.
class ClusterStateHolder {
 public:
  ClusterStateHolder() : current_(ClusterState::Empty()) {}
  ClusterState::Ptr Get() const;
  void Set(ClusterState::Ptr next);

 private:
  mutable absl::Mutex mutex_;
  ClusterState::Ptr current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::ring
