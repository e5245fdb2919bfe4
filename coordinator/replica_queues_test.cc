// Replicas that get slow under an open-loop load, in a simulated cluster.
#include "coordinator/replica_queues.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

// Writes at a rate from node 0, whoever is served.
class OpenLoop {
 public:
  static constexpr absl::Duration kTimeout = absl::Seconds(2);
  struct Counts {
    int offered = 0, done = 0, refused = 0, failed = 0;
    absl::Duration longest;
    absl::Duration soonest_refusal = absl::InfiniteDuration();
  };

  OpenLoop(TestCluster& cluster, ConsistencyLevel level) : cluster_(cluster), level_(level) {}

  // Those that are under way end at their deadlines.
  ~OpenLoop() { cluster_.RunFor(2 * kTimeout); }

  Counts Run(int per_second, absl::Duration span) {
    counts_ = {};
    const int64_t total = per_second * absl::ToInt64Milliseconds(span) / 1000;
    base::Loop& shard = cluster_.sim_node(0).executor().shard(0);
    for (int64_t i = 0; i < total; ++i) {
      shard.Post([this, &shard] { base::SpawnDetached(shard, One()); });
      cluster_.RunFor(absl::Seconds(1) / per_second);
    }
    return counts_;
  }

 private:
  base::Task<void> One() {
    ++counts_.offered;
    const std::string key = absl::StrCat("p", ++next_ % 50);
    const base::MonotonicTime start = base::Loop::Current().clock().Now();
    const absl::Status status = co_await cluster_.coordinator(0).Write(
        PutRow(key, "c", next_, "v"), {.consistency = level_, .deadline = start + kTimeout});
    const auto error = base::GetRequestError(status);
    const absl::Duration took = base::Loop::Current().clock().Now() - start;
    if (status.ok()) {
      ++counts_.done;
      counts_.longest = std::max(counts_.longest, took);
    } else if (error.has_value() && error->kind == base::RequestErrorKind::kOverloaded) {
      ++counts_.refused;
      counts_.soonest_refusal = std::min(counts_.soonest_refusal, took);
    } else {
      ++counts_.failed;
    }
  }

  TestCluster& cluster_;
  const ConsistencyLevel level_;
  int64_t next_ = 0;
  Counts counts_;
};

void SetService(TestCluster& cluster, absl::Duration service) {
  for (int node = 0; node < 3; ++node) cluster.faults(node).apply_service = service;
}

TEST(ReplicaQueuesTest, ReplicasThatAreTenTimesSlowerAreGivenWhatTheyCanDo) {
  TestCluster cluster;
  OpenLoop load(cluster, kQuorum);
  SetService(cluster, absl::Microseconds(400));
  OpenLoop::Counts counts = load.Run(1500, absl::Seconds(3));
  EXPECT_EQ(counts.refused, 0);
  EXPECT_EQ(counts.failed, 0);
  // 250 a second is what they can do now.
  SetService(cluster, absl::Milliseconds(4));
  // What came until the queue was seen is worked off first.
  load.Run(1500, absl::Seconds(4));
  counts = load.Run(1500, absl::Seconds(10));
  EXPECT_GE(counts.done, 0.9 * 2500);
  EXPECT_LE(counts.longest, absl::Seconds(1)) << "the queue is bounded";
  EXPECT_EQ(counts.failed, 0) << "time ran out for nobody";
  EXPECT_GT(counts.refused, 10000);
  EXPECT_GE(counts.soonest_refusal, absl::Milliseconds(250))
      << "a crowd is not let back in at once";
  EXPECT_GT(cluster.Metric(0, "tholos_coordinator_replicas_full_total"), 10000);
  // And everything again within ten seconds.
  SetService(cluster, absl::Microseconds(400));
  load.Run(1500, absl::Seconds(8));
  counts = load.Run(1500, absl::Seconds(2));
  EXPECT_EQ(counts.refused, 0);
  EXPECT_GE(counts.done, 0.99 * 3000);
}

TEST(ReplicaQueuesTest, OneReplicaThatIsSlowOrSilentRefusesNobodyAtQuorum) {
  TestCluster cluster;
  OpenLoop load(cluster, kQuorum);
  SetService(cluster, absl::Microseconds(200));
  cluster.faults(2).apply_service = absl::Milliseconds(20);
  OpenLoop::Counts counts = load.Run(1000, absl::Seconds(5));
  EXPECT_EQ(counts.refused + counts.failed, 0);
  EXPECT_LE(counts.longest, absl::Milliseconds(100));
  SetService(cluster, absl::Microseconds(200));
  cluster.network().Isolate("n2");
  counts = load.Run(1000, absl::Seconds(8));
  EXPECT_EQ(counts.refused + counts.failed, 0) << "believed alive, and silent";
  cluster.network().HealAll();
  counts = load.Run(1000, absl::Seconds(5));
  EXPECT_EQ(counts.refused + counts.failed, 0);
}

TEST(ReplicaQueuesTest, AtAllTheSlowestCounts) {
  TestCluster cluster;
  OpenLoop load(cluster, kAll);
  SetService(cluster, absl::Microseconds(200));
  cluster.faults(2).apply_service = absl::Milliseconds(4);
  load.Run(1000, absl::Seconds(3));
  const OpenLoop::Counts counts = load.Run(1000, absl::Seconds(10));
  EXPECT_GE(counts.done, 0.9 * 2500);
  EXPECT_LE(counts.longest, absl::Seconds(1));
  EXPECT_GT(counts.refused, 5000);
}

}  // namespace
}  // namespace tholos::coordinator
