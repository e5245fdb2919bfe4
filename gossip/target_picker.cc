#include "gossip/target_picker.h"

#include <algorithm>

namespace tholos::gossip {
namespace {

bool Contains(const std::vector<base::Endpoint>& endpoints, const base::Endpoint& endpoint) {
  return std::find(endpoints.begin(), endpoints.end(), endpoint) != endpoints.end();
}

}  // namespace

base::Endpoint TargetPicker::NextLive(const std::vector<base::Endpoint>& live) {
  while (!order_.empty()) {
    const base::Endpoint next = order_.back();
    order_.pop_back();
    if (Contains(live, next)) return next;
  }
  order_ = live;
  for (size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[random_.Below(i + 1)]);
  const base::Endpoint next = order_.back();
  order_.pop_back();
  return next;
}

std::vector<base::Endpoint> TargetPicker::Pick(const std::vector<base::Endpoint>& live,
                                               const std::vector<base::Endpoint>& dead,
                                               const std::vector<base::Endpoint>& seeds) {
  std::vector<base::Endpoint> targets;
  const auto add = [&targets](const base::Endpoint& endpoint) {
    if (!Contains(targets, endpoint)) targets.push_back(endpoint);
  };
  if (!live.empty()) add(NextLive(live));
  const auto known = static_cast<double>(live.size() + dead.size());
  if (!dead.empty() &&
      random_.Chance(static_cast<double>(dead.size()) / static_cast<double>(live.size() + 1))) {
    add(OneOf(dead));
  }
  const bool to_seed = std::any_of(targets.begin(), targets.end(),
                                   [&](const base::Endpoint& t) { return Contains(seeds, t); });
  if (!seeds.empty() && (live.size() < seeds.size() ||
                         (!to_seed && random_.Chance(static_cast<double>(seeds.size()) / known)))) {
    add(OneOf(seeds));
  }
  return targets;
}

}  // namespace tholos::gossip
