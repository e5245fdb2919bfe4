#include "coordinator/hints/repair_needs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

constexpr char kRanges[] = "tholos_repair_needed_ranges";

TEST(RepairNeedsTest, ADroppedHintMarksItsRangeOnceAndForGood) {
  TestCluster cluster({.coordinator = {.hints = {.target_bytes_max = 1}}});
  cluster.SetAlive({0, 1});
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(cluster.Write(0, PutRow("p", absl::StrCat("c", i), 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 5);
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
  EXPECT_EQ(cluster.Metric(1, kRanges), 0);
  cluster.PowerLoss(0);
  cluster.Boot(0);
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kQuorum).ok());
  EXPECT_EQ(cluster.Metric(0, kRanges), 1) << "the range was known";
}

std::vector<RepairNeed> Needs(TestCluster& cluster) {
  return cluster.coordinator(0).repair_needs().List();
}
absl::Status Clear(TestCluster& cluster, const RepairNeed& need) {
  return cluster.Run(0, [&] { return cluster.coordinator(0).repair_needs().Clear(need); });
}

TEST(RepairNeedsTest, ARangeThatWasRepairedIsForgottenForGood) {
  TestCluster cluster({.coordinator = {.hints = {.target_bytes_max = 1}}});
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  ASSERT_EQ(Needs(cluster).size(), 1u);
  const RepairNeed first = Needs(cluster)[0];
  EXPECT_EQ(first.node, TestCluster::Id(2));
  EXPECT_EQ(first.table, TestCluster::kTable);
  EXPECT_TRUE(first.range.Contains(data::TokenOf("p")));
  EXPECT_EQ(first.why, "there was no room for hints");
  EXPECT_GT(first.since_micros, 0);

  // More was dropped since it was listed.
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  EXPECT_TRUE(absl::IsAborted(Clear(cluster, first)));
  RepairNeed other = Needs(cluster)[0];
  EXPECT_EQ(other.since_micros, first.since_micros);
  other.range.start += 1;
  EXPECT_TRUE(absl::IsNotFound(Clear(cluster, other)));
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);

  // Nor does what was listed before a restart count: nobody knows what was dropped since.
  const RepairNeed before = Needs(cluster)[0];
  cluster.PowerLoss(0);
  cluster.Boot(0);
  ASSERT_EQ(Needs(cluster).size(), 1u);
  EXPECT_EQ(Needs(cluster)[0].why, before.why);
  EXPECT_EQ(Needs(cluster)[0].since_micros, before.since_micros);
  EXPECT_TRUE(absl::IsAborted(Clear(cluster, before)));

  EXPECT_TRUE(Clear(cluster, Needs(cluster)[0]).ok());
  EXPECT_EQ(cluster.Metric(0, kRanges), 0);
  cluster.PowerLoss(0);
  cluster.Boot(0);
  EXPECT_EQ(cluster.Metric(0, kRanges), 0);

  // It may be needed again.
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "e", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
  cluster.PowerLoss(0);
  cluster.Boot(0);
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
}

TEST(RepairNeedsTest, ADiskThatFailsLeavesTheNeed) {
  TestCluster cluster({.coordinator = {.hints = {.target_bytes_max = 1}}});
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  cluster.faults(0).apply_error = absl::InternalError("broken");
  EXPECT_FALSE(Clear(cluster, Needs(cluster)[0]).ok());
  cluster.faults(0) = {};
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
  EXPECT_TRUE(Clear(cluster, Needs(cluster)[0]).ok());
}

TEST(RepairNeedsTest, OtherRangesAreMarkedForThemselves) {
  TestCluster cluster(
      {.nodes = 4, .even_slices = true, .coordinator = {.hints = {.target_bytes_max = 1}}});
  cluster.SetAlive({0, 1, 2});
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(cluster.Write(0, PutRow(absl::StrCat("p", i), "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  const auto ranges = cluster.state()->Ranges(TestCluster::kKeyspace);
  ASSERT_TRUE(ranges.ok());
  const auto of_node_3 = std::count_if(ranges->begin(), ranges->end(), [](const auto& each) {
    return std::find(each.replicas.begin(), each.replicas.end(), TestCluster::Id(3)) !=
           each.replicas.end();
  });
  EXPECT_GT(of_node_3, 2);
  EXPECT_EQ(cluster.Metric(0, kRanges), of_node_3);
}

TEST(RepairNeedsTest, HintsThatAreTooOldMarkTheWholeNode) {
  TestCluster cluster(
      {.coordinator = {.hints = {.age_max = absl::Minutes(5), .file_time = absl::Minutes(1)}}});
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Minutes(10));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 1);
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
}

TEST(RepairNeedsTest, HintsOfANodeThatLeftAreDropped) {
  TestCluster cluster({.nodes = 4});
  cluster.SetAlive({0, 1});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(cluster.Write(0, PutRow(absl::StrCat("p", i), "c", 1, "v"), kAny).ok());
  }
  cluster.RunFor(absl::Seconds(1));
  ASSERT_GT(cluster.Metric(0, "tholos_hints_bytes"), 0);
  cluster.Remove(2);
  cluster.RunFor(absl::Minutes(4));
  EXPECT_EQ(cluster.Metric(0, kRanges), 0) << "it may only be unknown for a while";
  cluster.RunFor(absl::Minutes(2));
  EXPECT_EQ(cluster.Metric(0, kRanges), 1);
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 1) << "one file";
}

}  // namespace
}  // namespace tholos::coordinator
