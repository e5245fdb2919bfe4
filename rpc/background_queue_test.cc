// The share of background classes, in virtual time: a storm of hints beside requests of the
// foreground, on nodes whose every piece of work takes time.
#include "rpc/background_queue.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/sim/test_world.h"
#include "gtest/gtest.h"
#include "rpc/sim_transport.h"

namespace tholos::rpc {
namespace {

using base::Task;
using base::sim::SimNode;
using base::sim::Simulation;

TEST(BackgroundPause, IsThreeTimesTheWaitAndBounded) {
  const struct {
    absl::Duration waited, pause;
  } cases[] = {
      {absl::ZeroDuration(), absl::ZeroDuration()},
      {absl::Microseconds(999), absl::ZeroDuration()},
      {absl::Milliseconds(1), absl::Milliseconds(3)},
      {absl::Milliseconds(20), absl::Milliseconds(60)},
      {absl::Milliseconds(80), BackgroundQueue::kPauseMax},
      {absl::Seconds(5), BackgroundQueue::kPauseMax},
  };
  for (const auto& each : cases) EXPECT_EQ(BackgroundPause(each.waited), each.pause) << each.waited;
}

// A queue of its own, and what runs in it.
class BackgroundQueueTest : public testing::Test {
 protected:
  // Work that ends when it is let go.
  Task<void> Held() {
    ++started_;
    co_await go_.Wait();
    ++ended_;
  }
  void Push(VerbClass stream_class, size_t bytes,
            base::Deadline deadline = base::Deadline::Infinite()) {
    queue_.Push(stream_class, bytes, deadline, [this, stream_class] {
      order_.push_back(stream_class);
      return Held();
    });
  }
  void Settle() { world_.Run(Sleep(absl::Seconds(1))); }
  static Task<void> Sleep(absl::Duration span) { co_await base::SleepFor(span); }

  base::sim::TestWorld world_;
  base::Metrics metrics_;
  BackgroundQueue queue_{0, world_.node().clock(), metrics_};
  base::Event go_;
  int started_ = 0;
  int ended_ = 0;
  std::vector<VerbClass> order_;
};

TEST_F(BackgroundQueueTest, OnlySoManyAreInHand) {
  for (int i = 0; i < 500; ++i) Push(VerbClass::kHints, 100);
  Settle();
  EXPECT_EQ(started_, BackgroundQueue::kInHandMessages);
  go_.Set();
  Settle();
  EXPECT_EQ(ended_, 500);
  world_.Run(queue_.Stop());
}

TEST_F(BackgroundQueueTest, OnlySoManyBytesAreInHandAndALargeOneGoesAlone) {
  Push(VerbClass::kHints, 20 << 20);
  for (int i = 0; i < 20; ++i) Push(VerbClass::kHints, 300 << 10);
  Settle();
  EXPECT_EQ(started_, 1);
  go_.Pulse();
  Settle();
  EXPECT_EQ(started_, 1 + 4) << "1.2 MiB are more than a MiB";
  go_.Set();
  Settle();
  EXPECT_EQ(ended_, 21);
  world_.Run(queue_.Stop());
}

TEST_F(BackgroundQueueTest, ClassesTakeTurns) {
  for (int i = 0; i < 30; ++i) Push(VerbClass::kStreaming, 100);
  for (int i = 0; i < 3; ++i) Push(VerbClass::kHints, 100);
  for (int i = 0; i < 3; ++i) Push(VerbClass::kRepair, 100);
  go_.Set();
  Settle();
  ASSERT_EQ(order_.size(), 36u);
  for (const VerbClass each : {VerbClass::kHints, VerbClass::kRepair}) {
    EXPECT_EQ(std::count(order_.begin(), order_.begin() + 10, each), 3);
  }
  world_.Run(queue_.Stop());
}

TEST_F(BackgroundQueueTest, WhatHasExpiredTakesNoPartOfATurn) {
  for (int i = 0; i < 50; ++i) Push(VerbClass::kHints, 100, world_.node().clock().Now());
  Push(VerbClass::kHints, 100);
  go_.Set();
  Settle();
  EXPECT_EQ(ended_, 51);
  world_.Run(queue_.Stop());
}

TEST_F(BackgroundQueueTest, StopDropsWhatWaitsAndAwaitsWhatWasStarted) {
  for (int i = 0; i < 100; ++i) Push(VerbClass::kHints, 100);
  Settle();
  const int started = started_;
  world_.Run([&]() -> Task<void> {
    base::Scope scope;
    scope.Spawn(queue_.Stop());
    co_await base::SleepFor(absl::Seconds(1));
    EXPECT_EQ(scope.running(), 1) << "what was started has not ended";
    go_.Set();
    co_await scope.Stop();
  });
  EXPECT_EQ(ended_, started);
  Push(VerbClass::kHints, 100);
  Settle();
  EXPECT_EQ(started_, started) << "nothing begins after Stop";
}

// A node that serves two verbs alike: some work of the processor, then of the disk.
class Server {
 public:
  Server(SimNetwork& network, SimNode& node) : transport_(network, node, {node.name(), 7000}) {
    for (const Verb verb : {Verb::kWrite, Verb::kHint}) {
      transport_.Handle(verb, [this](Incoming message) { return Serve(std::move(message)); });
    }
  }
  Task<void> Start() {
    const absl::Status status = co_await transport_.Start();
    THOLOS_CHECK(status.ok()) << status;
  }
  // Asks `to` over and over, until Stop: `callers` at a time, each after a pause.
  void Storm(Verb verb, int callers, absl::Duration pause, std::vector<absl::Duration>* latencies) {
    for (int i = 0; i < callers; ++i) scope_.Spawn(Ask(verb, pause, latencies));
  }
  int served(Verb verb) const { return served_[verb == Verb::kHint]; }
  Task<void> Stop() {
    stopping_.Set();
    co_await scope_.Stop();
    co_await transport_.Stop();
  }

 private:
  Task<absl::StatusOr<std::string>> Serve(Incoming message) {
    for (int i = 0; i < 5; ++i) co_await base::Yield();
    co_await base::SleepFor(absl::Milliseconds(1));
    ++served_[message.verb == Verb::kHint];
    co_return std::string();
  }
  Task<void> Ask(Verb verb, absl::Duration pause, std::vector<absl::Duration>* latencies) {
    while (!stopping_.is_set()) {
      const base::MonotonicTime start = base::Loop::Current().clock().Now();
      const auto answer = co_await transport_.Call(
          {.to = {"b", 7000}, .verb = verb, .body = std::string(1000, 'x')},
          start + absl::Seconds(30));
      if (answer.ok() && latencies != nullptr)
        latencies->push_back(base::Loop::Current().clock().Now() - start);
      co_await stopping_.WaitUntil(base::Loop::Current().clock().Now() + pause);
    }
  }

  SimTransport transport_;
  base::Event stopping_;
  base::Scope scope_;
  int served_[2] = {0, 0};
};

class HintStormTest : public testing::Test {
 protected:
  HintStormTest() {
    for (const char* name : {"a", "b"}) {
      SimNode& node = simulation_.AddNode(name, {.shards = 1});
      node.Boot();
      Server& server = node.Own(std::make_unique<Server>(network_, node));
      (name[0] == 'a' ? a_ : b_) = &server;
      node.Spawn(server.Start());
    }
    simulation_.RunFor(absl::Milliseconds(10));
  }
  ~HintStormTest() override { simulation_.KillAll(); }

  // On node a's shard.
  void Storm(Verb verb, int callers, absl::Duration pause,
             std::vector<absl::Duration>* latencies = nullptr) {
    simulation_.FindNode("a")->executor().shard(0).Post(
        [=, this] { a_->Storm(verb, callers, pause, latencies); });
  }
  static absl::Duration Percentile(std::vector<absl::Duration> all, double share) {
    THOLOS_CHECK(!all.empty());
    std::sort(all.begin(), all.end());
    return all[static_cast<size_t>(share * static_cast<double>(all.size() - 1))];
  }

  // Every piece of work takes 20 microseconds in the mean.
  Simulation simulation_{
      {.seed = base::sim::SeedFromEnvironment(), .step_cost_max = absl::Microseconds(40)}};
  SimNetwork network_{simulation_};
  Server* a_ = nullptr;
  Server* b_ = nullptr;
};

TEST_F(HintStormTest, TheForegroundDoesNotWaitBehindIt) {
  std::vector<absl::Duration> alone, in_storm;
  Storm(Verb::kWrite, 4, absl::Milliseconds(5), &alone);
  simulation_.RunFor(absl::Seconds(2));
  // As many hints as three coordinators of eight shards each have on their way.
  Storm(Verb::kHint, 1500, absl::ZeroDuration());
  Storm(Verb::kWrite, 4, absl::Milliseconds(5), &in_storm);
  simulation_.RunFor(absl::Seconds(5));
  EXPECT_LT(Percentile(in_storm, 0.99), Percentile(alone, 0.99) + absl::Milliseconds(50));
  EXPECT_GT(b_->served(Verb::kHint), 2000) << "what is free goes to the hints";
}

// The measure of the test above: the same storm in the class of the foreground.
TEST_F(HintStormTest, AStormOfTheForegroundItselfIsWaitedFor) {
  std::vector<absl::Duration> storm, beside;
  Storm(Verb::kWrite, 1500, absl::ZeroDuration(), &storm);
  Storm(Verb::kWrite, 4, absl::Milliseconds(5), &beside);
  simulation_.RunFor(absl::Seconds(5));
  EXPECT_GT(Percentile(beside, 0.5), absl::Milliseconds(100));
}

TEST_F(HintStormTest, HintsMoveOnUnderAForegroundThatLeavesNothingFree) {
  std::vector<absl::Duration> writes;
  Storm(Verb::kWrite, 500, absl::ZeroDuration(), &writes);
  Storm(Verb::kHint, 100, absl::ZeroDuration());
  simulation_.RunFor(absl::Seconds(2));
  for (int second = 0; second < 5; ++second) {
    const int hints = b_->served(Verb::kHint);
    const int foreground = b_->served(Verb::kWrite);
    simulation_.RunFor(absl::Seconds(1));
    EXPECT_GE(b_->served(Verb::kHint) - hints, 8) << "in second " << second;
    EXPECT_GT(b_->served(Verb::kWrite) - foreground, 4 * (b_->served(Verb::kHint) - hints))
        << "in second " << second;
  }
}

}  // namespace
}  // namespace tholos::rpc
