#include "coordinator/write/forward.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

TestClusterOptions TwoDatacenters() {
  TestClusterOptions options;
  options.nodes = 6;
  options.datacenters = {"dc1", "dc1", "dc1", "dc2", "dc2", "dc2"};
  options.replication = {{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}, {"dc2", "3"}};
  return options;
}

TEST(ForwardTest, EveryReplicaGetsTheWriteAndCounts) {
  for (const ConsistencyLevel level : {kAll, kEachQuorum, kLocalQuorum, kQuorum}) {
    TestCluster cluster(TwoDatacenters());
    EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), level).ok()) << ConsistencyName(level);
    cluster.RunFor(absl::Milliseconds(100));
    for (int node = 0; node < 6; ++node) EXPECT_TRUE(cluster.HasRow(node, "p", "c")) << node;
    EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 0);
    for (int node = 0; node < 6; ++node)
      EXPECT_TRUE(cluster.Read(node, ReadAll("p"), kEachQuorum).ok());
  }
}

// A cut between the coordinator and all but the relay does not matter: it is one copy that crosses.
TEST(ForwardTest, OneCopyCrosses) {
  TestCluster cluster(TwoDatacenters());
  cluster.network().Cut("n0", "n4");
  cluster.network().Cut("n0", "n5");
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
}

TEST(ForwardTest, WithoutTheRelayTheOthersAreWrittenDirectly) {
  TestCluster cluster(TwoDatacenters());
  cluster.Kill(3);
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kEachQuorum).ok());
  cluster.RunFor(absl::Seconds(3));
  EXPECT_TRUE(cluster.HasRow(4, "p", "c"));
  EXPECT_TRUE(cluster.HasRow(5, "p", "c"));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 1);
}

// What is sent to it is lost; it is believed alive.
TEST(ForwardTest, ASilentRelayDelaysFewWrites) {
  TestCluster cluster(TwoDatacenters());
  cluster.network().Cut("n0", "n3");
  const auto took = [&](const char* clustering) {
    const base::MonotonicTime start = cluster.simulation().now();
    EXPECT_TRUE(
        cluster.Write(0, PutRow("p", clustering, 1, "v"), kEachQuorum, absl::Seconds(10)).ok());
    return cluster.simulation().now() - start;
  };
  EXPECT_LT(took("c"), absl::Milliseconds(1100));
  for (const char* clustering : {"d", "e", "f"})
    EXPECT_LT(took(clustering), absl::Milliseconds(50));
  cluster.network().HealAll();
  cluster.RunFor(absl::Seconds(30));
  for (const char* clustering : {"c", "d", "e", "f"})
    EXPECT_TRUE(cluster.HasRow(3, "p", clustering)) << "by a hint";
}

TEST(ForwardTest, WhoFailsBehindTheRelayGetsAHint) {
  TestCluster cluster(TwoDatacenters());
  cluster.faults(5).apply_error = absl::InternalError("broken");
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kEachQuorum).ok());
  const auto error = base::GetRequestError(cluster.Write(0, PutRow("p", "d", 1, "v"), kAll));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kFailure);
  cluster.faults(5) = {};
  cluster.RunFor(absl::Seconds(20));
  EXPECT_TRUE(cluster.HasRow(5, "p", "c"));
  EXPECT_TRUE(cluster.HasRow(5, "p", "d"));
}

TEST(ForwardTest, TheFormatRoundTrips) {
  const ForwardedWrite forwarded{77, {TestCluster::Id(1), TestCluster::Id(2)}, "write"};
  const std::string bytes = EncodeForwardedWrite(forwarded);
  const auto decoded = DecodeForwardedWrite(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->request_id, 77u);
  EXPECT_EQ(decoded->others, forwarded.others);
  EXPECT_EQ(decoded->write, "write");
  for (size_t size = 0; size < bytes.size() - 5; ++size)
    EXPECT_FALSE(DecodeForwardedWrite(bytes.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace tholos::coordinator
