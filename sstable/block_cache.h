// Decoded blocks in memory: data blocks and index pages, by file and place.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "base/metrics.h"
#include "sstable/block.h"

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
};

// What a cache tells of itself; each may be null.
struct BlockCacheMetrics {
  base::Counter* hits = nullptr;
  base::Counter* misses = nullptr;
  base::Gauge* bytes = nullptr;
};

// A cache that a scan cannot sweep: S3-FIFO (Yang et al., SOSP 2023).
//
//   new --> small (10 % of the bytes) --read again meanwhile--> main --not read--> out
//              |                                         ^        |
//              not read again: out, its name to ghost    |        read: once more round
//   named by ghost when it comes back -------------------+
//
// Most blocks that are read once are not read again soon; they pass through `small` and leave what
// is in `main` alone. A read of a block that is there changes a counter and moves nothing. Blocks
// of removed files age out: file ids are never used again. A block larger than the whole is not
// kept.
class FifoBlockCache : public BlockCache {
 public:
  explicit FifoBlockCache(uint64_t bytes_max, BlockCacheMetrics metrics = {})
      : bytes_max_(bytes_max), metrics_(metrics) {}
  const std::shared_ptr<const Block>* Find(uint64_t file_id, uint64_t offset) override;
  void Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) override;

  uint64_t bytes() const { return small_bytes_ + main_bytes_; }
  size_t blocks() const { return index_.size(); }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const Block> block;
    uint8_t reads = 0;  // since it came or went round, 3 at most
    bool in_main = false;
  };
  using Queue = std::list<Entry>;  // the newest first

  void EvictOne();
  void EvictFromSmall();
  void EvictFromMain();
  void Remember(const Key& key);

  const uint64_t bytes_max_;
  const BlockCacheMetrics metrics_;
  uint64_t small_bytes_ = 0;
  uint64_t main_bytes_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  Queue small_;
  Queue main_;
  absl::flat_hash_map<Key, Queue::iterator> index_;
  // Names of blocks that left `small`: as many as there are blocks.
  std::list<Key> ghosts_;
  absl::flat_hash_map<Key, std::list<Key>::iterator> ghost_index_;
};

}  // namespace tholos::sstable
