// A shard or background loop of a simulated node.
#pragma once

#include <coroutine>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/async/loop.h"
#include "base/random.h"
#include "base/sim/sim_clock.h"

namespace tholos::base::sim {

class Simulation;

class SimLoop final : public Loop {
 public:
  // `shard` is the index of the shard, or -1 for a background loop.
  SimLoop(Simulation& simulation, const SimClock& clock, uint32_t id, std::string name, int shard)
      : simulation_(simulation), clock_(clock), id_(id), name_(std::move(name)), shard_(shard) {}

  void Post(absl::AnyInvocable<void()> work) override;
  void Ready(std::coroutine_handle<> handle) override;
  const Clock& clock() const override { return clock_; }

  const std::string& name() const { return name_; }
  int shard() const { return shard_; }

  // For the scheduler:
  bool Runnable() const;
  // When the first timer is due, in global time.
  MonotonicTime NextTimerGlobal() const;
  // Runs what is due, one timer after another, or one piece of queued work. Requires Runnable().
  void RunOne(RandomStream& random);

  // For the node: its loops are crashed together.
  bool RunsTasks() const { return HasDetachedTasks(); }
  static void Crash(const std::vector<SimLoop*>& loops);

 private:
  bool TimerDue() const { return NextTimer() <= clock_.Now(); }
  void DropQueues();

  Simulation& simulation_;
  const SimClock& clock_;
  const uint32_t id_;
  const std::string name_;
  const int shard_;
  std::deque<std::coroutine_handle<>> ready_;
  // What each loop (by id; 0: the world) has posted here, in order; none is empty.
  std::map<uint32_t, std::deque<absl::AnyInvocable<void()>>> inboxes_;
};

}  // namespace tholos::base::sim
