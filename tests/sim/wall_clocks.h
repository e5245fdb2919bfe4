// What the wall clocks of the nodes showed: a nemesis moves them through here, so that a checker can
// bound what a node read from its own, at some moment between two that the checker knows.
//
//   shown    │        ╱│
//            │      ╱  │ a step back
//            │ ╲  ╱    │        ╱        Since(mark): the least and the greatest second
//            │  mark   ╰──────╱ now      that was shown between the mark and now
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "base/sim/simulation.h"
#include "base/time.h"

namespace tholos::sim {

// Seconds since 1970: at least `first`, at most `last`.
struct WallSpan {
  int64_t first = 0;
  int64_t last = 0;
  void Include(int64_t second);
};

// Of all nodes of a simulation, by number. Confined to its thread.
class WallClocks {
 public:
  struct Mark {
    base::MonotonicTime when;  // global virtual time
    int node = 0;
    int64_t seconds = 0;
  };

  // Which outlives this.
  explicit WallClocks(const base::sim::Simulation& simulation) : simulation_(simulation) {}

  void Step(int node, absl::Duration step);
  int64_t Seconds(int node) const;
  Mark Now(int node) const { return {simulation_.now(), node, Seconds(node)}; }
  // What the mark's node showed since. Linear in the number of steps since then.
  WallSpan Since(const Mark& mark) const;
  // The latest second that any node showed since `when`.
  int64_t LatestSince(base::MonotonicTime when) const;

 private:
  struct Stepped {
    base::MonotonicTime when;
    int node = 0;
    int64_t before = 0;
    int64_t after = 0;
  };
  const base::sim::Simulation& simulation_;
  std::vector<Stepped> steps_;  // in the order of time
};

}  // namespace tholos::sim
