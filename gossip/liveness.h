// Who is believed alive, as every shard may ask at any time. The gossiper (shard 0) publishes;
// readers see the last published set.
#pragma once

#include <functional>
#include <memory>
#include <utility>

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

  // A hint from whoever talks to peers: a call to `id` found nobody there (kUnavailable). The
  // gossiper probes it at once instead of in its next round; cheap enough to be called for every
  // failed call.
  void Suspect(const ring::NodeId& id) const {
    absl::MutexLock lock(&mutex_);
    if (on_suspect_ && suspects_.insert(id).second && suspects_.size() == 1) on_suspect_();
  }

  // For the gossiper. `on_suspect` is called under a lock when the first suspect since the last
  // TakeSuspects comes in; it only posts.
  void Publish(Set alive) {
    auto next = std::make_shared<const Set>(std::move(alive));
    absl::MutexLock lock(&mutex_);
    alive_ = std::move(next);
  }
  void OnSuspect(std::function<void()> on_suspect) {
    absl::MutexLock lock(&mutex_);
    on_suspect_ = std::move(on_suspect);
    suspects_.clear();
  }
  Set TakeSuspects() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(suspects_, {});
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Set> alive_ ABSL_GUARDED_BY(mutex_);
  mutable Set suspects_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_suspect_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::gossip
