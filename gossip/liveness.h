// Who is believed alive, as every shard may ask at any time. The gossiper (shard 0) publishes; readers see the last
// published set.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/synchronization/mutex.h"
#include "ring/cluster_state.h"

namespace tholos::gossip {

// Thread-safe.
class LivenessView {
 public:
  using Set = absl::btree_set<ring::NodeId>;
  LivenessView() : alive_(std::make_shared<const Set>()) {}

  bool IsAlive(const ring::NodeId& id) const { return Snapshot()->contains(id); }
  std::shared_ptr<const Set> Snapshot() const {
    absl::MutexLock lock(&mutex_);
    return alive_;
  }
  void Publish(Set alive) {
    auto next = std::make_shared<const Set>(std::move(alive));
    absl::MutexLock lock(&mutex_);
    alive_ = std::move(next);
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Set> alive_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::gossip
