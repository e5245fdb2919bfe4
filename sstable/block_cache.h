// Decoded blocks in memory: data blocks and index pages, by file and place.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "sstable/block.h"

namespace tholos::sstable {

// Confined to one loop: a shard has its own.
class BlockCache {
 public:
  virtual ~BlockCache() = default;
  // nullptr if it is not there.
  virtual std::shared_ptr<const Block> Get(uint64_t file_id, uint64_t offset) = 0;
  virtual void Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) = 0;
};

// Keeps the blocks used last, `bytes_max` of them in bytes. Blocks of removed files age out: file
// ids are never used again. A block larger than the whole is not kept.
class LruBlockCache : public BlockCache {
 public:
  explicit LruBlockCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  std::shared_ptr<const Block> Get(uint64_t file_id, uint64_t offset) override;
  void Put(uint64_t file_id, uint64_t offset, std::shared_ptr<const Block> block) override;

  uint64_t bytes() const { return bytes_; }
  size_t blocks() const { return index_.size(); }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const Block> block;
  };
  void EvictOldest();

  const uint64_t bytes_max_;
  uint64_t bytes_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  std::list<Entry> entries_;  // the one used last first
  absl::flat_hash_map<Key, std::list<Entry>::iterator> index_;
};

}  // namespace tholos::sstable
