#include "base/sim/test_world.h"

#include "absl/strings/str_cat.h"

namespace tholos::base::sim {

void TestWorld::RunTo(absl::FunctionRef<bool()> ended, absl::Duration max) {
  const Simulation::Outcome outcome = simulation_.RunUntil(ended, max);
  if (outcome == Simulation::Outcome::kReached) return;
  // The objects of the test are about to be destroyed: let them know that it is a crash.
  node_.Kill();
  throw TaskDidNotEnd(
      absl::StrCat(outcome == Simulation::Outcome::kIdle
                       ? "deadlock: the task waits and nothing is left that could wake it"
                       : absl::StrCat("the task did not end within ", absl::FormatDuration(max),
                                      " of virtual time"),
                   " (THOLOS_SEED=", simulation_.seed(), ")"));
}

void TestWorld::Reboot(bool power_loss, std::optional<int> shards) {
  on_shard_.reset();
  power_loss ? node_.PowerLoss() : node_.Kill();
  shards.has_value() ? node_.Boot(*shards) : node_.Boot();
  on_shard_.emplace(&node_.executor().shard(0));
}

}  // namespace tholos::base::sim
