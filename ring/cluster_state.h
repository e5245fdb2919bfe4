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
// (SimpleStrategy; for datacenters and racks see placement.h.)
//
// While nodes join or leave, some ranges have *pending* replicas: the nodes that will keep them
// once the change is complete, and do not yet. A node that joins owns nothing until it is kNormal;
// a node that leaves owns its ranges until it is gone. Writes go to pending replicas as well, and
// count them on top of what the level requires; reads do not ask them.
//
//   pending(token) = replicas(ring with the joining, without the leaving) - replicas(ring as it is)
//
// Make works the replicas of every token range out once per strategy in the schema, so that a
// request pays one binary search. With 16 tokens a node and three replicas that is 1 KiB a node and
// strategy.
#pragma once

#include <atomic>
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
#include "data/key.h"
#include "data/read.h"
#include "data/schema/schema.h"
#include "ring/placement.h"
#include "ring/strategy.h"

namespace tholos::ring {

enum class NodeStatus : uint8_t { kJoining = 1, kNormal = 2, kLeaving = 3 };
std::string_view NodeStatusName(NodeStatus status);  // "JOINING", ...

struct NodeInfo {
  NodeId id;
  base::Endpoint internode;
  base::Endpoint client;  // the gRPC door
  base::Endpoint native;  // the door of Cassandra's drivers
  std::string datacenter;
  std::string rack;
  NodeStatus status = NodeStatus::kNormal;
  std::vector<data::Token> tokens;  // sorted
  // What is so for the moment, and no part of equality:
  bool serving = false;        // both doors are open
  uint64_t schema_digest = 0;  // data::Schema::digest() of the schema it has; 0: not known

  friend bool operator==(const NodeInfo& a, const NodeInfo& b) {
    return a.id == b.id && a.internode == b.internode && a.client == b.client &&
           a.native == b.native && a.datacenter == b.datacenter && a.rack == b.rack &&
           a.status == b.status && a.tokens == b.tokens;
  }
  bool SameMoment(const NodeInfo& other) const {
    return serving == other.serving && schema_digest == other.schema_digest;
  }
};

// Datacenters are numbered in a ClusterState, by name; kNoDatacenter is of a node that is not
// known.
using DatacenterId = uint16_t;
inline constexpr DatacenterId kNoDatacenter = 0xFFFF;

// Who keeps a token's data, and where they stand.
struct TokenReplicas {
  ReplicaSet natural;  // may be fewer than the factor: the cluster is small
  ReplicaSet pending;
  // Of the natural and then the pending ones.
  std::vector<DatacenterId> datacenters;
  friend bool operator==(const TokenReplicas&, const TokenReplicas&) = default;
};

// A part of the token space that the same nodes keep. Their order is that of the range's first
// token: within the range the primary may change.
struct RangeReplicas {
  data::TokenRange range;
  ReplicaSet replicas;
  ReplicaSet pending = {};
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
  // With those that are pending.
  absl::StatusOr<const TokenReplicas*> FindTokenReplicas(std::string_view keyspace,
                                                         data::Token token) const;
  // The replication factor that consistency levels count with.
  absl::StatusOr<uint32_t> ReplicationFactor(std::string_view keyspace) const;
  // Valid as long as this snapshot.
  absl::StatusOr<const ReplicationStrategy*> StrategyOf(std::string_view keyspace) const;

  // The names of all nodes' datacenters, sorted: a DatacenterId is an index into them.
  const std::vector<std::string>& datacenters() const { return datacenters_; }
  DatacenterId DatacenterOf(const NodeId& id) const;
  // The whole ring in token order, cut where the set of replicas changes. Ranges do not wrap
  // around: the first begins and the last ends at kMinToken.
  absl::StatusOr<std::vector<RangeReplicas>> Ranges(std::string_view keyspace) const;
  // The share of the token space that a node is replica for, in [0, 1].
  absl::StatusOr<double> Ownership(std::string_view keyspace, const NodeId& id) const;

 private:
  // A strategy, and the replicas under it.
  struct StrategyReplicas {
    ReplicationStrategy strategy;
    // Of the range that ends at tokens_[i]; one empty entry if there are no tokens.
    std::vector<TokenReplicas> by_token;
  };
  using StrategyReplicasPtr = std::shared_ptr<const StrategyReplicas>;

  enum class Ring { kPresent, kFuture };
  void NumberDatacenters();
  std::vector<RingToken> MakeRing(Ring which) const;
  void MakeTokens();
  StrategyReplicasPtr MakeReplicas(const ReplicationStrategy& strategy) const;
  void MakeStrategies();
  size_t IndexOf(data::Token token) const;
  absl::StatusOr<const StrategyReplicas*> Find(std::string_view keyspace) const;

  uint64_t epoch_ = 0;
  data::Schema::Ptr schema_;
  absl::btree_map<NodeId, NodeInfo> nodes_;
  absl::btree_map<base::Endpoint, NodeId> by_internode_;
  std::vector<std::string> datacenters_;
  absl::btree_map<NodeId, DatacenterId> datacenter_of_;
  std::vector<RingToken> present_;   // kNormal and kLeaving nodes
  std::vector<RingToken> future_;    // kNormal and kJoining nodes
  std::vector<data::Token> tokens_;  // of both
  absl::btree_map<std::string, absl::StatusOr<StrategyReplicasPtr>> strategies_;  // by keyspace
};

// Where the current snapshot is found. Thread-safe.
class ClusterStateHolder {
 public:
  ClusterStateHolder() : current_(ClusterState::Empty()) {}
  ClusterState::Ptr Get() const;
  void Set(ClusterState::Ptr next);
  // Grows with every Set.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable absl::Mutex mutex_;
  ClusterState::Ptr current_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> version_ = 1;
};

// A holder's snapshot without its lock: taken again only after a Set. Confined to one thread.
class ClusterStateCache {
 public:
  explicit ClusterStateCache(const ClusterStateHolder& holder) : holder_(holder) {}
  // Valid until the next call.
  const ClusterState::Ptr& Get() {
    if (const uint64_t version = holder_.version(); version != version_) {
      version_ = version;
      current_ = holder_.Get();
    }
    return current_;
  }

 private:
  const ClusterStateHolder& holder_;
  uint64_t version_ = 0;
  ClusterState::Ptr current_;
};

}  // namespace tholos::ring
