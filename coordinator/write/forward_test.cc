#include "coordinator/write/forward.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/errors.h"
#include "base/strings.h"
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

TEST(ForwardTest, ABrokenConnectionBehindTheRelayIsATimeout) {
  TestCluster cluster(TwoDatacenters());
  cluster.faults(4).apply_delay = cluster.faults(5).apply_delay = absl::Seconds(5);
  cluster.simulation().After(absl::Milliseconds(100), "break", [&] {
    cluster.network().Reset("n3", "n4");
    cluster.network().Reset("n3", "n5");
  });
  const auto start = cluster.simulation().now();
  const auto error = base::GetRequestError(
      cluster.Write(0, PutRow("p", "c", 1, "v"), kEachQuorum, absl::Seconds(20)));
  EXPECT_LT(cluster.simulation().now() - start, absl::Milliseconds(200));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kTimeout);
  EXPECT_EQ(error->received, 3u);
}

TEST(ForwardTest, TheRelayLearnsATableItDoesNotKnow) {
  TestCluster cluster(TwoDatacenters());
  cluster.faults(3).table_unknown = true;
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  for (int node = 0; node < 6; ++node) EXPECT_TRUE(cluster.HasRow(node, "p", "c")) << node;
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 0);
}

// The relay's steps come with its answer, those of the others with what it tells of them.
TEST(ForwardTest, ATracedWriteGoesThroughTheRelay) {
  TestCluster cluster(TwoDatacenters());
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
  std::vector<TraceEvent> events;
  const absl::Status written = cluster.Run(0, [&]() -> base::Task<absl::Status> {
    const TraceHandle trace = cluster.coordinator(0).BeginTrace({.request = "write"});
    absl::Status status = co_await cluster.coordinator(0).Write(
        PutRow("p", "c", 1, "v"), {.consistency = kAll, .deadline = deadline, .trace = trace});
    events = trace->Finish([](TraceEvent) {});
    co_return status;
  });
  EXPECT_TRUE(written.ok()) << written;
  for (int node = 0; node < 6; ++node) EXPECT_TRUE(cluster.HasRow(node, "p", "c")) << node;
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 0);
  const auto steps_of = [&](int node, std::string_view text) {
    return std::count_if(events.begin(), events.end(), [&](const TraceEvent& event) {
      return event.source.host == cluster.Name(node) &&
             event.step.activity.find(text) != std::string::npos;
    });
  };
  EXPECT_EQ(steps_of(3, "handed on to 2 more"), 1);
  for (const int node : {3, 4, 5}) EXPECT_EQ(steps_of(node, "durable in the commit log"), 1);
  for (const int node : {4, 5}) {
    EXPECT_EQ(steps_of(node, "WRITE of "), 1) << "received from the relay";
    EXPECT_EQ(steps_of(3, base::StrCat("answer to WRITE from ", cluster.Name(node))), 1);
  }
  EXPECT_EQ(steps_of(0, "sending WRITE to n4"), 0);
  const int64_t now = cluster.sim_node(0).clock().WallMicros();
  for (const TraceEvent& event : events) {
    EXPECT_LE(event.wall_micros, now) << event.step.activity;
    EXPECT_GE(event.wall_micros, now - 2'000'000) << event.step.activity;
  }
}

// Its answer comes after the request's end.
TEST(ForwardTest, StepsBehindTheRelayMayComeLate) {
  TestCluster cluster(TwoDatacenters());
  cluster.faults(4).apply_delay = absl::Milliseconds(300);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
  const auto late = std::make_shared<std::vector<TraceEvent>>();
  const absl::Status written = cluster.Run(0, [&]() -> base::Task<absl::Status> {
    const TraceHandle trace = cluster.coordinator(0).BeginTrace({.request = "write"});
    absl::Status status = co_await cluster.coordinator(0).Write(
        PutRow("p", "c", 1, "v"),
        {.consistency = kLocalQuorum, .deadline = deadline, .trace = trace});
    (void)trace->Finish([late](TraceEvent event) { late->push_back(std::move(event)); });
    co_return status;
  });
  EXPECT_TRUE(written.ok()) << written;
  cluster.RunFor(absl::Seconds(1));
  EXPECT_TRUE(std::any_of(late->begin(), late->end(), [](const TraceEvent& event) {
    return event.source.host == "n4" && event.step.activity.find("durable") != std::string::npos;
  }));
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

TEST(ForwardTest, TheAnswersFormatRoundTrips) {
  for (const bool traced : {false, true}) {
    ForwardAnswer answer{78, TestCluster::Id(3), absl::InternalError("broken")};
    if (traced) {
      answer.events = {{{"n3", 7000}, -5, {7, "sending"}}, {{"n4", 7000}, 0, {2, "durable"}}};
    }
    const std::string bytes = EncodeForwardAnswer(answer);
    const auto decoded = DecodeForwardAnswer(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->request_id, 78u);
    EXPECT_EQ(decoded->other, answer.other);
    EXPECT_EQ(decoded->applied, answer.applied);
    ASSERT_EQ(decoded->events.size(), answer.events.size());
    for (size_t i = 0; i < answer.events.size(); ++i) {
      EXPECT_EQ(decoded->events[i].source, answer.events[i].source);
      EXPECT_EQ(decoded->events[i].wall_micros, answer.events[i].wall_micros);
      EXPECT_EQ(decoded->events[i].step, answer.events[i].step);
    }
    const size_t without = EncodeForwardAnswer({78, answer.other, answer.applied}).size();
    for (size_t size = 0; size < bytes.size(); ++size) {
      if (size == without) continue;
      EXPECT_FALSE(DecodeForwardAnswer(bytes.substr(0, size)).ok()) << size;
    }
    if (traced) EXPECT_FALSE(DecodeForwardAnswer(bytes + "x").ok());
  }
}

}  // namespace
}  // namespace tholos::coordinator
