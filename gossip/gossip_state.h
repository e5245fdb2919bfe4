// GossipState: what a node knows of all nodes, and the pure steps of gossip on it. The driver
// (gossiper.h) adds time and messages.
//
// Not thread-safe. Nodes are never forgotten: there are at most kEndpointsMax, and what is received
// about further ones is ignored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "gossip/endpoint_state.h"
#include "gossip/message.h"

namespace tholos::gossip {

// What one applied delta brought.
struct StateChange {
  enum class Kind : uint8_t {
    kNew,           // a node heard of for the first time
    kRestarted,     // a known node with a newer generation: all its values are replaced
    kBeat,          // its heartbeat advanced; `keys` may have changed too
    kOwnIdClaimed,  // somebody else has this node's id: newer state under it than this node made
  };
  NodeId id;
  Kind kind = Kind::kBeat;
  std::vector<StateKey> keys;  // whose values changed
  friend bool operator==(const StateChange&, const StateChange&) = default;
};

class GossipState {
 public:
  // `generation` must be larger than in any earlier life of this node (cluster/local_node.h).
  GossipState(NodeId self, int64_t generation);

  const NodeId& self() const { return self_; }
  const EndpointState& own() const { return endpoints_.at(self_); }
  // By id, own state included.
  const absl::btree_map<NodeId, EndpointState>& endpoints() const { return endpoints_; }
  const EndpointState* Find(const NodeId& id) const;

  // This node's own part. Setting an equal value changes nothing.
  void Beat();
  void SetOwn(StateKey key, std::string value);
  // A node known from an earlier life: it is not gossiped about, and anything heard of it replaces
  // it.
  void Remember(const NodeId& id, const absl::btree_map<StateKey, std::string>& values);

  // For a Syn: how much is known of every node.
  std::vector<Digest> Digests() const;
  // For an Ack (but for its sender): what the sender of `digests` lacks (nodes that it did not list included), and what
  // it has more of.
  Ack Examine(const std::vector<Digest>& digests) const;
  // For an Ack2: what was requested. Nodes that are not known are left out.
  std::vector<Delta> DeltasFor(const std::vector<Digest>& requests) const;
  // This node's whole own state.
  Delta OwnDelta() const { return DeltaSince(self_, own(), 0); }

  // Takes what is newer; what was old, out of bounds or based on more than is known here is left
  // out. Idempotent, and deltas may come in any order: what is left out is asked for again in a
  // later round.
  std::vector<StateChange> Apply(const std::vector<Delta>& deltas);

 private:
  static Delta DeltaSince(const NodeId& id, const EndpointState& state, uint64_t version);
  // Nothing new, or a change.
  bool ApplyOne(const Delta& delta, StateChange* change);
  bool Replace(const Delta& delta, StateChange* change);
  bool Advance(const Delta& delta, EndpointState* state, StateChange* change);

  const NodeId self_;
  uint64_t next_version_ = 1;
  absl::btree_map<NodeId, EndpointState> endpoints_;
};

}  // namespace tholos::gossip
