#include "client/topology.h"

#include "client/cluster.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

namespace pb = ::tholos::v1;

pb::Topology Message() {
  pb::Topology message;
  message.set_version("1");
  message.set_host_id("B");
  for (const char* id : {"A", "B", "C"}) {
    pb::TopologyNode* node = message.add_nodes();
    node->set_host_id(id);
    node->set_address(std::string(id) + ":1");
    node->set_datacenter(id[0] == 'C' ? "far" : "near");
    node->set_up(true);
  }
  pb::Placement* placement = message.add_placements();
  for (const int64_t last : {int64_t{-10}, int64_t{10}, INT64_MAX}) {
    placement->add_last_tokens(last);
    placement->add_replicas()->add_nodes(static_cast<uint32_t>(placement->replicas_size() - 1));
  }
  pb::KeyspacePlacement* keyspace = message.add_keyspaces();
  keyspace->set_keyspace("ks");
  keyspace->set_placement(0);
  return message;
}

TEST(Topologies, FindTheReplicasOfATokenAndEndsBelongToTheirRange) {
  const auto topology = Topology::From(Message());
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_EQ(topology->datacenter(), "near");
  const struct {
    int64_t token;
    uint32_t node;
  } cases[] = {{INT64_MIN, 0}, {-10, 0}, {-9, 1}, {10, 1}, {11, 2}, {INT64_MAX, 2}};
  for (const auto& each : cases)
    EXPECT_EQ(topology->ReplicasOf("ks", each.token), std::vector<uint32_t>{each.node});
  EXPECT_TRUE(topology->ReplicasOf("other", 0).empty());
}

TEST(Topologies, ThatContradictThemselvesAreRefused) {
  pb::Topology none;
  EXPECT_FALSE(Topology::From(none).ok());
  pb::Topology unsorted = Message();
  unsorted.mutable_placements(0)->set_last_tokens(0, 100);
  EXPECT_FALSE(Topology::From(unsorted).ok());
  pb::Topology uneven = Message();
  uneven.mutable_placements(0)->add_replicas();
  EXPECT_FALSE(Topology::From(uneven).ok());
  pb::Topology unknown_node = Message();
  unknown_node.mutable_placements(0)->mutable_replicas(0)->add_nodes(3);
  EXPECT_FALSE(Topology::From(unknown_node).ok());
  pb::Topology unknown_placement = Message();
  unknown_placement.mutable_keyspaces(0)->set_placement(1);
  EXPECT_FALSE(Topology::From(unknown_placement).ok());
}

TEST(Choices, PreferLocalReplicasWithFewCalls) {
  const Candidate down{.usable = true, .up = false, .local = true, .replica = true};
  const Candidate far_replica{.usable = true, .up = true, .replica = true};
  const Candidate local{.usable = true, .up = true, .local = true, .open = 100};
  const Candidate busy{.usable = true, .up = true, .local = true, .replica = true, .open = 7};
  const Candidate idle{.usable = true, .up = true, .local = true, .replica = true, .open = 6};
  const Candidate out{.usable = false, .up = true, .local = true, .replica = true};
  const std::vector<Candidate> from_worst = {down, far_replica, local, busy, idle};
  for (size_t count = 1; count <= from_worst.size(); ++count) {
    std::vector<Candidate> candidates(from_worst.begin(), from_worst.begin() + count);
    candidates.push_back(out);
    for (uint64_t turn = 0; turn < 10; ++turn)
      EXPECT_EQ(Choose(candidates, turn), count - 1) << turn;
  }
  EXPECT_EQ(Choose({out, out}, 0), std::nullopt);
  EXPECT_EQ(Choose({}, 5), std::nullopt);
}

TEST(Choices, TakeTurnsAmongEquals) {
  const Candidate local{.usable = true, .up = true, .local = true};
  for (size_t turn = 0; turn < 6; ++turn) EXPECT_EQ(Choose({local, local, local}, turn), turn % 3);
}

}  // namespace
}  // namespace tholos::client
