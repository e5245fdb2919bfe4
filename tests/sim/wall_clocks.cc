#include "tests/sim/wall_clocks.h"

#include <algorithm>

#include "base/sim/sim_node.h"

namespace tholos::sim {

void WallSpan::Include(int64_t second) {
  first = std::min(first, second);
  last = std::max(last, second);
}

void WallClocks::Step(int node, absl::Duration step) {
  const int64_t before = Seconds(node);
  simulation_.nodes()[static_cast<size_t>(node)]->clock().StepWall(step);
  steps_.push_back({simulation_.now(), node, before, Seconds(node)});
}

int64_t WallClocks::Seconds(int node) const {
  return simulation_.nodes()[static_cast<size_t>(node)]->clock().WallSeconds();
}

WallSpan WallClocks::Since(const Mark& mark) const {
  WallSpan span{mark.seconds, mark.seconds};
  span.Include(Seconds(mark.node));
  for (auto step = steps_.rbegin(); step != steps_.rend() && step->when >= mark.when; ++step) {
    if (step->node != mark.node) continue;
    span.Include(step->before);
    span.Include(step->after);
  }
  return span;
}

int64_t WallClocks::LatestSince(base::MonotonicTime when) const {
  int64_t latest = Seconds(0);
  for (size_t n = 1; n < simulation_.nodes().size(); ++n)
    latest = std::max(latest, Seconds(static_cast<int>(n)));
  for (auto step = steps_.rbegin(); step != steps_.rend() && step->when >= when; ++step)
    latest = std::max(latest, step->before);
  return latest;
}

}  // namespace tholos::sim
