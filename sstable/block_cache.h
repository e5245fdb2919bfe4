// Decoded blocks in memory: data blocks and index pages, by file and place.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/metrics.h"
#include "sstable/block.h"
#include "sstable/fifo_cache.h"

namespace tholos::sstable {

// Confined to one loop: a shard has its own.
class BlockCache {
 public:
  virtual ~BlockCache() = default;
  // nullptr if it is not there.
  std::shared_ptr<const Block> Get(uint64_t file_id, uint64_t offset) {
    const std::shared_ptr<const Block>* block = Find(file_id, offset);
    return block == nullptr ? nullptr : *block;
  }
  // The same, good until the next Put.
  virtual const std::shared_ptr<const Block>* Find(uint64_t file_id, uint64_t offset) = 0;
  virtual void Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) = 0;
  // Of a block that was read for one row and can be searched without being decoded: whether it is
  // worth decoding, for a Put.
  virtual bool Admits(uint64_t file_id, uint64_t offset, uint64_t bytes) = 0;
};

// What a cache tells of itself; each may be null.
struct BlockCacheMetrics {
  base::Counter* hits = nullptr;
  base::Counter* misses = nullptr;
  base::Gauge* bytes = nullptr;
};

// By S3-FIFO (fifo_cache.h): a scan cannot sweep it. Blocks of removed files age out: file ids are
// never used again.
class FifoBlockCache : public BlockCache {
 public:
  explicit FifoBlockCache(uint64_t bytes_max, BlockCacheMetrics metrics = {})
      : bytes_max_(bytes_max), metrics_(metrics), blocks_(bytes_max) {}
  const std::shared_ptr<const Block>* Find(uint64_t file_id, uint64_t offset) override;
  void Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) override;
  bool Admits(uint64_t file_id, uint64_t offset, uint64_t bytes) override {
    return blocks_.Admits(Key(file_id, offset), bytes);
  }
  // Of the bytes that the cache may have, these are somebody else's now.
  void Lend(uint64_t bytes);

  uint64_t bytes() const { return blocks_.bytes(); }
  size_t blocks() const { return blocks_.size(); }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  using Key = std::pair<uint64_t, uint64_t>;

  const uint64_t bytes_max_;
  const BlockCacheMetrics metrics_;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  FifoCache<Key, std::shared_ptr<const Block>> blocks_;
};

}  // namespace tholos::sstable
