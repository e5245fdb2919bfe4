#include "sstable/block_cache.h"

#include <utility>

namespace tholos::sstable {

std::shared_ptr<const Block> LruBlockCache::Get(uint64_t file_id, uint64_t offset) {
  const auto it = index_.find(Key(file_id, offset));
  if (it == index_.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, it->second);
  return it->second->block;
}

void LruBlockCache::Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) {
  if (block->bytes() > bytes_max_) return;
  const auto [it, inserted] = index_.try_emplace(Key(file_id, offset));
  if (!inserted) return;
  bytes_ += block->bytes();
  entries_.push_front({it->first, std::move(block)});
  it->second = entries_.begin();
  while (bytes_ > bytes_max_) EvictOldest();
}

void LruBlockCache::EvictOldest() {
  bytes_ -= entries_.back().block->bytes();
  index_.erase(entries_.back().key);
  entries_.pop_back();
}

}  // namespace tholos::sstable
