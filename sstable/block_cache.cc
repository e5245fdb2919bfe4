#include "sstable/block_cache.h"

#include <algorithm>
#include <utility>

namespace tholos::sstable {
namespace {
constexpr uint8_t kReadsMax = 3;
constexpr uint64_t kSmallShare = 10;
}  // namespace

const std::shared_ptr<const Block>* FifoBlockCache::Find(uint64_t file_id, uint64_t offset) {
  const auto it = index_.find(Key(file_id, offset));
  if (it == index_.end()) {
    ++misses_;
    if (metrics_.misses != nullptr) metrics_.misses->Add();
    return nullptr;
  }
  ++hits_;
  if (metrics_.hits != nullptr) metrics_.hits->Add();
  Entry& entry = *it->second;
  entry.reads = std::min<uint8_t>(kReadsMax, static_cast<uint8_t>(entry.reads + 1));
  return &entry.block;
}

void FifoBlockCache::Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) {
  const uint64_t bytes = block->bytes();
  if (bytes > bytes_max_) return;
  const Key key(file_id, offset);
  if (index_.contains(key)) return;
  while (this->bytes() + bytes > bytes_max_) EvictOne();
  const auto ghost = ghost_index_.find(key);
  const bool in_main = ghost != ghost_index_.end();
  if (in_main) {
    ghosts_.erase(ghost->second);
    ghost_index_.erase(ghost);
  }
  Queue& queue = in_main ? main_ : small_;
  (in_main ? main_bytes_ : small_bytes_) += bytes;
  queue.push_front({key, std::move(block), 0, in_main});
  index_.emplace(key, queue.begin());
  if (metrics_.bytes != nullptr) metrics_.bytes->Set(static_cast<int64_t>(this->bytes()));
}

void FifoBlockCache::EvictOne() {
  if (main_.empty() || (!small_.empty() && small_bytes_ > bytes_max_ / kSmallShare)) {
    EvictFromSmall();
  } else {
    EvictFromMain();
  }
}

void FifoBlockCache::EvictFromSmall() {
  Entry& oldest = small_.back();
  const uint64_t bytes = oldest.block->bytes();
  small_bytes_ -= bytes;
  if (oldest.reads > 0) {
    oldest.reads = 0;
    oldest.in_main = true;
    main_bytes_ += bytes;
    main_.splice(main_.begin(), small_, std::prev(small_.end()));
    return;
  }
  Remember(oldest.key);
  index_.erase(oldest.key);
  small_.pop_back();
}

void FifoBlockCache::EvictFromMain() {
  while (main_.back().reads > 0) {
    --main_.back().reads;
    main_.splice(main_.begin(), main_, std::prev(main_.end()));
  }
  main_bytes_ -= main_.back().block->bytes();
  index_.erase(main_.back().key);
  main_.pop_back();
}

void FifoBlockCache::Remember(const Key& key) {
  ghosts_.push_front(key);
  ghost_index_[key] = ghosts_.begin();
  while (ghosts_.size() > index_.size()) {
    ghost_index_.erase(ghosts_.back());
    ghosts_.pop_back();
  }
}

}  // namespace tholos::sstable
