// What the hints of all shards of a node have in common: their limits, and the numbers of files.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "base/mutex.h"
#include "base/time.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// Bytes a second, of all who take from it. Thread-safe.
class SharedRate {
 public:
  // `bytes` were sent: when the next may be, so that the rate is kept.
  base::MonotonicTime Take(base::MonotonicTime now, uint64_t bytes, uint64_t bytes_per_second) {
    const auto nanos = static_cast<int64_t>(static_cast<double>(bytes) * 1e9 /
                                            static_cast<double>(bytes_per_second));
    int64_t within = within_nanos_.load(std::memory_order_relaxed);
    int64_t next = 0;
    do {
      next = std::max(within, now.nanos) + nanos;
    } while (!within_nanos_.compare_exchange_weak(within, next, std::memory_order_relaxed));
    return {next};
  }

 private:
  std::atomic<int64_t> within_nanos_ = 0;  // what was taken is within the rate from then on
};

// Thread-safe.
class HintTotals {
 public:
  struct Target {
    std::atomic<uint64_t> bytes = 0;  // on disk
    std::atomic<uint64_t> next_sequence = 1;
    SharedRate replayed;
  };
  // Valid as long as this.
  Target& Of(const ring::NodeId& target) ABSL_LOCKS_EXCLUDED(mutex_) {
    base::MutexLock lock(&mutex_);
    std::unique_ptr<Target>& found = targets_[target];
    if (found == nullptr) found = std::make_unique<Target>();
    return *found;
  }

  std::atomic<uint64_t> pending_bytes = 0;  // on their way to disk
  SharedRate replayed;

 private:
  base::Mutex mutex_;
  absl::btree_map<ring::NodeId, std::unique_ptr<Target>> targets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::coordinator
