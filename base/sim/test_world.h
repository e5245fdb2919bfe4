// For the unit tests of every module: one simulated node and a way to run a coroutine to its end.
//
//   TEST(Table, ReadsItsWrites) {
//     TestWorld world;
//     world.Run([&]() -> Task<void> {
//       auto table = co_await Table::Open(world.files(), "/data");
//       ...
//     });
//   }
//
// The body of the test is on shard 0 too: objects that belong to a loop can be built and destroyed
// there. Whatever was started must be stopped before the objects it uses are destroyed.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "base/async/loop.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"

namespace tholos::base::sim {

// Fails the running GoogleTest with what went wrong and the seed.
class TaskDidNotEnd : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class TestWorld {
 public:
  struct Options {
    uint64_t seed = SeedFromEnvironment();
    NodeOptions node;
  };

  TestWorld() : TestWorld(Options{}) {}
  explicit TestWorld(uint64_t seed) : TestWorld(Options{.seed = seed}) {}
  explicit TestWorld(Options options)
      : simulation_({.seed = options.seed}), node_(simulation_.AddNode("n1", options.node)) {
    node_.Boot();
    on_shard_.emplace(&node_.executor().shard(0));
  }

  // Runs to its end: a Task<T>, or a function without parameters that returns one (it may capture,
  // for it lives as long as the task). Throws TaskDidNotEnd if nothing is left to do, or `max` of
  // virtual time has passed, before the end; the node is killed then.
  template <typename T>
  T Run(Task<T> task, absl::Duration max = absl::Minutes(10)) {
    if constexpr (std::is_void_v<T>) {
      bool ended = false;
      SpawnDetached(Loop::Current(), Await(std::move(task), &ended));
      RunTo([&] { return ended; }, max);
    } else {
      std::optional<T> result;
      SpawnDetached(Loop::Current(), Await(std::move(task), &result));
      RunTo([&] { return result.has_value(); }, max);
      return *std::move(result);
    }
  }
  template <typename Function>
  auto Run(Function&& function, absl::Duration max = absl::Minutes(10))
      -> std::invoke_result_t<Function>::value_type {
    return Run(function(), max);
  }

  // For tests in which the node may crash (files().CrashAtOperation): true if the task ended, false
  // if the node died before. Everything that the task uses should be local to it, or in node().Own.
  template <typename Function>
  bool RunOrCrash(Function&& function, absl::Duration max = absl::Minutes(10)) {
    bool ended = false;
    SpawnDetached(Loop::Current(), Await(function(), &ended));
    RunTo([&] { return ended || !node_.running(); }, max);
    node_.CarryOutRequestedCrash();
    return ended;
  }

  // Lets background work go on for a while.
  void RunFor(absl::Duration span) { simulation_.RunFor(span); }

  // Ends the process and boots it again; the body of the test is on the new shard 0 afterwards.
  // Objects of the old process must be in node().Own, or be gone before.
  void KillAndBoot() { Reboot(false); }
  // With another number of shards from now on.
  void KillAndBoot(int shards) { Reboot(false, shards); }
  void PowerLossAndBoot() { Reboot(true); }

  Simulation& simulation() { return simulation_; }
  SimNode& node() { return node_; }
  SimExecutor& executor() { return node_.executor(); }
  SimClock& clock() { return node_.clock(); }
  SimRandom& random() { return node_.random(); }
  SimFileSystem& files() { return node_.files(); }
  SimLog& log() { return node_.log(); }
  Loop& shard(int index) { return executor().shard(index); }

 private:
  static Task<void> Await(Task<void> task, bool* ended) {
    co_await std::move(task);
    {
      Task<void> gone = std::move(task);
    }
    *ended = true;
  }
  template <typename T>
  static Task<void> Await(Task<T> task, std::optional<T>* result) {
    std::optional<T> value(co_await std::move(task));
    {
      Task<T> gone = std::move(task);
    }
    *result = std::move(value);
  }
  void RunTo(absl::FunctionRef<bool()> ended, absl::Duration max);
  void Reboot(bool power_loss, std::optional<int> shards = std::nullopt);

  Simulation simulation_;
  SimNode& node_;
  std::optional<Loop::Enter> on_shard_;
};

// The same in a world of its own, for what needs nothing but a loop.
template <typename TaskOrFunction>
auto RunTask(TaskOrFunction&& task, uint64_t seed = SeedFromEnvironment()) {
  return TestWorld(seed).Run(std::forward<TaskOrFunction>(task));
}

}  // namespace tholos::base::sim
