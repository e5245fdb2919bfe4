// The memory of a node's memtables: one budget over all shards and tables. When what no flush is at
// passes it, the largest table of any shard is flushed; where flushes lag, all writes are slowed
// down alike.
//
//   bytes    0 ------------- max ------- 1.5 max ----------- 2 max
//   writes   at full speed   | flush     | delayed, more and more | wait for a flush
//
// A shard that writes must not wait for the others: it says what it has in steps of some kilobytes,
// and asks for the sum then.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace tholos::storage {

// How long a write is delayed: nothing while flushes keep up, since what is written during one is
// less than half of the budget; from there growing with the square of what is in the way, so that
// writers settle at the pace of the flushes before twice the budget.
absl::Duration WriteDelay(uint64_t memtable_bytes, uint64_t bytes_max);

// Thread-safe; one an engine.
class MemoryBudget {
 public:
  MemoryBudget(uint64_t bytes_max, uint32_t shards);

  uint64_t bytes_max() const { return bytes_max_; }
  // A shard says what it has at least whenever it has changed by this much.
  uint64_t step_bytes() const { return step_bytes_; }
  // Of all memtables, as far as they were told.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  bool is_full() const { return bytes() >= 2 * bytes_max_; }

  struct Usage {
    uint64_t bytes = 0;
    uint64_t active_bytes = 0;    // less those that a flush is at
    uint64_t largest_active = 0;  // of one table
  };
  void Tell(uint32_t shard, const Usage& usage);
  // The shard that is to flush its largest table; nothing while the budget is kept.
  std::optional<uint32_t> ShardToFlush() const;

  // The last flush of the shard failed because the disk is full, or not.
  void TellDiskFull(uint32_t shard, bool full);
  bool disk_full() const;

  // `wake` is called, from any thread, when the shard is to look again: at ShardToFlush, or, if it
  // has writes that wait, at is_full. Before the shard's first Tell; nullptr: no more.
  void SetWaker(uint32_t shard, std::function<void()> wake);
  void Wake(uint32_t shard);
  void WakeAll();

 private:
  struct alignas(64) Shard {
    std::atomic<uint64_t> bytes = 0;
    std::atomic<uint64_t> active_bytes = 0;
    std::atomic<uint64_t> largest_active = 0;
    std::atomic<bool> disk_full = false;
  };

  const uint64_t bytes_max_;
  const uint64_t step_bytes_;
  std::atomic<uint64_t> bytes_ = 0;
  std::vector<Shard> shards_;
  base::Mutex mutex_;
  std::vector<std::function<void()>> wakers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::storage
