#include "coordinator/write/write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using base::RequestErrorKind;
using enum ConsistencyLevel;

base::RequestError ErrorOf(const absl::Status& status) {
  const auto error = base::GetRequestError(status);
  EXPECT_TRUE(error.has_value()) << status;
  return error.value_or(base::RequestError{});
}

// "ok", or the error's kind with required/received/alive/failures.
std::string Outcome(const absl::Status& status) {
  if (status.ok()) return "ok";
  const base::RequestError error = ErrorOf(status);
  switch (error.kind) {
    case RequestErrorKind::kUnavailable:
      return absl::StrCat("unavailable ", error.alive, "/", error.required);
    case RequestErrorKind::kTimeout:
      return absl::StrCat("timeout ", error.received, "/", error.required);
    case RequestErrorKind::kFailure:
      return absl::StrCat("failure ", error.received, "/", error.required, " failed ",
                          error.failures);
    default:
      return status.ToString();
  }
}

struct LevelRow {
  ConsistencyLevel level;
  const char* all_alive;
  const char* one_dead;     // node 2
  const char* two_dead;     // nodes 1 and 2
  const char* one_failing;  // node 2 answers with an error
  const char* two_failing;  // nodes 1 and 2
  const char* one_silent;   // node 2 believed alive, but cut off
  const char* two_silent;
};

// Node 0 coordinates and is a replica.
constexpr LevelRow kLevels[] = {
    {kAny, "ok", "ok", "ok", "ok", "ok", "ok", "ok"},
    {kOne, "ok", "ok", "ok", "ok", "ok", "ok", "ok"},
    {kLocalOne, "ok", "ok", "ok", "ok", "ok", "ok", "ok"},
    {kTwo, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2 failed 2", "ok", "timeout 1/2"},
    {kThree, "ok", "unavailable 2/3", "unavailable 1/3", "failure 2/3 failed 1",
     "failure 1/3 failed 1", "timeout 2/3", "timeout 1/3"},
    {kQuorum, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2 failed 2", "ok", "timeout 1/2"},
    {kLocalQuorum, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2 failed 2", "ok",
     "timeout 1/2"},
    {kEachQuorum, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2 failed 2", "ok", "timeout 1/2"},
    {kAll, "ok", "unavailable 2/3", "unavailable 1/3", "failure 2/3 failed 1",
     "failure 1/3 failed 1", "timeout 2/3", "timeout 1/3"},
};

// The failing ones fail after the others have answered, or the count of answers would depend on
// chance.
void Fail(TestCluster& cluster, std::vector<int> nodes) {
  for (const int node : nodes) {
    cluster.faults(node).apply_delay = absl::Milliseconds(100);
    cluster.faults(node).apply_error = absl::InternalError("broken");
  }
}

TEST(WriteTest, EveryLevelWithEveryTrouble) {
  for (const LevelRow& row : kLevels) {
    SCOPED_TRACE(std::string(ConsistencyName(row.level)));
    TestCluster cluster;
    int key = 0;
    const auto write = [&] {
      const std::string name = absl::StrCat("p", key++);
      return Outcome(cluster.Write(0, PutRow(name, "c", 10, "v"), row.level));
    };
    EXPECT_EQ(write(), row.all_alive);
    cluster.SetAlive({0, 1});
    EXPECT_EQ(write(), row.one_dead);
    cluster.SetAlive({0});
    EXPECT_EQ(write(), row.two_dead);
    cluster.SetAlive({0, 1, 2});
    Fail(cluster, {2});
    EXPECT_EQ(write(), row.one_failing);
    Fail(cluster, {1, 2});
    EXPECT_EQ(write(), row.two_failing);
    cluster.faults(1) = cluster.faults(2) = {};
    cluster.network().Isolate(cluster.Name(2));
    EXPECT_EQ(write(), row.one_silent);
    cluster.network().Isolate(cluster.Name(1));
    EXPECT_EQ(write(), row.two_silent);
  }
}

TEST(WriteTest, TheErrorNamesLevelAndSide) {
  TestCluster cluster;
  cluster.network().Isolate("n1");
  cluster.network().Isolate("n2");
  const base::RequestError error =
      ErrorOf(cluster.Write(0, PutRow("p", "c", 1, "v"), kLocalQuorum));
  EXPECT_EQ(error, (base::RequestError{.kind = RequestErrorKind::kTimeout,
                                       .write = true,
                                       .consistency = "LOCAL_QUORUM",
                                       .required = 2,
                                       .received = 1,
                                       .write_type = "SIMPLE"}));
}

TEST(WriteTest, UnavailableMeansNothingWasSent) {
  TestCluster cluster;
  cluster.SetAlive({0});
  EXPECT_EQ(Outcome(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum)), "unavailable 1/2");
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Minutes(1));
  for (int node = 0; node < 3; ++node) EXPECT_FALSE(cluster.HasRow(node, "p", "c")) << node;
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 0);
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_unavailable_total"), 1);
}

TEST(WriteTest, AFailureSaysWhoFailed) {
  TestCluster cluster;
  cluster.faults(1).apply_error = cluster.faults(2).apply_error = absl::InternalError("broken");
  std::vector<std::string> hosts;
  for (const auto& reason : ErrorOf(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll)).reasons) {
    EXPECT_EQ(reason.code, base::ReplicaFailureCode::kUnknown);
    hosts.push_back(reason.host);
  }
  ASSERT_FALSE(hosts.empty());
  for (const std::string& host : hosts) {
    EXPECT_TRUE(host == cluster.state()->Find(TestCluster::Id(1))->internode.host ||
                host == cluster.state()->Find(TestCluster::Id(2))->internode.host)
        << host;
  }
}

TEST(WriteTest, FailureIsFast) {
  TestCluster cluster;
  cluster.faults(1).apply_error = cluster.faults(2).apply_error = absl::InternalError("broken");
  const auto start = cluster.simulation().now();
  const absl::Status status =
      cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum, absl::Seconds(20));
  EXPECT_EQ(ErrorOf(status).kind, RequestErrorKind::kFailure);
  EXPECT_LT(cluster.simulation().now() - start, absl::Milliseconds(100));
}

// A connection that breaks after the write was sent says nothing of it.
TEST(WriteTest, BrokenConnectionsAreATimeoutAtOnce) {
  TestCluster cluster;
  cluster.faults(1).apply_delay = cluster.faults(2).apply_delay = absl::Seconds(5);
  cluster.simulation().After(absl::Milliseconds(100), "break", [&] {
    cluster.network().Reset("n0", "n1");
    cluster.network().Reset("n0", "n2");
  });
  const auto start = cluster.simulation().now();
  const base::RequestError error =
      ErrorOf(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum, absl::Seconds(20)));
  EXPECT_LT(cluster.simulation().now() - start, absl::Milliseconds(200));
  EXPECT_EQ(error, (base::RequestError{.kind = RequestErrorKind::kTimeout,
                                       .write = true,
                                       .consistency = "QUORUM",
                                       .required = 2,
                                       .received = 1,
                                       .write_type = "SIMPLE"}));
  EXPECT_TRUE(cluster.RunUntil([&] { return cluster.Metric(0, "tholos_hints_written_total") == 2; },
                               absl::Seconds(2)));
}

TEST(WriteTest, WhatIsRefusedIsAFailure) {
  TestCluster cluster;
  cluster.network().refusals = 1;
  cluster.Kill(1);
  cluster.Kill(2);
  // The refusals come after this node's own answer.
  for (int node : {1, 2}) {
    cluster.network().link(cluster.Name(node), "n0").delay_min = absl::Milliseconds(50);
  }
  EXPECT_EQ(Outcome(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum)), "failure 1/2 failed 2");
}

TEST(WriteTest, ASlowRequestIsLoggedWithItsStatement) {
  TestCluster cluster({.coordinator = {.slow_request = absl::Milliseconds(100)}});
  const auto write = [&](absl::Duration delay) {
    for (int node = 0; node < 3; ++node) cluster.faults(node).apply_delay = delay;
    const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
    EXPECT_TRUE(cluster
                    .Run(0,
                         [&] {
                           return cluster.coordinator(0).Write(PutRow("p", "c", 1, "v"),
                                                               {.consistency = kQuorum,
                                                                .deadline = deadline,
                                                                .statement = "INSERT INTO t ..."});
                         })
                    .ok());
  };
  const auto logged = [&] {
    const auto& lines = cluster.sim_node(0).log().lines();
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("write of ks.t at QUORUM took") != std::string::npos &&
             line.find("done; INSERT INTO t ...") != std::string::npos;
    });
  };
  write(absl::Milliseconds(90));
  EXPECT_EQ(logged(), 0);
  write(absl::Milliseconds(110));
  EXPECT_EQ(logged(), 1);
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_slow_requests_total"), 1);
}

TEST(WriteTest, AnswersWhenTheLevelIsMetAndGoesOn) {
  TestCluster cluster;
  cluster.faults(2).apply_delay = absl::Seconds(1);
  const auto start = cluster.simulation().now();
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  EXPECT_LT(cluster.simulation().now() - start, absl::Milliseconds(100));
  cluster.faults(2).apply_delay = absl::ZeroDuration();
  EXPECT_FALSE(cluster.HasRow(2, "p", "c"));
  cluster.RunFor(absl::Seconds(2));
  EXPECT_TRUE(cluster.HasRow(2, "p", "c"));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 0);
}

// One copy, and it is here: the errors are those of the general way.
TEST(WriteTest, TheOnlyReplicaAlone) {
  for (const ConsistencyLevel level : {kOne, kLocalOne, kQuorum, kLocalQuorum, kAll}) {
    SCOPED_TRACE(std::string(ConsistencyName(level)));
    TestCluster cluster({.nodes = 1, .replication_factor = 1});
    EXPECT_EQ(Outcome(cluster.Write(0, PutRow("p", "c", 1, "v"), level)), "ok");
    EXPECT_TRUE(cluster.HasRow(0, "p", "c"));
    const auto page = cluster.Read(0, ReadAll("p"), level);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->partitions.size(), 1u);
    cluster.faults(0).apply_delay = absl::Seconds(5);
    EXPECT_EQ(Outcome(cluster.Write(0, PutRow("p", "late", 2, "v"), level, absl::Seconds(1))),
              "timeout 0/1");
    cluster.faults(0).apply_delay = absl::ZeroDuration();
    cluster.faults(0).apply_error = absl::InternalError("broken");
    EXPECT_EQ(Outcome(cluster.Write(0, PutRow("p", "never", 3, "v"), level)),
              "failure 0/1 failed 1");
  }
}

TEST(WriteTest, ACoordinatorThatIsNoReplica) {
  TestCluster cluster({.nodes = 4});
  // Of four nodes one is not a replica of the key: every node coordinates once.
  for (int node = 0; node < 4; ++node) {
    EXPECT_TRUE(cluster.Write(node, PutRow("p", absl::StrCat("c", node), 1, "v"), kAll).ok());
  }
  int copies = 0;
  for (int node = 0; node < 4; ++node) {
    if (cluster.HasRow(node, "p", "c0")) ++copies;
    EXPECT_EQ(cluster.HasRow(node, "p", "c0"), cluster.HasRow(node, "p", "c3"));
  }
  EXPECT_EQ(copies, 3);
}

TEST(WriteTest, WhatIsTooLargeOrEmptyIsInvalid) {
  TestClusterOptions options;
  options.coordinator.mutation_bytes_max = 1000;
  TestCluster cluster(options);
  const auto kind = [&](data::Mutation mutation) {
    return ErrorOf(cluster.Write(0, std::move(mutation), kOne)).kind;
  };
  EXPECT_EQ(kind(PutRow("p", "c", 1, std::string(1000, 'x'))), RequestErrorKind::kInvalid);
  EXPECT_EQ(kind(PutRow(std::string(65536, 'k'), "c", 1, "v")), RequestErrorKind::kInvalid);
  EXPECT_EQ(kind(PutRow("", "c", 1, "v")), RequestErrorKind::kInvalid);
  EXPECT_EQ(kind(PutRow("p", std::string(65536, 'c'), 1, "v")), RequestErrorKind::kInvalid);
  EXPECT_EQ(kind({.table = TestCluster::kTable, .update = {.key = data::DecoratedKey::Of("p")}}),
            RequestErrorKind::kInvalid);
  data::Mutation unknown = PutRow("p", "c", 1, "v");
  unknown.table.bytes[0] ^= 1;
  EXPECT_EQ(kind(unknown), RequestErrorKind::kInvalid);
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, std::string(900, 'x')), kAll).ok());
}

TEST(WriteTest, TooMuchInFlightIsOverloadedAtOnce) {
  TestClusterOptions options;
  options.coordinator.in_flight_bytes_max = 10000;
  TestCluster cluster(options);
  for (int node = 0; node < 3; ++node) cluster.faults(node).apply_delay = absl::Seconds(1);
  std::vector<std::shared_ptr<std::optional<absl::Status>>> outcomes;
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(5);
  for (int i = 0; i < 20; ++i) {
    outcomes.push_back(std::make_shared<std::optional<absl::Status>>());
    shard.Post([&, i] {
      auto write = cluster.coordinator(0).Write(
          PutRow(absl::StrCat("p", i), "c", 1, std::string(1000, 'x')), {kQuorum, deadline});
      base::SpawnDetached(shard, internal::AwaitInto(std::move(write), outcomes[i]));
    });
  }
  cluster.RunFor(absl::Milliseconds(100));
  int overloaded = 0;
  for (const auto& outcome : outcomes) {
    if (outcome->has_value()) {
      EXPECT_EQ(ErrorOf(**outcome).kind, RequestErrorKind::kOverloaded);
      ++overloaded;
    }
  }
  EXPECT_EQ(overloaded, 11);
  cluster.RunFor(absl::Seconds(5));
  EXPECT_TRUE(cluster.Write(0, PutRow("q", "c", 1, std::string(1000, 'x')), kQuorum).ok())
      << "room again";
}

TEST(WriteTest, DuplicatedAndLostMessages) {
  TestCluster cluster;
  cluster.network().defaults().duplicates = 0.5;
  cluster.network().defaults().loss = 0.1;
  std::set<std::string> written;
  for (int i = 0; i < 60; ++i) {
    const std::string clustering = absl::StrCat("c", i);
    if (cluster.Write(i % 3, PutRow("p", clustering, i + 1, "v"), kQuorum).ok())
      written.insert(clustering);
  }
  EXPECT_GT(written.size(), 30u);
  cluster.network().defaults().loss = 0;
  const auto page = cluster.Read(1, ReadAll("p"), kQuorum);
  ASSERT_TRUE(page.ok()) << page.status();
  std::set<std::string> read;
  for (const data::Row& row : page->partitions.at(0).rows) read.insert(row.clustering);
  for (const std::string& clustering : written)
    EXPECT_TRUE(read.contains(clustering)) << clustering;
}

TEST(WriteTest, TimestampsFollowWhatPeersWrote) {
  TestCluster cluster;
  cluster.sim_node(0).clock().StepWall(absl::Minutes(5));
  const data::Timestamp ahead = *cluster.coordinator(0).NextTimestamp();
  EXPECT_LT(*cluster.coordinator(1).NextTimestamp(), ahead);
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", ahead, "v"), kAll).ok());
  EXPECT_GT(*cluster.coordinator(1).NextTimestamp(), ahead) << "a replica has seen it";
}

TEST(WriteTest, TimestampsFarInTheFutureAreRefused) {
  TestCluster cluster;
  const data::Timestamp now = cluster.sim_node(0).clock().WallMicros();
  const auto write = [&](absl::Duration ahead) {
    return cluster.Write(0, PutRow("p", "c", now + absl::ToInt64Microseconds(ahead), "v"), kAll);
  };
  const absl::Status refused = write(absl::Hours(2));
  EXPECT_EQ(ErrorOf(refused).kind, RequestErrorKind::kInvalid);
  EXPECT_EQ(
      refused.message().find("in the future: at most 1h are allowed") == absl::string_view::npos,
      false)
      << refused;
  EXPECT_TRUE(write(absl::Minutes(59)).ok());
  // The node follows what it took, and may go on from there.
  const data::Timestamp followed = *cluster.coordinator(0).NextTimestamp();
  EXPECT_GT(followed, now + absl::ToInt64Microseconds(absl::Minutes(59)));
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "d", followed, "v"), kAll).ok());
  EXPECT_EQ(ErrorOf(write(absl::Minutes(118))).kind, RequestErrorKind::kInvalid)
      << "an hour after an hour";
}

TEST(WriteTest, TimestampsDoNotGoBackOverARestart) {
  TestCluster cluster;
  const data::Timestamp before = *cluster.coordinator(0).NextTimestamp();
  cluster.RunFor(absl::Seconds(3));
  const data::Timestamp last = *cluster.coordinator(0).NextTimestamp();
  cluster.RunFor(absl::Seconds(1));
  cluster.PowerLoss(0);
  cluster.sim_node(0).clock().StepWall(-absl::Hours(1));
  cluster.Boot(0);
  EXPECT_GT(*cluster.coordinator(0).NextTimestamp(), last);
  EXPECT_LT(*cluster.coordinator(0).NextTimestamp(),
            last + absl::ToInt64Microseconds(absl::Seconds(5)));
  EXPECT_GT(last, before);
}

// A clock that was far ahead for a moment, and a crash before anybody noticed.
TEST(WriteTest, WhatWasSentIsBelowAllTimestampsAfterARestart) {
  TestCluster cluster;
  cluster.RunFor(absl::Seconds(3));
  cluster.sim_node(0).clock().StepWall(absl::Minutes(30));
  const data::Timestamp ahead = *cluster.coordinator(0).NextTimestamp();
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", ahead, "v"), kQuorum).ok());
  cluster.PowerLoss(0);
  cluster.sim_node(0).clock().StepWall(-absl::Minutes(30));
  cluster.Boot(0);
  EXPECT_GT(*cluster.coordinator(0).NextTimestamp(), ahead);
}

TEST(WriteTest, IsRefusedIfItsTimestampCannotBeKept) {
  TestCluster cluster;
  cluster.RunFor(absl::Seconds(3));
  cluster.faults(0).apply_error = absl::ResourceExhaustedError("disk full");
  cluster.sim_node(0).clock().StepWall(absl::Minutes(30));
  const data::Timestamp ahead = *cluster.coordinator(0).NextTimestamp();
  const absl::Status refused = cluster.Write(0, PutRow("p", "c", ahead, "v"), kQuorum);
  EXPECT_EQ(ErrorOf(refused).kind, RequestErrorKind::kOverloaded) << refused;
  EXPECT_FALSE(cluster.HasRow(1, "p", "c")) << "nothing was sent";
}

TEST(WriteTest, AClockThatIsTooWrongDecidesNothing) {
  TestCluster cluster;
  const auto next = [&](int node) {
    return cluster.Run(node, [&, node]() -> base::Task<absl::Status> {
      co_return cluster.coordinator(node).NextTimestamp().status();
    });
  };
  for (const absl::Duration ahead : {absl::Minutes(90), -absl::Minutes(90)}) {
    cluster.sim_node(0).clock().StepWall(ahead);
    cluster.SetSkew(0, ahead);
    const absl::Status refused = next(0);
    EXPECT_EQ(ErrorOf(refused).kind, RequestErrorKind::kOverloaded) << refused;
    EXPECT_NE(refused.message().find(ahead > absl::ZeroDuration()
                                         ? "this node's clock is 1h30m ahead of the cluster's, "
                                           "beyond 10s (clock_skew_max)"
                                         : "this node's clock is 1h30m behind the cluster's"),
              absl::string_view::npos)
        << refused;
    EXPECT_TRUE(next(1).ok());

    // With the client's timestamp it is taken, and read.
    const data::Timestamp given = cluster.sim_node(1).clock().WallMicros();
    const absl::Status written = cluster.Write(0, PutRow("p", "c", given, "v"), kAll);
    if (ahead > absl::ZeroDuration()) {
      EXPECT_TRUE(written.ok()) << written;
    } else {
      // More than an hour in this clock's future, for which the client is not to blame.
      EXPECT_EQ(ErrorOf(written).kind, RequestErrorKind::kOverloaded) << written;
      EXPECT_NE(
          written.message().find("cannot tell whether the timestamp " + std::to_string(given)),
          absl::string_view::npos)
          << written;
      EXPECT_EQ(written.message().find("write without a TTL"), absl::string_view::npos) << written;
    }
    EXPECT_TRUE(cluster.HasRow(1, "p", "c"));
    EXPECT_TRUE(cluster.Read(0, ReadAll("p"), kAll).ok());

    cluster.sim_node(0).clock().StepWall(-ahead);
    cluster.SetSkew(0, absl::ZeroDuration());
    EXPECT_TRUE(next(0).ok());
  }
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_clock_refused_total"), 3);
}

TEST(WriteTest, AfterStopItIsRefused) {
  TestCluster cluster;
  const absl::Status status = cluster.Run(0, [&]() -> base::Task<absl::Status> {
    co_await cluster.coordinator(0).Stop();
    co_return co_await cluster.coordinator(0).Write(PutRow("p", "c", 1, "v"),
                                                    {kOne, base::Deadline::Infinite()});
  });
  EXPECT_EQ(ErrorOf(status).kind, RequestErrorKind::kOverloaded);
}

}  // namespace
}  // namespace tholos::coordinator
