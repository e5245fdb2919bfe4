#include "storage/memory_budget.h"

#include <algorithm>
#include <utility>

namespace tholos::storage {
namespace {

constexpr double kDelayedFrom = 1.5;  // of the budget
constexpr absl::Duration kWriteDelayMax = absl::Milliseconds(20);
// All shards' untold bytes together are at most a sixteenth of the budget.
constexpr uint64_t kStepBytesMax = 64 << 10;

}  // namespace

absl::Duration WriteDelay(uint64_t memtable_bytes, uint64_t bytes_max) {
  const double part = static_cast<double>(memtable_bytes) / static_cast<double>(bytes_max);
  const double beyond = (part - kDelayedFrom) / (2 - kDelayedFrom);
  if (beyond <= 0) return absl::ZeroDuration();
  return kWriteDelayMax * (std::min(1.0, beyond) * std::min(1.0, beyond));
}

MemoryBudget::MemoryBudget(uint64_t bytes_max, uint32_t shards)
    : bytes_max_(std::max<uint64_t>(bytes_max, 1)),
      step_bytes_(std::min(kStepBytesMax, bytes_max_ / shards / 16)),
      shards_(shards),
      wakers_(shards) {}

void MemoryBudget::Tell(uint32_t shard, const Usage& usage) {
  Shard& told = shards_[shard];
  const uint64_t before = told.bytes.exchange(usage.bytes, std::memory_order_relaxed);
  told.active_bytes.store(usage.active_bytes, std::memory_order_relaxed);
  told.largest_active.store(usage.largest_active, std::memory_order_relaxed);
  bytes_.fetch_add(usage.bytes - before, std::memory_order_relaxed);  // modulo 2^64
}

std::optional<uint32_t> MemoryBudget::ShardToFlush() const {
  uint64_t active = 0;
  uint64_t largest = 0;
  uint32_t pick = 0;
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    active += shards_[i].active_bytes.load(std::memory_order_relaxed);
    const uint64_t of_shard = shards_[i].largest_active.load(std::memory_order_relaxed);
    if (of_shard <= largest) continue;
    largest = of_shard;
    pick = i;
  }
  if (active <= bytes_max_ || largest == 0) return std::nullopt;
  return pick;
}

void MemoryBudget::TellDiskFull(uint32_t shard, bool full) { shards_[shard].disk_full = full; }

bool MemoryBudget::disk_full() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const Shard& shard) { return shard.disk_full.load(); });
}

void MemoryBudget::SetWaker(uint32_t shard, std::function<void()> wake) {
  base::MutexLock lock(&mutex_);
  wakers_[shard] = std::move(wake);
}

void MemoryBudget::Wake(uint32_t shard) {
  std::function<void()> wake;
  {
    base::MutexLock lock(&mutex_);
    wake = wakers_[shard];
  }
  if (wake) wake();
}

void MemoryBudget::WakeAll() {
  for (uint32_t i = 0; i < shards_.size(); ++i) Wake(i);
}

}  // namespace tholos::storage
