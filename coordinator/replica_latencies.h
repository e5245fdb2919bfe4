// How long each replica took for its reads lately, as replica plans order them.
#pragma once

#include "absl/container/btree_map.h"
#include "base/time.h"
#include "coordinator/replica_plan.h"

namespace tholos::coordinator {

// An exponentially weighted mean for each node. Confined to its shard.
//
// A replica that was slow is asked last, and so nobody would notice that it is fast again: a mean
// that was not renewed for kForgottenAfter is dropped, and the node is asked like a new one. A
// replica that did not answer at all counts with the time that it was waited for.
class ReplicaLatencies {
 public:
  static constexpr absl::Duration kForgottenAfter = absl::Seconds(5);
  static constexpr double kWeight = 0.1;  // of the newest: about the last 10 count

  void Observe(const ring::NodeId& node, absl::Duration latency, base::MonotonicTime now) {
    const auto [mean, is_new] = means_.try_emplace(node, latency);
    if (!is_new) mean->second += (latency - mean->second) * kWeight;
    renewed_[node] = now;
  }

  const LatencyMap& Now(base::MonotonicTime now) {
    if (now < forget_at_) return means_;
    forget_at_ = now + absl::Seconds(1);
    for (auto it = renewed_.begin(); it != renewed_.end();) {
      if (now - it->second < kForgottenAfter) {
        ++it;
        continue;
      }
      means_.erase(it->first);
      it = renewed_.erase(it);
    }
    return means_;
  }

 private:
  LatencyMap means_;
  absl::btree_map<ring::NodeId, base::MonotonicTime> renewed_;
  base::MonotonicTime forget_at_;
};

}  // namespace tholos::coordinator
