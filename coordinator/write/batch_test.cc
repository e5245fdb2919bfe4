#include "coordinator/write/batch.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using base::RequestErrorKind;
using enum ConsistencyLevel;

absl::Status WriteBatch(TestCluster& cluster, int node, std::vector<data::Mutation> mutations,
                        bool logged, ConsistencyLevel level) {
  const base::Deadline deadline = cluster.sim_node(node).clock().Now() + absl::Seconds(2);
  return cluster.Run(node, [&] {
    return cluster.coordinator(node).WriteBatch(mutations, logged, {level, deadline});
  });
}

base::RequestError ErrorOf(const absl::Status& status) {
  const auto error = base::GetRequestError(status);
  EXPECT_TRUE(error.has_value()) << status;
  return error.value_or(base::RequestError{});
}

TEST(BatchTest, MutationsOfOnePartitionAreOne) {
  const auto merged = MergeByPartition({PutRow("p", "b", 1, "1"), PutRow("q", "a", 2, "2"),
                                        PutRow("p", "a", 3, "3"), PutRow("p", "b", 4, "4")});
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(Show({merged[0].update}), (std::vector<std::string>{"p/a=3", "p/b=4"}));
  EXPECT_EQ(Show({merged[1].update}), (std::vector<std::string>{"q/a=2"}));
}

TEST(BatchTest, WritesEveryPart) {
  for (const bool logged : {false, true}) {
    TestCluster cluster;
    EXPECT_TRUE(WriteBatch(cluster, 0,
                           {PutRow("p", "a", 1, "1"), PutRow("q", "a", 1, "2"),
                            PutRow("r", "a", 1, "3"), PutRow("p", "b", 1, "4")},
                           logged, kAll)
                    .ok());
    for (int node = 0; node < 3; ++node) {
      EXPECT_TRUE(cluster.HasRow(node, "p", "a"));
      EXPECT_TRUE(cluster.HasRow(node, "p", "b"));
      EXPECT_TRUE(cluster.HasRow(node, "q", "a"));
      EXPECT_TRUE(cluster.HasRow(node, "r", "a"));
    }
  }
}

TEST(BatchTest, APartThatIsUnfitStopsAll) {
  TestClusterOptions options;
  options.coordinator.in_flight_bytes_max = 10000;
  TestCluster cluster(options);
  const auto kind = [&](data::Mutation unfit, ConsistencyLevel level) {
    return ErrorOf(
               WriteBatch(cluster, 0, {PutRow("p", "a", 1, "1"), std::move(unfit)}, false, level))
        .kind;
  };
  EXPECT_EQ(kind(PutRow("", "a", 1, "v"), kOne), RequestErrorKind::kInvalid);
  EXPECT_EQ(kind(PutRow("q", "a", 1, std::string(10000, 'v')), kOne),
            RequestErrorKind::kOverloaded);
  cluster.SetAlive({0});
  EXPECT_EQ(kind(PutRow("q", "a", 1, "v"), kQuorum), RequestErrorKind::kUnavailable);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(5));
  for (int node = 0; node < 3; ++node) EXPECT_FALSE(cluster.HasRow(node, "p", "a"));
  EXPECT_TRUE(WriteBatch(cluster, 0, {}, false, kOne).ok()) << "an empty batch is done";
}

TEST(BatchTest, TheErrorSaysWhatItWas) {
  TestCluster cluster;
  cluster.faults(1).apply_error = cluster.faults(2).apply_error = absl::InternalError("broken");
  const auto error = ErrorOf(
      WriteBatch(cluster, 0, {PutRow("p", "a", 1, "1"), PutRow("q", "a", 1, "1")}, false, kQuorum));
  EXPECT_EQ(error.kind, RequestErrorKind::kFailure);
  EXPECT_EQ(error.write_type, "UNLOGGED_BATCH");
  const auto one = ErrorOf(
      WriteBatch(cluster, 0, {PutRow("p", "a", 1, "1"), PutRow("p", "b", 1, "1")}, true, kQuorum));
  EXPECT_EQ(one.write_type, "SIMPLE") << "one partition";
}

}  // namespace
}  // namespace tholos::coordinator
