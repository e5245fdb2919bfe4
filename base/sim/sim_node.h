// One simulated machine and the process on it: loops, clock, randomness, log, disk.
//
// The machine lives as long as the simulation; processes come and go on it:
//
//   Boot() -> running -> Shutdown()    orderly: everything was stopped, nothing is running
//                     -> Kill()        kill -9: what was written stays, all else is gone
//                     -> PowerLoss()   the same, and the disk forgets (sim_file_system.h)
//
// A crash asked for by work that runs inside the simulation takes place after that piece of work;
// until then nothing the node does to its disk or the network has any effect.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sim/sim_clock.h"
#include "base/sim/sim_executor.h"
#include "base/sim/sim_file_system.h"
#include "base/sim/sim_log.h"
#include "base/sim/sim_random.h"

namespace tholos::base::sim {

class Simulation;

struct NodeOptions {
  int shards = 2;
  int background_loops = 1;
};

class SimNode {
 public:
  SimNode(Simulation& simulation, std::string name, NodeOptions options);
  ~SimNode();
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;

  const std::string& name() const { return name_; }
  Simulation& simulation() { return simulation_; }

  // The doors. The executor exists while the node runs, the others always.
  SimExecutor& executor();
  SimClock& clock() { return clock_; }
  SimRandom& random() { return random_; }
  SimFileSystem& files() { return files_; }
  SimLog& log() { return log_; }

  void Boot();
  // With another number of shards from now on.
  void Boot(int shards) {
    options_.shards = shards;
    Boot();
  }
  void Shutdown();
  void Kill() { Crash(false); }
  void PowerLoss() { Crash(true); }
  bool running() const { return executor_ != nullptr && !crash_requested_; }
  // How often it was booted.
  uint64_t incarnation() const { return incarnation_; }

  // Runs `task` on shard 0, on its own.
  void Spawn(Task<void> task);
  // Keeps `object` for the running process; destroyed, newest first, when it ends. After a crash
  // destructors run with Loop::CurrentCrashed().
  template <typename T>
  T& Own(std::unique_ptr<T> object) {
    T& reference = *object;
    owned_.push_back(std::shared_ptr<T>(std::move(object)));
    return reference;
  }
  // Called whenever a process of this node ends, before the objects it owns are destroyed.
  void OnEnd(std::function<void()> callback) { on_end_.push_back(std::move(callback)); }

  // For the scheduler.
  void CarryOutRequestedCrash();

 private:
  void Crash(bool power_loss);
  void CrashNow();
  void EndProcess();

  Simulation& simulation_;
  const std::string name_;
  NodeOptions options_;
  RandomStream machine_random_;
  SimClock clock_;
  SimRandom random_;
  SimLog log_;
  SimFileSystem files_;
  std::unique_ptr<SimExecutor> executor_;
  uint64_t incarnation_ = 0;
  bool crash_requested_ = false;
  bool power_loss_requested_ = false;
  std::vector<std::shared_ptr<void>> owned_;
  std::vector<std::function<void()>> on_end_;
  // Loops of ended processes: events that are still on their way may name them.
  std::vector<std::unique_ptr<SimExecutor>> ended_;
};

}  // namespace tholos::base::sim
