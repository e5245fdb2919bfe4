#include "base/sim/sim_node.h"

#include <utility>

#include "base/async/scope.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/sim/simulation.h"
#include "base/strings.h"

namespace tholos::base::sim {

int SimExecutor::current_shard() const {
  const Loop* current = Loop::CurrentOrNull();
  for (const auto& loop : shards_) {
    if (loop.get() == current) return loop->shard();
  }
  return -1;
}

std::vector<SimLoop*> SimExecutor::loops() const {
  std::vector<SimLoop*> all;
  for (const auto& loop : shards_) all.push_back(loop.get());
  for (const auto& loop : background_) all.push_back(loop.get());
  return all;
}

RandomStream SimRandom::Stream(std::string_view name) {
  const uint64_t call = calls_[std::string(name)]++;
  const uint64_t numbers[] = {node_seed_, boots_, call};
  return RandomStream(
      Checksum64(name, Checksum64({reinterpret_cast<const char*>(numbers), sizeof(numbers)})));
}

SimNode::SimNode(Simulation& simulation, std::string name, NodeOptions options)
    : simulation_(simulation),
      name_(std::move(name)),
      options_(options),
      machine_random_(simulation.Stream(StrCat("machine/", name_))),
      clock_(simulation),
      random_(machine_random_.Next()),
      log_(simulation, name_),
      files_(*this) {}

SimNode::~SimNode() { THOLOS_CHECK(executor_ == nullptr) << name_ << " is still running"; }

SimExecutor& SimNode::executor() {
  THOLOS_CHECK(executor_ != nullptr) << name_ << " is not running";
  return *executor_;
}

void SimNode::Boot() {
  THOLOS_CHECK(executor_ == nullptr) << name_ << " is running already";
  ++incarnation_;
  random_.CountBoot();
  clock_.RestartMonotonic(
      {machine_random_.Between(0, absl::ToInt64Nanoseconds(absl::Hours(1000)))});
  const auto make_loops = [this](int count, std::string_view kind, bool shards) {
    std::vector<std::unique_ptr<SimLoop>> loops;
    for (int i = 0; i < count; ++i) {
      loops.push_back(std::make_unique<SimLoop>(simulation_, clock_, simulation_.next_loop_id_++,
                                                StrCat(name_, "/", kind, i), shards ? i : -1));
      simulation_.loops_.push_back(loops.back().get());
    }
    return loops;
  };
  auto shards = make_loops(options_.shards, "", true);
  auto background = make_loops(options_.background_loops, "bg", false);
  executor_ = std::make_unique<SimExecutor>(std::move(shards), std::move(background));
  simulation_.trace().Fold(simulation_.now(), name_, "boot", incarnation_);
}

void SimNode::Spawn(Task<void> task) { SpawnDetached(executor().shard(0), std::move(task)); }

void SimNode::Shutdown() {
  THOLOS_CHECK(running()) << name_ << " is not running";
  for (SimLoop* loop : executor_->loops()) {
    THOLOS_CHECK(!loop->RunsTasks()) << loop->name() << " still runs a task";
  }
  simulation_.trace().Fold(simulation_.now(), name_, "shutdown");
  EndProcess();
}

void SimNode::Crash(bool power_loss) {
  if (executor_ == nullptr) {
    // Nothing runs; the disk may still hold what an earlier process has not synced.
    power_loss_requested_ = power_loss;
    if (power_loss) CrashNow();
    return;
  }
  crash_requested_ = true;
  power_loss_requested_ |= power_loss;
  if (!simulation_.in_step()) CrashNow();
}

void SimNode::CarryOutRequestedCrash() {
  if (crash_requested_) CrashNow();
}

void SimNode::CrashNow() {
  simulation_.trace().Fold(simulation_.now(), name_, power_loss_requested_ ? "power loss" : "kill");
  if (executor_ != nullptr) {
    SimLoop::Crash(executor_->loops());
    EndProcess();
  }
  if (power_loss_requested_) files_.LosePower();
  crash_requested_ = false;
  power_loss_requested_ = false;
}

void SimNode::EndProcess() {
  for (auto& callback : on_end_) callback();
  {
    Loop::Enter enter(&executor_->shard(0));
    while (!owned_.empty()) owned_.pop_back();
  }
  files_.EndProcess();
  // What is still on its way to these loops is dropped.
  SimLoop::Crash(executor_->loops());
  for (SimLoop* loop : executor_->loops()) std::erase(simulation_.loops_, loop);
  ended_.push_back(std::move(executor_));
}

}  // namespace tholos::base::sim
