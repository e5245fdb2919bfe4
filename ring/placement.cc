#include "ring/placement.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace tholos::ring {
namespace {

bool Contains(const ReplicaSet& replicas, const NodeId& node) {
  return std::find(replicas.begin(), replicas.end(), node) != replicas.end();
}

}  // namespace

Placement::Placement(const ReplicationStrategy& strategy, const std::vector<RingToken>& ring,
                     const std::vector<std::string>& datacenters)
    : kind_(strategy.kind), ring_(ring) {
  if (kind_ == ReplicationStrategy::Kind::kSimple) {
    absl::btree_set<NodeId> nodes;
    for (const RingToken& place : ring) nodes.insert(place.node);
    copies_ = std::min<uint32_t>(strategy.factor, static_cast<uint32_t>(nodes.size()));
    return;
  }
  std::vector<absl::btree_set<NodeId>> nodes(datacenters.size());
  std::vector<absl::btree_set<uint16_t>> racks(datacenters.size());
  for (const RingToken& place : ring) {
    nodes[place.datacenter].insert(place.node);
    racks[place.datacenter].insert(place.rack);
  }
  datacenters_.resize(datacenters.size());
  for (size_t i = 0; i < datacenters.size(); ++i) {
    const uint32_t factor = strategy.FactorIn(datacenters[i]);
    const auto rack_count = static_cast<uint32_t>(racks[i].size());
    datacenters_[i].copies = std::min<uint32_t>(factor, static_cast<uint32_t>(nodes[i].size()));
    datacenters_[i].repetitions_free = factor > rack_count ? factor - rack_count : 0;
    copies_ += datacenters_[i].copies;
  }
}

ReplicaSet Placement::From(size_t start) const {
  return kind_ == ReplicationStrategy::Kind::kSimple ? SimpleFrom(start) : TopologyFrom(start);
}

ReplicaSet Placement::SimpleFrom(size_t start) const {
  ReplicaSet replicas;
  replicas.reserve(copies_);
  for (size_t i = start; replicas.size() < copies_; i = i + 1 == ring_.size() ? 0 : i + 1) {
    if (!Contains(replicas, ring_[i].node)) replicas.push_back(ring_[i].node);
  }
  return replicas;
}

// Ends after one round: nodes of a rack that was repeated too early are passed over for good.
ReplicaSet Placement::TopologyFrom(size_t start) const {
  ReplicaSet replicas;
  replicas.reserve(copies_);
  std::vector<Datacenter> left = datacenters_;
  std::vector<uint16_t> racks_taken;
  for (size_t step = 0; step < ring_.size() && replicas.size() < copies_; ++step) {
    const RingToken& place = ring_[(start + step) % ring_.size()];
    Datacenter& datacenter = left[place.datacenter];
    if (datacenter.copies == 0 || Contains(replicas, place.node)) continue;
    if (std::find(racks_taken.begin(), racks_taken.end(), place.rack) != racks_taken.end()) {
      if (datacenter.repetitions_free == 0) continue;
      --datacenter.repetitions_free;
    } else {
      racks_taken.push_back(place.rack);
    }
    --datacenter.copies;
    replicas.push_back(place.node);
  }
  return replicas;
}

}  // namespace tholos::ring
