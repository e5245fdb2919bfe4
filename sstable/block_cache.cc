#include "sstable/block_cache.h"

#include <algorithm>
#include <utility>

namespace tholos::sstable {

const std::shared_ptr<const Block>* FifoBlockCache::Find(uint64_t file_id, uint64_t offset) {
  const std::shared_ptr<const Block>* block = blocks_.Find(Key(file_id, offset));
  if (block == nullptr) {
    ++misses_;
    if (metrics_.misses != nullptr) metrics_.misses->Add();
    return nullptr;
  }
  ++hits_;
  if (metrics_.hits != nullptr) metrics_.hits->Add();
  return block;
}

void FifoBlockCache::Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) {
  const Key key(file_id, offset);
  if (blocks_.contains(key)) return;
  const uint64_t bytes = block->bytes();
  blocks_.Put(std::move(block), bytes, [&](const auto&) { return key; });
  if (metrics_.bytes != nullptr) metrics_.bytes->Set(static_cast<int64_t>(this->bytes()));
}

void FifoBlockCache::Lend(uint64_t bytes) {
  blocks_.SetBytesMax(bytes_max_ - std::min(bytes_max_, bytes));
  if (metrics_.bytes != nullptr) metrics_.bytes->Set(static_cast<int64_t>(this->bytes()));
}

}  // namespace tholos::sstable
