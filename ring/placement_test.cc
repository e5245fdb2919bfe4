#include "ring/placement.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::ring {
namespace {

NodeId Id(char name) {
  NodeId id;
  id.bytes[15] = static_cast<uint8_t>(name);
  return id;
}

std::string Names(const ReplicaSet& replicas) {
  std::string names;
  for (const NodeId& id : replicas) names.push_back(static_cast<char>(id.bytes[15]));
  return names;
}

// "a11 b12 c21": the ring in token order, each a node, its datacenter and its rack.
std::vector<RingToken> Ring(const std::string& text) {
  std::vector<RingToken> ring;
  for (size_t i = 0; i + 2 < text.size(); i += 4) {
    const auto datacenter = static_cast<uint16_t>(text[i + 1] - '1');
    const auto rack = static_cast<uint16_t>(datacenter * 10 + text[i + 2] - '1');
    ring.push_back({static_cast<data::Token>(i), Id(text[i]), datacenter, rack});
  }
  return ring;
}

ReplicationStrategy Topology(uint32_t first, uint32_t second) {
  ReplicationStrategy strategy{.kind = ReplicationStrategy::Kind::kNetworkTopology,
                               .factor = first + second};
  if (first > 0) strategy.by_datacenter["dc1"] = first;
  if (second > 0) strategy.by_datacenter["dc2"] = second;
  return strategy;
}

const std::vector<std::string> kDatacenters = {"dc1", "dc2"};

struct Row {
  const char* name;
  const char* ring;
  uint32_t first, second;  // copies in the datacenters 1 and 2
  const char* replicas;    // from the first token on
};

constexpr Row kRows[] = {
    {"the header: three racks", "a11 b11 c12 d11 e13", 3, 0, "ace"},
    {"the header: one repetition is free", "a11 b11 c12 d11 e12", 3, 0, "abc"},
    {"one rack is as none", "a11 b11 c11 d11", 3, 0, "abc"},
    {"fewer nodes than copies", "a11 b12", 3, 0, "ab"},
    {"a rack with one node is no reason to wait for it twice", "a11 b11 c11 d12", 2, 0, "ad"},
    {"virtual nodes", "a11 a11 b11 a11 c12 b11", 2, 0, "ac"},
    {"two datacenters side by side", "a11 x21 b12 y22 c13 z23", 2, 2, "axby"},
    {"each datacenter for itself", "a11 b11 x21 c12 y21 z22", 2, 2, "axcz"},
    {"a datacenter without a factor", "a11 x21 b12 y22", 2, 0, "ab"},
    {"racks are those of their datacenter", "a11 x21 y21 b11", 1, 2, "axy"},
    {"more copies in the smaller one", "a11 x21 b12 y22 c13", 3, 1, "axbc"},
};

TEST(PlacementTest, Table) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const auto ring = Ring(row.ring);
    const Placement placement(Topology(row.first, row.second), ring, kDatacenters);
    EXPECT_EQ(Names(placement.From(0)), row.replicas);
  }
}

TEST(PlacementTest, SimpleKnowsNoRacks) {
  const auto ring = Ring("a11 a11 b11 x21 c12");
  const Placement placement({.factor = 3}, ring, kDatacenters);
  EXPECT_EQ(Names(placement.From(0)), "abx");
  EXPECT_EQ(Names(placement.From(3)), "xca");
}

// What must hold of any ring: in each datacenter the wanted number of distinct nodes, over as many
// racks as there can be, and the order of the walk.
TEST(PlacementTest, HoldsForRandomRings) {
  base::RandomStream random(1);
  for (int run = 0; run < 2000; ++run) {
    std::map<char, std::pair<uint16_t, uint16_t>> places;
    const int nodes = static_cast<int>(random.Between(1, 12));
    for (int i = 0; i < nodes; ++i) {
      const auto datacenter = static_cast<uint16_t>(random.Below(2));
      places[static_cast<char>('a' + i)] = {
          datacenter, static_cast<uint16_t>(datacenter * 10 + random.Below(4))};
    }
    std::vector<RingToken> ring;
    for (const auto& [name, place] : places)
      ring.push_back({0, Id(name), place.first, place.second});
    for (int i = 0; i < 20; ++i) ring.push_back(ring[random.Below(ring.size())]);
    for (size_t i = ring.size() - 1; i > 0; --i) std::swap(ring[i], ring[random.Below(i + 1)]);

    const uint32_t factors[2] = {static_cast<uint32_t>(random.Below(5)),
                                 static_cast<uint32_t>(random.Below(5))};
    const Placement placement(Topology(factors[0], factors[1]), ring, kDatacenters);
    for (size_t start = 0; start < ring.size(); ++start) {
      const std::string replicas = Names(placement.From(start));
      EXPECT_EQ(std::set<char>(replicas.begin(), replicas.end()).size(), replicas.size());
      for (uint16_t datacenter = 0; datacenter < 2; ++datacenter) {
        std::set<uint16_t> racks, racks_used;
        size_t members = 0, used = 0;
        for (const auto& [name, place] : places) {
          if (place.first != datacenter) continue;
          ++members;
          racks.insert(place.second);
          if (replicas.find(name) == std::string::npos) continue;
          ++used;
          racks_used.insert(place.second);
        }
        EXPECT_EQ(used, std::min<size_t>(factors[datacenter], members));
        // A free repetition may be taken before a rack was seen: then that rack goes without.
        const size_t possible = std::min<size_t>(racks.size(), used);
        const size_t free =
            factors[datacenter] - std::min<size_t>(factors[datacenter], racks.size());
        EXPECT_GE(racks_used.size() + free, possible);
        if (free == 0) EXPECT_EQ(racks_used.size(), possible);
      }
      EXPECT_EQ(replicas.empty(), placement.From(start).empty());
    }
  }
}

}  // namespace
}  // namespace tholos::ring
