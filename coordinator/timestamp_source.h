// TimestampSource: a node's hybrid clock for mutations. Wall time as long as it advances; else the
// last timestamp plus one, so that timestamps strictly increase over all shards and are never
// behind one that this node has seen.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "data/partition.h"

namespace tholos::coordinator {

// Lock-free; usable from every thread.
class TimestampSource {
 public:
  // A timestamp further than this ahead of the wall clock is not believed to be a clock's: it was
  // given by a broken one. Following it would drag every later write of the cluster into the
  // future, for good. The bound is far above what clocks differ by and what clients may give
  // (CoordinatorOptions::timestamp_ahead_max): within it, what was seen is followed, or an
  // acknowledged write of a node whose clock is behind would lose to older ones.
  static constexpr int64_t kFollowedAheadMicros = 86'400'000'000;

  explicit TimestampSource(const base::Clock& clock) : clock_(clock) {}

  // Microseconds since 1970: max(wall clock, last + 1).
  data::Timestamp Next();
  // Where the next one starts: max(wall clock, last).
  data::Timestamp Latest() const;
  // The last one given or seen; 0: none since the start.
  data::Timestamp last() const { return last_.load(std::memory_order_relaxed); }
  // Before the first Next: goes on from here, whatever the clock says.
  void Restore(data::Timestamp ceiling) { last_.store(ceiling, std::memory_order_relaxed); }
  // `timestamp` was seen in a mutation or in data read. Later ones of Next are greater.
  void Observe(data::Timestamp timestamp);

 private:
  const base::Clock& clock_;
  std::atomic<data::Timestamp> last_ = 0;
};

// The largest timestamp in it, of data or of tombstones; kNoTimestamp if there is none.
data::Timestamp LargestTimestamp(const data::Partition& partition);

}  // namespace tholos::coordinator
