// Clients of a workload: each does one thing after another, with random pauses, until it is told to
// stop.
#pragma once

#include <functional>
#include <utility>

#include "base/random.h"
#include "base/sim/simulation.h"

namespace tholos::sim {

class Clients {
 public:
  // To be called when the step's answer is there.
  using Next = std::function<void()>;
  using Step = std::function<void(Next)>;

  // Both outlive the clients.
  Clients(base::sim::Simulation& simulation, base::RandomStream& random)
      : simulation_(simulation), random_(random) {}

  void Start(Step step) {
    stopping_ = false;
    ++running_;
    Pause(std::move(step));
  }
  // Beside the clients: step after step with short pauses, as long as `more` holds and Stop was not
  // called; then `done`.
  void Repeat(std::function<bool()> more, Step step, Next done) {
    if (stopping_ || !more()) return done();
    step([=, this] {
      simulation_.After(absl::Microseconds(random_.Between(0, 200)), "client",
                        [=, this] { Repeat(more, step, done); });
    });
  }
  // No further steps; those under way end by themselves.
  void Stop() { stopping_ = true; }
  int running() const { return running_; }

 private:
  void Pause(Step step) {
    const absl::Duration pause = absl::Milliseconds(random_.Between(1, 120));
    simulation_.After(pause, "client", [this, step = std::move(step)] {
      if (stopping_) {
        --running_;
        return;
      }
      step([this, step] { Pause(step); });
    });
  }

  base::sim::Simulation& simulation_;
  base::RandomStream& random_;
  bool stopping_ = false;
  int running_ = 0;
};

}  // namespace tholos::sim
