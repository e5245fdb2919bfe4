// The reads that end a workload: in a healed cluster each succeeds. Many go at once, so that a long
// history takes no longer to look at than a client with many requests in flight would need.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/sim/simulation.h"

namespace tholos::sim {

// How a read ended.
using ReadEnded = std::function<void(const absl::Status&)>;

struct FinalRead {
  std::string what;  // "a register"
  // Begins the read, and is called again if it fails; `ended` is called once each time.
  std::function<void(ReadEnded ended)> begin;
};

// Repeats each until it succeeds, a second after it failed: the first reads may still meet a
// connection that is being made anew. Confined to the simulation's thread.
class FinalReads : public std::enable_shared_from_this<FinalReads> {
 public:
  static constexpr size_t kAtOnce = 16;

  // What the reads use outlives the simulation's last step. The simulation outlives this.
  static std::shared_ptr<FinalReads> Start(base::sim::Simulation& simulation,
                                           std::vector<FinalRead> reads);
  bool done() const { return succeeded_ == reads_.size(); }
  // No further ones begin. Returns a line for each that did not succeed.
  std::vector<std::string> Stop();

 private:
  struct One {
    FinalRead read;
    bool succeeded = false;
    absl::Status last = absl::UnknownError("it has not ended");
  };
  FinalReads(base::sim::Simulation& simulation, std::vector<FinalRead> reads);
  void BeginNext();
  void Begin(size_t i);
  void Ended(size_t i, const absl::Status& status);

  base::sim::Simulation& simulation_;
  std::vector<One> reads_;
  size_t next_ = 0;
  size_t succeeded_ = 0;
  bool stopped_ = false;
};

}  // namespace tholos::sim
