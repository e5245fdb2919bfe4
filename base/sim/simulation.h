// A deterministic simulation of many nodes in one thread, driven by one seed.
//
// What is simulated is the five doors (DESIGN: clock, random, executor, files here; the transport
// in rpc/sim_transport.h); the code on top of them is the shipping code. Time is virtual: it moves
// a little with each step of work and jumps when there is nothing to do but wait.
//
//   Simulation simulation({.seed = 7});
//   SimNode& node = simulation.AddNode("n1", {});
//   node.Boot();
//   SpawnDetached(node.executor().shard(0), Main(node));
//   simulation.RunUntil([&] { return done; }, absl::Minutes(1));
//
// A step is one of: an event of the world (a disk operation completes, a message arrives, a nemesis
// acts), or one piece of work of one loop: a due timer, a posted closure, a coroutine to resume.
// The seed chooses the loop, and whose post it runs next. What one loop posts to another arrives in
// order, and coroutines made ready on a loop run in order; all else may interleave in any way.
//
// Determinism asks of the code under test: no pointer values or unordered iteration in decisions,
// no real time, no threads. Then trace().hash() is the same in every run of a seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "base/sim/trace.h"
#include "base/time.h"

namespace tholos::base::sim {

class SimLoop;
class SimNode;
struct NodeOptions;

// The seed for a test: the environment variable THOLOS_SEED, or `otherwise`.
uint64_t SeedFromEnvironment(uint64_t otherwise = 1);
// How many seeds a test of random lives tries: THOLOS_SEEDS, else `otherwise`.
uint64_t SeedCountFromEnvironment(uint64_t otherwise);

struct SimulationOptions {
  uint64_t seed = 1;
  // A piece of work takes a uniform random time up to this.
  absl::Duration step_cost_max = absl::Microseconds(2);
};

// Confined to one thread. Kills its nodes when destroyed.
class Simulation {
 public:
  enum class Outcome {
    kReached,  // the predicate holds
    kTimeout,  // virtual time is up
    kIdle,     // nothing is left to do and no time to wait for: it will never hold
  };

  explicit Simulation(SimulationOptions options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  uint64_t seed() const { return options_.seed; }
  // Global virtual time; a node's own clock differs by its skew and drift (sim_clock.h).
  MonotonicTime now() const { return now_; }

  // Not yet booted. Names are unique.
  SimNode& AddNode(std::string name, NodeOptions options);
  SimNode* FindNode(std::string_view name);
  // Kills all running nodes: before what their processes use is destroyed.
  void KillAll();
  const std::vector<std::unique_ptr<SimNode>>& nodes() const { return nodes_; }

  // Calls `act` at `when` (or now, if that has passed), outside of every loop, as an event of the
  // world.
  void At(MonotonicTime when, std::string what, absl::AnyInvocable<void()> act);
  void After(absl::Duration delay, std::string what, absl::AnyInvocable<void()> act) {
    At(now_ + delay, std::move(what), std::move(act));
  }

  // Steps until `predicate`, looked at after each step, holds or `max` has passed.
  Outcome RunUntil(absl::FunctionRef<bool()> predicate, absl::Duration max);
  // Lets this much time pass, with all that happens in it.
  void RunFor(absl::Duration span);

  // A stream of its own for whatever draws randomly: `name` and the seed determine it.
  RandomStream Stream(std::string_view name) const;
  Trace& trace() { return trace_; }
  uint64_t steps() const { return steps_; }
  // True while a loop's work runs: nodes may not be torn down beneath it.
  bool in_step() const { return in_step_; }

 private:
  friend class SimNode;
  struct WorldEvent {
    std::string what;
    absl::AnyInvocable<void()> act;
  };

  // One step at the current time; false if nothing can be done now.
  bool Step();
  // Moves time to the next event or timer, at most to `limit`; false if there is none at all.
  bool AdvanceTime(MonotonicTime limit);
  void RunDueEvent();
  void CollectRunnable();

  SimulationOptions options_;
  RandomStream scheduler_;
  MonotonicTime now_{0};
  Trace trace_;
  uint64_t steps_ = 0;
  uint64_t next_event_sequence_ = 0;
  uint32_t next_loop_id_ = 1;
  bool in_step_ = false;
  absl::btree_map<std::pair<MonotonicTime, uint64_t>, WorldEvent> events_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<SimLoop*> loops_;  // of running nodes
  std::vector<SimLoop*> runnable_;
};

}  // namespace tholos::base::sim
