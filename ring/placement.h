// Placement: which nodes keep the data of a token, under one strategy. Pure.
//
// SimpleStrategy: the owners of the next tokens clockwise, each node once.
//
// NetworkTopologyStrategy: the same walk, filled for each datacenter by itself. There a node is
// taken if its rack has no replica yet; and a node of a rack that has one only as often as there
// are more copies than racks. With three copies in a datacenter:
//
//   racks r1 r2 r3:   ──a(r1)──b(r1)──c(r2)──d(r1)──e(r3)──   -> a, c, e: b and d repeat a rack
//   racks r1 r2:      ──a(r1)──b(r1)──c(r2)──d(r1)──e(r2)──   -> a, b, c: one repetition is free
//
// These are Cassandra's rules (since 3.0), so that a token has the same replicas in the same order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "data/key.h"
#include "ring/strategy.h"

namespace tholos::ring {

using NodeId = base::Uuid;

// The nodes that keep a token's data, in ring order from the token on: the first is the primary.
using ReplicaSet = std::vector<NodeId>;

// A token of a node that takes part in the placement.
struct RingToken {
  data::Token token = 0;
  NodeId node;
  uint16_t datacenter = 0;  // numbered from 0
  uint16_t rack = 0;        // numbered within all racks of all datacenters
};

class Placement {
 public:
  // `ring`: by token, one entry a token. `datacenters`: the names behind the numbers.
  Placement(const ReplicationStrategy& strategy, const std::vector<RingToken>& ring,
            const std::vector<std::string>& datacenters);

  // The replicas of the tokens that end at ring[start], from there on clockwise.
  ReplicaSet From(size_t start) const;

 private:
  struct Datacenter {
    uint32_t copies = 0;            // wanted, and possible
    uint32_t repetitions_free = 0;  // of racks
  };

  ReplicaSet SimpleFrom(size_t start) const;
  ReplicaSet TopologyFrom(size_t start) const;

  const ReplicationStrategy::Kind kind_;
  const std::vector<RingToken>& ring_;
  uint32_t copies_ = 0;                  // in all
  std::vector<Datacenter> datacenters_;  // NetworkTopologyStrategy
};

}  // namespace tholos::ring
