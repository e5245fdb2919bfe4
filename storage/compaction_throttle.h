// How fast compactions of a node may read and write: at full speed while nobody reads; slower the
// more of the time reads are in progress, but never so slow that the backlog would last longer than
// `drain`.
//
//   floor = clamp(backlog / drain, min, max)       rate = floor + (max - floor) * (1 - pressure)
//
// `pressure` is the share of recent moments at which a read was in progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace tholos::storage {

struct CompactionRateOptions {
  uint64_t bytes_per_second_min = 16 << 20;
  uint64_t bytes_per_second_max = uint64_t{1} << 30;
  absl::Duration drain = absl::Minutes(10);
};

// Bytes per second.
uint64_t CompactionRate(uint64_t backlog_bytes, double read_pressure,
                        const CompactionRateOptions& options);

// Thread-safe; one a node.
class CompactionThrottle {
 public:
  explicit CompactionThrottle(CompactionRateOptions options) : options_(options) {}

  // A read in progress.
  class Reading {
   public:
    explicit Reading(CompactionThrottle& throttle) : throttle_(throttle) { ++throttle_.reading_; }
    Reading(const Reading&) = delete;
    ~Reading() { --throttle_.reading_; }

   private:
    CompactionThrottle& throttle_;
  };

  // What the shard's compactions have yet to read.
  void SetBacklog(uint32_t shard, uint64_t bytes);
  uint64_t backlog() const;
  // Takes `bytes` out of the budget; whoever took them goes on after this long.
  absl::Duration Take(uint64_t bytes, base::MonotonicTime now);

 private:
  const CompactionRateOptions options_;
  std::atomic<int> reading_ = 0;
  mutable base::Mutex mutex_;
  std::map<uint32_t, uint64_t> backlog_ ABSL_GUARDED_BY(mutex_);
  uint64_t backlog_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  double pressure_ ABSL_GUARDED_BY(mutex_) = 0;
  base::MonotonicTime free_at_ ABSL_GUARDED_BY(mutex_);
};

// `fs` for a compaction: reads and writes of its files wait as the throttle says. Both outlive it.
std::unique_ptr<base::FileSystem> ThrottledFileSystem(base::FileSystem& fs,
                                                      CompactionThrottle& throttle,
                                                      const base::Clock& clock);

}  // namespace tholos::storage
