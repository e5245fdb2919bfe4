#include "base/sim/simulation.h"

#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/when_all.h"
#include "base/clock.h"
#include "base/sim/sim_node.h"
#include "gtest/gtest.h"

namespace tholos::base::sim {
namespace {

// A little of everything on every loop of a node.
class Busy {
 public:
  explicit Busy(SimNode& node) : node_(node), random_(node.random().Stream("busy")) {}

  Task<void> Run(int depth) {
    Semaphore semaphore(2);
    Scope scope;
    for (int i = 0; i < 4; ++i) scope.Spawn(Worker(&semaphore, depth));
    co_await scope.Stop();
  }
  uint64_t done() const { return done_; }

 private:
  Task<void> Worker(Semaphore* semaphore, int depth) {
    for (int i = 0; i < 5; ++i) {
      auto units = co_await semaphore->Acquire(1 + random_.Below(2));
      co_await base::SleepFor(absl::Microseconds(random_.Below(500)));
      co_await RunOn(node_.executor().shard(static_cast<int>(random_.Below(2))), Nested(depth));
      co_await RunOn(node_.executor().background(), Nested(0));
      ++done_;
    }
  }
  Task<void> Nested(int depth) {
    co_await Yield();
    if (depth == 0) co_return;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 2; ++i) tasks.push_back(Run(depth - 1));
    co_await WhenAll(std::move(tasks));
  }

  SimNode& node_;
  RandomStream random_;
  uint64_t done_ = 0;
};

struct RunResult {
  uint64_t hash;
  uint64_t steps;
  int64_t nanos;
  friend bool operator==(const RunResult&, const RunResult&) = default;
};

RunResult RunBusyNodes(uint64_t seed) {
  Simulation simulation({.seed = seed});
  for (const char* name : {"a", "b", "c"}) {
    SimNode& node = simulation.AddNode(name, {});
    node.Boot();
    Busy& busy = node.Own(std::make_unique<Busy>(node));
    node.Spawn(busy.Run(1));
  }
  EXPECT_EQ(simulation.RunUntil([] { return false; }, absl::Seconds(10)),
            Simulation::Outcome::kIdle);
  return {simulation.trace().hash(), simulation.steps(), simulation.now().nanos};
}

TEST(Simulation, ASeedReplaysItself) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const RunResult first = RunBusyNodes(seed);
    EXPECT_EQ(first, RunBusyNodes(seed)) << seed;
    EXPECT_GT(first.steps, 1000u);
    hashes.insert(first.hash);
  }
  EXPECT_EQ(hashes.size(), 10u) << "seeds must differ in what they do";
}

TEST(Simulation, PostsOfOneLoopArriveInOrderAndThoseOfManyInterleave) {
  std::set<std::vector<int>> orders;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation simulation({.seed = seed});
    SimNode& node = simulation.AddNode("n", {.shards = 3});
    node.Boot();
    std::vector<int> order;
    for (int source = 1; source <= 2; ++source) {
      node.executor().shard(source).Post([&, source] {
        for (int i = 0; i < 5; ++i) {
          node.executor().shard(0).Post(
              [&order, number = source * 10 + i] { order.push_back(number); });
        }
      });
    }
    simulation.RunFor(absl::Milliseconds(1));
    ASSERT_EQ(order.size(), 10u);
    for (int source = 1; source <= 2; ++source) {
      std::vector<int> of_source;
      for (const int number : order) {
        if (number / 10 == source) of_source.push_back(number % 10);
      }
      EXPECT_EQ(of_source, (std::vector<int>{0, 1, 2, 3, 4}));
    }
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 10u);
}

// Kills a node at every point of its work, in turn; AddressSanitizer watches what is left behind.
TEST(Simulation, ANodeCanBeKilledAnywhere) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Simulation simulation({.seed = seed});
    SimNode& node = simulation.AddNode("n", {});
    node.Boot();
    Busy* busy = &node.Own(std::make_unique<Busy>(node));
    node.Spawn(busy->Run(2));
    const uint64_t kill_at = seed * 7;
    simulation.RunUntil([&] { return simulation.steps() >= kill_at; }, absl::Minutes(1));
    node.Kill();
    EXPECT_FALSE(node.running());
    EXPECT_EQ(simulation.RunUntil([] { return false; }, absl::Minutes(1)),
              Simulation::Outcome::kIdle);
    node.Boot();
    busy = &node.Own(std::make_unique<Busy>(node));
    node.Spawn(busy->Run(0));
    simulation.RunFor(absl::Minutes(1));
    EXPECT_EQ(busy->done(), 20u) << "seed " << seed;
    node.Shutdown();
  }
}

Task<void> KillOwnNode(SimNode* node, int* after) {
  co_await Yield();
  node->Kill();
  ++*after;  // the piece of work that asked for it still ends
  co_await Yield();
  ++*after;
}

TEST(Simulation, ANodeThatKillsItselfDiesAfterTheStep) {
  Simulation simulation({});
  SimNode& node = simulation.AddNode("n", {});
  node.Boot();
  int after = 0;
  node.Spawn(KillOwnNode(&node, &after));
  simulation.RunFor(absl::Seconds(1));
  EXPECT_EQ(after, 1);
  EXPECT_FALSE(node.running());
  EXPECT_EQ(simulation.now().nanos, 1'000'000'000);
}

struct SawCrash {
  bool* saw;
  ~SawCrash() { *saw = Loop::CurrentCrashed(); }
};

TEST(Simulation, OwnedObjectsSeeTheCrash) {
  Simulation simulation({});
  SimNode& node = simulation.AddNode("n", {});
  bool saw = true;
  node.Boot();
  node.Own(std::make_unique<SawCrash>(&saw));
  node.Shutdown();
  EXPECT_FALSE(saw);
  node.Boot();
  node.Own(std::make_unique<SawCrash>(&saw));
  node.Kill();
  EXPECT_TRUE(saw);
}

Task<void> WaitInAnOlderTask(std::shared_ptr<Event>* shared) {
  while (*shared == nullptr) co_await Yield();
  co_await (*shared)->Wait();
}

Task<void> OwnTheEventInANewerTask(std::shared_ptr<Event>* shared) {
  auto mine = std::make_shared<Event>();
  *shared = std::shared_ptr<Event>(mine.get(), [](Event*) {});
  co_await base::SleepFor(absl::Hours(1));
}

// The event is destroyed first, as its owner is the newer task.
TEST(Simulation, ACrashMayDestroyAnEventBeforeItsWaiter) {
  Simulation simulation({});
  SimNode& node = simulation.AddNode("n", {});
  node.Boot();
  std::shared_ptr<Event> shared;
  node.Spawn(WaitInAnOlderTask(&shared));
  node.Spawn(OwnTheEventInANewerTask(&shared));
  simulation.RunFor(absl::Seconds(1));
  node.Kill();
}

TEST(SimClock, DriftsAndSteps) {
  Simulation simulation({});
  SimNode& node = simulation.AddNode("n", {});
  node.Boot();
  const MonotonicTime start = node.clock().Now();
  const int64_t wall_start = node.clock().WallMicros();
  node.clock().SetDrift(100'000);  // a tenth too fast
  Timer timer;
  bool woken = false;
  node.executor().shard(0).Post(
      [&] { timer.Start(node.clock().Now() + absl::Seconds(11), [&] { woken = true; }); });
  EXPECT_EQ(simulation.RunUntil([&] { return woken; }, absl::Minutes(1)),
            Simulation::Outcome::kReached);
  EXPECT_NEAR(static_cast<double>(simulation.now().nanos), 10e9, 1e6);
  EXPECT_NEAR(absl::ToDoubleSeconds(node.clock().Now() - start), 11, 1e-3);
  node.clock().StepWall(-absl::Seconds(100));
  EXPECT_NEAR(static_cast<double>(node.clock().WallMicros() - wall_start), -89e6, 1e4);
  node.clock().SetDrift(-100'000);
  const MonotonicTime slow_start = node.clock().Now();
  simulation.RunFor(absl::Seconds(10));
  EXPECT_NEAR(absl::ToDoubleSeconds(node.clock().Now() - slow_start), 9, 1e-3);
}

TEST(SimRandom, StreamsDependOnNodeNameCallAndBoot) {
  Simulation simulation({.seed = 3});
  SimNode& a = simulation.AddNode("a", {});
  SimNode& b = simulation.AddNode("b", {});
  a.Boot();
  std::set<uint64_t> first;
  for (int i = 0; i < 3; ++i) first.insert(a.random().Stream("x").Next());
  first.insert(a.random().Stream("y").Next());
  first.insert(b.random().Stream("x").Next());
  a.Kill();
  a.Boot();
  first.insert(a.random().Stream("x").Next());
  EXPECT_EQ(first.size(), 6u);
}

}  // namespace
}  // namespace tholos::base::sim
