// ClusterState: who is in the cluster, which tokens they own, and the schema: one immutable snapshot with an
// epoch, from which every request takes its replicas.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/endpoint.h"
#include "base/uuid.h"
#include "data/key.h"
#include "data/read.h"
#include "data/schema/schema.h"

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

// A part of the token space whose replicas are the same.
struct RangeReplicas {
  data::TokenRange range;
  ReplicaSet replicas;
};

class ClusterState {
 public:
  using Ptr = std::shared_ptr<const ClusterState>;

  // `nodes` in any order; two nodes with one token: the one with the smaller id has it.
  static Ptr Make(uint64_t epoch, std::vector<NodeInfo> nodes, data::Schema::Ptr schema);
  static Ptr Empty();

  uint64_t epoch() const { return epoch_; }
  const data::Schema& schema() const { return *schema_; }
  data::Schema::Ptr schema_ptr() const { return schema_; }
  // By id.
  const absl::btree_map<NodeId, NodeInfo>& nodes() const { return nodes_; }
  const NodeInfo* Find(const NodeId& id) const;
  const NodeInfo* FindByInternode(const base::Endpoint& endpoint) const;

  // kInvalid (base/errors.h) if there is no such keyspace. A set smaller than the replication factor means that
  // there are fewer nodes.
  absl::StatusOr<ReplicaSet> ReplicasOf(std::string_view keyspace, data::Token token) const;
  // The replication factor that consistency levels count with.
  absl::StatusOr<uint32_t> ReplicationFactor(std::string_view keyspace) const;
  // The whole ring in token order, cut where replicas change.
  absl::StatusOr<std::vector<RangeReplicas>> Ranges(std::string_view keyspace) const;
  // The share of the token space that a node is replica for, in [0, 1].
  absl::StatusOr<double> Ownership(std::string_view keyspace, const NodeId& id) const;

 private:
  struct Place {
    data::Token token;
    NodeId node;
  };
  uint64_t epoch_ = 0;
  data::Schema::Ptr schema_;
  absl::btree_map<NodeId, NodeInfo> nodes_;
  std::vector<Place> ring_;  // by token; kNormal and kLeaving nodes
};

// How many copies, and on which nodes: a pure function of the ring. SimpleStrategy puts replicas on the next
// distinct nodes clockwise. kInvalid names an unknown class or a bad factor.
struct ReplicationStrategy {
  uint32_t factor = 1;
  static absl::StatusOr<ReplicationStrategy> Parse(const std::map<std::string, std::string>& replication);
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
