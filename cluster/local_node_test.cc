#include "cluster/local_node.h"

#include <cstdio>
#include <optional>

#include "base/sim/sim_file_system.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "cluster/peers_file.h"
#include "cluster/schema_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cluster {
namespace {

using base::sim::TestWorld;
using testing::HasSubstr;

absl::StatusOr<LocalNode> Open(TestWorld& world, const std::string& cluster, int64_t seconds) {
  return world.Run(OpenLocalNode(world.node().files(), "/data", {cluster, "dc1", "rack1"},
                                 world.random(), seconds));
}

absl::Status Save(TestWorld& world, LocalNode node) {
  return world.Run(SaveLocalNode(world.node().files(), "/data", std::move(node)));
}

TEST(LocalNode, IsMadeOnceAndCountsItsLives) {
  TestWorld world;
  const auto first = Open(world, "c", 1000);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->generation, 1000);
  EXPECT_FALSE(first->id.IsNil());
  LocalNode with_tokens = *first;
  with_tokens.tokens = {-5, 0, 7};
  ASSERT_TRUE(Save(world, with_tokens).ok());
  world.PowerLossAndBoot();
  const auto second = Open(world, "c", 2000);
  EXPECT_EQ(second->id, first->id);
  EXPECT_EQ(second->tokens, with_tokens.tokens);
  EXPECT_EQ(second->generation, 2000);
  // The clock was set back; the second life in one second.
  EXPECT_EQ(Open(world, "c", 5)->generation, 2001);
  EXPECT_EQ(Open(world, "c", 2001)->generation, 2002);
}

TEST(LocalNode, StaysInItsDatacenterAndRackOnceItHasJoined) {
  TestWorld world;
  const auto open = [&](const std::string& datacenter, const std::string& rack) {
    return world.Run(OpenLocalNode(world.node().files(), "/data", {"c", datacenter, rack},
                                   world.random(), 1000));
  };
  ASSERT_TRUE(open("east", "r1").ok());
  auto node = open("west", "r2");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->place, (Place{"c", "west", "r2"}));
  node->tokens = {1};
  ASSERT_TRUE(Save(world, *node).ok());
  for (const auto& [datacenter, rack] :
       {std::pair("west", "r1"), std::pair("east", "r2"), std::pair("dc1", "rack1")}) {
    const absl::Status refused = open(datacenter, rack).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    for (const char* named : {"west", "r2", datacenter, rack})
      EXPECT_THAT(std::string(refused.message()), HasSubstr(named));
  }
  EXPECT_EQ(open("west", "r2")->id, node->id);
}

TEST(LocalNode, AFullDiskKeepsOnlyTheFirstStartBack) {
  TestWorld world;
  world.node().files().SetCapacity(0);
  EXPECT_EQ(Open(world, "c", 1000).status().code(), absl::StatusCode::kResourceExhausted);
  world.node().files().SetCapacity(1 << 20);
  const auto first = Open(world, "c", 1000);
  ASSERT_TRUE(first.ok()) << first.status();
  world.node().files().SetCapacity(0);
  const auto second = Open(world, "c", 2000);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->id, first->id);
  EXPECT_EQ(second->generation, 2000);
  // Without a later clock nothing but the file tells the lives apart.
  EXPECT_EQ(Open(world, "c", 5).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(LocalNode, AnotherClustersDirectoryIsRefusedWithBothNames) {
  TestWorld world;
  ASSERT_TRUE(Open(world, "mine", 1).ok());
  const absl::Status status = Open(world, "theirs", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), HasSubstr("\"mine\""));
  EXPECT_THAT(status.ToString(), HasSubstr("\"theirs\""));
}

TEST(LocalNode, ALostNodeMetaIsNotReplacedByAnotherId) {
  TestWorld world;
  ASSERT_TRUE(Open(world, "c", 1).ok());
  ASSERT_TRUE(world.Run(SavePeers(world.node().files(), "/data", {})).ok());
  ASSERT_TRUE(world.Run(world.node().files().Remove("/data/node.meta")).ok());
  const absl::Status status = Open(world, "c", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.ToString(), HasSubstr("peers.bin"));
}

// A first start, tokens, a second start: a power loss at every disk operation of it. Afterwards the
// node starts, with the id and tokens that had been returned, and a larger generation than any that
// had been returned.
TEST(LocalNode, SurvivesAPowerLossAtEveryOperation) {
  struct Seen {
    std::optional<LocalNode> opened;
    bool saved = false;
    bool ended = false;
  };
  const auto script = [](TestWorld* world, Seen* seen) -> base::Task<void> {
    base::FileSystem& fs = world->node().files();
    const Place place{"c", "dc1", "rack1"};
    auto node = co_await OpenLocalNode(fs, "/data", place, world->random(), 100);
    if (!node.ok()) co_return;
    seen->opened = *node;
    node->tokens = {1, 2, 3};
    seen->saved = (co_await SaveLocalNode(fs, "/data", *node)).ok();
    node = co_await OpenLocalNode(fs, "/data", place, world->random(), 100);
    if (node.ok()) seen->opened = *node;
    seen->ended = true;
  };
  int crashes = 0;
  for (uint64_t n = 1; n < 1000; ++n) {
    TestWorld world(n);
    auto seen = std::make_unique<Seen>();
    world.node().files().CrashAtOperation(n);
    world.node().Spawn(script(&world, seen.get()));
    world.RunFor(absl::Seconds(1));
    if (seen->ended) break;
    ++crashes;
    world.node().files().CancelCrash();
    world.PowerLossAndBoot();
    const auto again = Open(world, "c", 50);
    ASSERT_TRUE(again.ok()) << "operation " << n << ": " << again.status();
    if (seen->opened.has_value()) {
      EXPECT_EQ(again->id, seen->opened->id) << n;
      EXPECT_GT(again->generation, seen->opened->generation) << n;
    }
    if (seen->saved) EXPECT_EQ(again->tokens.size(), 3u) << n;
  }
  EXPECT_GT(crashes, 10);
}

TEST(PeersFile, ComesBackAsItWas) {
  TestWorld world;
  base::FileSystem& fs = world.node().files();
  ASSERT_TRUE(world.Run(fs.MakeDirectories("/data")).ok());
  EXPECT_TRUE(world.Run(LoadPeers(fs, "/data"))->empty());
  Peers peers;
  peers[ring::NodeId{{1}}] = {{gossip::StateKey::kInternode, "a:1"}, {gossip::StateKey{77}, "x"}};
  peers[ring::NodeId{{2}}] = {};
  ASSERT_TRUE(world.Run(SavePeers(fs, "/data", peers)).ok());
  EXPECT_EQ(*world.Run(LoadPeers(fs, "/data")), peers);
  const std::string body = EncodePeers(peers);
  for (size_t cut = 0; cut < body.size(); ++cut) {
    EXPECT_FALSE(DecodePeers(body.substr(0, cut)).ok()) << cut;
  }
}

TEST(SchemaStore, ComesBackAndDamageIsFound) {
  TestWorld world;
  base::FileSystem& fs = world.node().files();
  ASSERT_TRUE(world.Run(fs.MakeDirectories("/data")).ok());
  EXPECT_EQ((*world.Run(LoadSchema(fs, "/data")))->digest(), data::Schema().digest());
  const auto schema = std::make_shared<const data::Schema>(*data::Schema().WithKeyspace(
      {"ks", {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}}, 5));
  ASSERT_TRUE(world.Run(SaveSchema(fs, "/data", schema)).ok());
  EXPECT_EQ((*world.Run(LoadSchema(fs, "/data")))->digest(), schema->digest());
}

// Every bit of the three files in turn, as often as there are seeds.
TEST(NodeFiles, EveryFlippedBitIsFoundAndNamed) {
  TestWorld world;
  base::sim::SimFileSystem& fs = world.node().files();
  ASSERT_TRUE(Open(world, "c", 1).ok());
  Peers peers;
  for (uint8_t n = 1; n < 8; ++n) {
    peers[ring::NodeId{{n}}] = {
        {gossip::StateKey::kInternode, base::StrCat("10.0.0.", n, ":7000")},
        {gossip::StateKey::kTokens, std::string(128, static_cast<char>(n))}};
  }
  ASSERT_TRUE(world.Run(SavePeers(fs, "/data", peers)).ok());
  const auto schema = std::make_shared<const data::Schema>(*data::Schema().WithKeyspace(
      {"ks", {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}}, 5));
  ASSERT_TRUE(world.Run(SaveSchema(fs, "/data", schema)).ok());

  const auto status_of = [&](const std::string& path) {
    if (path.ends_with("node.meta")) return Open(world, "c", 2).status();
    if (path.ends_with("peers.bin")) return world.Run(LoadPeers(fs, "/data")).status();
    return world.Run(LoadSchema(fs, "/data")).status();
  };
  const uint64_t times = base::sim::SeedCountFromEnvironment(1);
  for (const std::string& path :
       std::vector<std::string>{"/data/node.meta", "/data/peers.bin", "/data/schema.bin"}) {
    const size_t size = fs.Peek(path)->size();
    for (uint64_t i = 0; i < times * size * 8; ++i) {
      const size_t offset = i / 8 % size;
      const int bit = static_cast<int>(i % 8);
      ASSERT_TRUE(fs.FlipBit(path, offset, bit));
      const absl::Status status = status_of(path);
      ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << path << " byte " << offset;
      ASSERT_THAT(status.ToString(), HasSubstr(path));
      ASSERT_TRUE(fs.FlipBit(path, offset, bit));
    }
    EXPECT_TRUE(status_of(path).ok());
    std::printf("flips\t%s\t%llu\t0\n", path.c_str() + 6,
                static_cast<unsigned long long>(times * size * 8));
  }
}

}  // namespace
}  // namespace tholos::cluster
