#include "coordinator/write/batch.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/system_schema.h"
#include "coordinator/testing/test_cluster.h"
#include "coordinator/write/batchlog.h"
#include "data/codec.h"

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

// What a node's engine has in system_local.batches.
size_t GuardedBy(TestCluster& cluster, int node) {
  size_t live = 0;
  for (const auto& partition : cluster.ReadReplica(node, {.table = BatchesTable().id}).partitions) {
    for (const data::Row& row : partition.rows)
      live += row.LiveAt(cluster.now_seconds(node)) ? 1 : 0;
  }
  return live;
}

const std::vector<data::Mutation> kBatch = {PutRow("p", "a", 1, "1"), PutRow("q", "a", 1, "2"),
                                            PutRow("r", "a", 1, "3")};

int PartsAt(TestCluster& cluster, int node) {
  int parts = 0;
  for (const char* key : {"p", "q", "r"}) parts += cluster.HasRow(node, key, "a") ? 1 : 0;
  return parts;
}

TEST(LoggedBatchTest, IsGuardedAndThenForgotten) {
  TestCluster cluster;
  for (int node = 0; node < 3; ++node) cluster.faults(node).apply_delay = absl::Milliseconds(10);
  EXPECT_TRUE(WriteBatch(cluster, 0, kBatch, true, kQuorum).ok());
  EXPECT_EQ(cluster.Metric(0, "tholos_batchlog_stored_total"), 0) << "not on the coordinator";
  EXPECT_EQ(cluster.Metric(1, "tholos_batchlog_stored_total"), 1);
  EXPECT_EQ(cluster.Metric(2, "tholos_batchlog_stored_total"), 1);
  cluster.RunFor(absl::Seconds(60));
  for (int node = 0; node < 3; ++node) {
    EXPECT_EQ(GuardedBy(cluster, node), 0u);
    EXPECT_EQ(cluster.Metric(node, "tholos_batchlog_replayed_total"), 0);
  }
}

TEST(LoggedBatchTest, IsCompletedAfterItsCoordinatorDied) {
  TestCluster cluster;
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
  auto outcome = std::make_shared<std::optional<absl::Status>>();
  shard.Post([&] {
    base::SpawnDetached(
        shard, internal::AwaitInto(
                   cluster.coordinator(0).WriteBatch(kBatch, true, {kQuorum, deadline}), outcome));
  });
  // Both guards have it, and the coordinator does not know yet.
  ASSERT_TRUE(cluster.RunUntil(
      [&] {
        return cluster.Metric(1, "tholos_batchlog_stored_total") == 1 &&
               cluster.Metric(2, "tholos_batchlog_stored_total") == 1;
      },
      absl::Seconds(1)));
  cluster.Kill(0);
  EXPECT_EQ(PartsAt(cluster, 1), 0);
  // A guard that restarts has not forgotten.
  cluster.PowerLoss(1);
  cluster.Boot(1);
  cluster.SetAlive({1, 2});
  cluster.RunFor(absl::Seconds(30));
  EXPECT_EQ(PartsAt(cluster, 1), 3);
  EXPECT_EQ(PartsAt(cluster, 2), 3);
  EXPECT_EQ(GuardedBy(cluster, 1), 0u);
  EXPECT_EQ(GuardedBy(cluster, 2), 0u);
  EXPECT_GE(cluster.Metric(1, "tholos_batchlog_replayed_total"), 1);
  cluster.Boot(0);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(30));
  EXPECT_EQ(PartsAt(cluster, 0), 3) << "by hints";
}

TEST(LoggedBatchTest, WhatFailedIsDoneLater) {
  TestCluster cluster;
  // The guards take the batch; then no replica takes its parts.
  cluster.network().defaults().delay_min = absl::Milliseconds(1);
  bool failing = false;
  const auto error = [&] {
    base::Loop& shard = cluster.sim_node(0).executor().shard(0);
    const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
    auto outcome = std::make_shared<std::optional<absl::Status>>();
    shard.Post([&cluster, &shard, outcome, deadline] {
      base::SpawnDetached(shard, internal::AwaitInto(cluster.coordinator(0).WriteBatch(
                                                         kBatch, true, {kQuorum, deadline}),
                                                     outcome));
    });
    cluster.RunUntil(
        [&] {
          const bool stored = cluster.Metric(1, "tholos_batchlog_stored_total") == 1 &&
                              cluster.Metric(2, "tholos_batchlog_stored_total") == 1;
          if (stored && !failing) {
            failing = true;
            for (int node = 0; node < 3; ++node)
              cluster.faults(node).apply_error = absl::InternalError("broken");
          }
          return outcome->has_value();
        },
        absl::Seconds(10));
    return ErrorOf(**outcome);
  }();
  EXPECT_EQ(error.kind, RequestErrorKind::kFailure);
  EXPECT_EQ(error.write_type, "BATCH");
  for (int node = 0; node < 3; ++node) cluster.faults(node) = {};
  cluster.RunFor(absl::Seconds(30));
  for (int node = 0; node < 3; ++node) EXPECT_EQ(PartsAt(cluster, node), 3);
}

// As an earlier run of the node left it.
void LeaveBatch(TestCluster& cluster, int node, uint8_t number, std::vector<data::Mutation> parts,
                absl::Duration age = absl::ZeroDuration()) {
  LoggedBatch batch;
  batch.id.bytes[0] = number;
  batch.created_micros =
      cluster.sim_node(node).clock().WallMicros() - absl::ToInt64Microseconds(age);
  for (const data::Mutation& part : parts) batch.mutations.push_back(data::EncodeMutation(part));
  data::Mutation row{.table = BatchesTable().id, .update = {.key = BatchKey(batch.id)}};
  row.update.rows.push_back({.clustering = "", .liveness = data::Liveness::At(1)});
  row.update.rows[0].cells.push_back(
      data::Cell::Value(BatchesTable().Find("mutations")->id, 1, EncodeBatch(batch)));
  cluster.Apply(node, std::move(row));
}

TEST(LoggedBatchTest, OnesThatCannotBeCompletedHoldNobodyUp) {
  TestCluster cluster({.replication_factor = 1, .even_slices = true});
  const auto key_of = [&](int node) {
    for (int i = 0;; ++i) {
      std::string key = absl::StrCat("k", i);
      const auto replicas =
          *cluster.state()->ReplicasOf(TestCluster::kKeyspace, data::TokenOf(key));
      if (replicas[0] == TestCluster::Id(node)) return key;
    }
  };
  for (int i = 0; i < 200; ++i)
    LeaveBatch(cluster, 0, static_cast<uint8_t>(i), {PutRow(key_of(2), "a", 1, "v")});
  LeaveBatch(cluster, 0, 255, {PutRow(key_of(1), "a", 1, "v")});
  cluster.Kill(0);
  cluster.Boot(0);
  cluster.SetAlive({0, 1});
  cluster.RunFor(absl::Minutes(1));
  EXPECT_TRUE(cluster.HasRow(1, key_of(1), "a"));
  EXPECT_EQ(GuardedBy(cluster, 0), 200u);
}

// The other table keeps its tombstones for days.
TEST(LoggedBatchTest, TheSmallestGraceDecidesForAllOfIt) {
  TestCluster cluster({.table_options = {{"gc_grace_seconds", "100"}}});
  const auto leave = [&](uint8_t number, const char* key, absl::Duration age) {
    base::Uuid id;
    id.bytes[15] = number;
    data::Mutation session{.table = SessionsTable().id, .update = {.key = BatchKey(id)}};
    session.update.rows.push_back({.clustering = "", .liveness = data::Liveness::At(1)});
    LeaveBatch(cluster, 0, number, {session, PutRow(key, "a", 1, "v")}, age);
    return session.update.key;
  };
  leave(1, "old", absl::Seconds(120));
  const data::DecoratedKey young = leave(2, "young", absl::Seconds(10));
  cluster.Kill(0);
  cluster.Boot(0);
  cluster.RunFor(absl::Minutes(1));
  EXPECT_EQ(GuardedBy(cluster, 0), 0u);
  EXPECT_TRUE(cluster.HasRow(0, "young", "a"));
  EXPECT_FALSE(cluster.HasRow(0, "old", "a"));
  const auto sessions = cluster.Read(0, {.table = SessionsTable().id}, kAll);
  ASSERT_TRUE(sessions.ok()) << sessions.status();
  ASSERT_EQ(sessions->partitions.size(), 1u) << "nothing of a batch that is too old";
  EXPECT_EQ(sessions->partitions[0].key, young);
  EXPECT_EQ(cluster.Metric(0, "tholos_batchlog_replayed_total"), 1);
}

TEST(LoggedBatchTest, NothingIsAppliedThatNobodyGuards) {
  TestCluster cluster;
  for (int node = 0; node < 3; ++node)
    cluster.faults(node).apply_error = absl::InternalError("broken");
  const auto error = ErrorOf(WriteBatch(cluster, 0, kBatch, true, kOne));
  EXPECT_EQ(error.kind, RequestErrorKind::kFailure);
  EXPECT_EQ(error.write_type, "BATCH_LOG");
  EXPECT_EQ(error.required, 2u);
}

TEST(LoggedBatchTest, AloneANodeGuardsItself) {
  TestCluster cluster({.nodes = 1, .replication_factor = 1});
  EXPECT_TRUE(WriteBatch(cluster, 0, kBatch, true, kQuorum).ok());
  EXPECT_EQ(cluster.Metric(0, "tholos_batchlog_stored_total"), 1);
  EXPECT_EQ(PartsAt(cluster, 0), 3);
}

TEST(LoggedBatchTest, GuardsStandInOtherRacks) {
  const auto id = [](int number) { return TestCluster::Id(number); };
  std::vector<ring::NodeInfo> nodes;
  const auto add = [&](const char* datacenter, const char* rack) {
    const int number = static_cast<int>(nodes.size());
    nodes.push_back({.id = id(number), .datacenter = datacenter, .rack = rack});
  };
  add("dc1", "r1");  // 0: the coordinator
  add("dc1", "r1");
  add("dc1", "r2");
  add("dc1", "r2");
  add("dc1", "r3");
  add("dc2", "r9");
  const auto state = ring::ClusterState::Make(1, nodes, std::make_shared<const data::Schema>());
  gossip::LivenessView::Set alive;
  for (int i = 0; i < 6; ++i) alive.insert(id(i));
  const auto candidates = [&](uint64_t turn) {
    return GuardCandidates(*state, alive, id(0), turn);
  };
  using Ids = std::vector<ring::NodeId>;
  EXPECT_EQ(candidates(0), (Ids{id(2), id(4), id(3), id(1), id(0)}));
  EXPECT_EQ(candidates(2), (Ids{id(3), id(4), id(2), id(1), id(0)}));
  EXPECT_EQ(candidates(3), (Ids{id(4), id(2), id(3), id(1), id(0)}));
  alive = {id(1), id(4)};
  EXPECT_EQ(candidates(0), (Ids{id(4), id(1), id(0)}));
  alive = {id(5)};
  EXPECT_EQ(candidates(0), Ids{id(0)}) << "not in another datacenter";
}

TEST(LoggedBatchTest, TheFormatRoundTrips) {
  const LoggedBatch batch{TestCluster::Id(7), 1234567890123, {"one", "", std::string(300, 'x')}};
  const std::string bytes = EncodeBatch(batch);
  const auto decoded = DecodeBatch(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->id, batch.id);
  EXPECT_EQ(decoded->created_micros, batch.created_micros);
  EXPECT_EQ(decoded->mutations, batch.mutations);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeBatch(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeBatch(bytes + "x").ok());
}

}  // namespace
}  // namespace tholos::coordinator
