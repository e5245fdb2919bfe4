#include "coordinator/repair/range_repair.h"

#include <gtest/gtest.h>

#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

absl::StatusOr<RangeRepairStep> Step(TestCluster& cluster, RangeRepair repair) {
  repair.table = TestCluster::kTable;
  return cluster.Run(0, [&] {
    const base::Clock& clock = cluster.sim_node(0).clock();
    return RepairSome(cluster.coordinator(0), cluster.state(), clock, repair,
                      clock.Now() + absl::Seconds(8));
  });
}

// To the end; how many steps, and their sum.
int Repair(TestCluster& cluster, RangeRepair repair, RangeRepairStep* sum) {
  int steps = 0;
  do {
    const auto step = Step(cluster, repair);
    EXPECT_TRUE(step.ok()) << step.status();
    if (!step.ok()) return -1;
    sum->partitions += step->partitions;
    sum->rows += step->rows;
    sum->repaired += step->repaired;
    repair.cursor = step->cursor;
    ++steps;
  } while (!repair.cursor.empty());
  return steps;
}

TEST(RepairCursorTest, GoesThroughBytes) {
  for (const RepairCursor& cursor :
       {RepairCursor{5, std::nullopt},
        RepairCursor{-7, data::Position{data::DecoratedKey::Of("key"), std::nullopt}},
        RepairCursor{0, data::Position{data::DecoratedKey::Of("key"), "c"}}}) {
    const std::string bytes = EncodeRepairCursor(cursor);
    EXPECT_EQ(DecodeRepairCursor(bytes).value(), cursor);
    if (cursor.after.has_value())
      EXPECT_FALSE(DecodeRepairCursor(bytes.substr(0, bytes.size() - 1)).ok());
    EXPECT_FALSE(DecodeRepairCursor(bytes + "\xff").ok());
  }
  EXPECT_EQ(DecodeRepairCursor("").value(), RepairCursor());
  EXPECT_FALSE(DecodeRepairCursor("short").ok());
}

class RangeRepairTest : public testing::TestWithParam<const char*> {};

// Whatever the table says of its reads.
TEST_P(RangeRepairTest, EveryReplicaHasEverythingAfterwards) {
  TestCluster cluster(
      {.nodes = 4, .even_slices = true, .table_options = {{"read_repair", GetParam()}}});
  // Each partition on one of its replicas alone; one of them is deleted on another.
  std::vector<std::vector<int>> owners;
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat("p", i);
    std::vector<int> nodes;
    const auto replicas = cluster.state()->ReplicasOf(TestCluster::kKeyspace, data::TokenOf(key));
    for (const ring::NodeId& id : *replicas) nodes.push_back(id.bytes[15] - 1);
    cluster.Apply(nodes[static_cast<size_t>(i) % 3], PutRow(key, "c", 10, "v"));
    owners.push_back(std::move(nodes));
  }
  cluster.Apply(owners[7][(7 + 1) % 3], DeleteRow("p7", "c", 20));
  RangeRepairStep sum;
  Repair(cluster, {}, &sum);
  EXPECT_EQ(sum.partitions, 59u);
  EXPECT_EQ(sum.rows, 59u);
  EXPECT_EQ(sum.repaired, 60u * 2) << "two replicas lacked each";
  for (int i = 0; i < 60; ++i) {
    for (const int node : owners[static_cast<size_t>(i)])
      EXPECT_EQ(cluster.HasRow(node, absl::StrCat("p", i), "c"), i != 7) << i << " on " << node;
  }
  RangeRepairStep again;
  Repair(cluster, {}, &again);
  EXPECT_EQ(again.repaired, 0u);
  EXPECT_EQ(again.rows, 59u);
}

INSTANTIATE_TEST_SUITE_P(ReadRepair, RangeRepairTest, testing::Values("BLOCKING", "NONE"));

TEST(RangeRepairStepsTest, StepsAreBoundedAndGoOn) {
  TestCluster cluster;
  const std::string value(100 << 10, 'x');
  for (int i = 0; i < 40; ++i) {
    cluster.Apply(0, PutRow(absl::StrCat("p", i % 4), absl::StrCat("c", 10 + i), 10, value));
  }
  RangeRepairStep sum;
  EXPECT_GE(Repair(cluster, {}, &sum), 3) << "4 MiB, of which a step reads about one";
  EXPECT_EQ(sum.rows, 40u);
  for (int i = 0; i < 40; ++i)
    EXPECT_TRUE(cluster.HasRow(2, absl::StrCat("p", i % 4), absl::StrCat("c", 10 + i))) << i;
}

TEST(RangeRepairStepsTest, OnlyTheRangeAndTheRangesOfTheNode) {
  TestCluster cluster({.nodes = 4, .even_slices = true});
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat("p", i);
    const auto replicas = cluster.state()->ReplicasOf(TestCluster::kKeyspace, data::TokenOf(key));
    cluster.Apply(replicas->at(0).bytes[15] - 1, PutRow(key, "c", 10, "v"));
  }
  RangeRepairStep part;
  Repair(cluster, {.range = {0, data::kMinToken}}, &part);
  uint64_t of_node_3 = 0, in_range = 0;
  for (int i = 0; i < 60; ++i) {
    const data::Token token = data::TokenOf(absl::StrCat("p", i));
    const auto replicas = cluster.state()->ReplicasOf(TestCluster::kKeyspace, token);
    of_node_3 +=
        std::find(replicas->begin(), replicas->end(), TestCluster::Id(3)) != replicas->end();
    in_range += token > 0;
  }
  EXPECT_EQ(part.rows, in_range);
  EXPECT_GT(in_range, 10u);
  RangeRepairStep node;
  Repair(cluster, {.node = TestCluster::Id(3)}, &node);
  EXPECT_EQ(node.rows, of_node_3);
  EXPECT_LT(of_node_3, 60u);
}

TEST(RangeRepairStepsTest, AReplicaThatIsDownIsNamedAndACursorThatIsNoneRefused) {
  TestCluster cluster;
  cluster.SetAlive({0, 1});
  EXPECT_TRUE(absl::IsUnavailable(Step(cluster, {}).status()));
  cluster.SetAlive({0, 1, 2});
  EXPECT_TRUE(absl::IsInvalidArgument(Step(cluster, {.cursor = "nonsense that is long"}).status()));
}

}  // namespace
}  // namespace tholos::coordinator
