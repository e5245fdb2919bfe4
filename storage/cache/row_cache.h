// Rows in memory, each looked up by its full primary key: what memtables and SSTables together know
// of it (data/row_state.h), so a read of one row asks neither. Also that there is no such row.
//
//   RowCache   of a shard: bytes, what leaves            FifoCache
//   CachedRows of a table that has the option caching {'rows_per_partition': 'ALL' or a number}
//
// What is cached is what a read of all sources would give. A write takes the rows that it touches
// out; a tombstone of a partition or range, or a static row, those of the partition. A row that was
// read while its partition was written to is not put in. Timestamps, TTLs and tombstones are kept:
// expiry is judged by each read. A tombstone or expired value that a compaction may have purged
// meanwhile is not answered from here: replicas that have none would answer differently.
//
// Its bytes are the block cache's, of which it takes a quarter at most.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/checksum.h"
#include "base/metrics.h"
#include "data/mutation_view.h"
#include "data/row_state.h"
#include "sstable/block_cache.h"
#include "sstable/fifo_cache.h"

namespace tholos::storage {

struct RowCacheMetrics {
  base::Counter& hits;
  base::Counter& misses;
  base::Gauge& bytes;
};

// Confined to the loop of its shard; outlives the tables.
class RowCache {
 public:
  // Of `bytes_max` that `blocks` has.
  RowCache(uint64_t bytes_max, sstable::FifoBlockCache& blocks, RowCacheMetrics metrics);
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  uint64_t bytes() const { return rows_.bytes(); }
  size_t rows() const { return rows_.size(); }

 private:
  friend class CachedRows;
  static constexpr uint64_t kShare = 4;

  // Of a row or a partition.
  struct Name {
    std::string_view bytes;
    friend bool operator==(const Name&, const Name&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Name& name) {
      return H::combine(std::move(h), base::Checksum64(name.bytes));
    }
  };
  // A partition of which something is cached.
  struct Partition {
    std::string name;
    uint64_t entries = 0;  // rows in the cache, also forgotten ones
    uint64_t rows = 0;     // those of this epoch
    uint64_t epoch = 0;    // rows of an earlier one are forgotten
  };
  struct CachedRow {
    std::string name;
    Partition* partition;
    uint64_t epoch;
    data::Deletion partition_deletion;
    data::Deletion range_deletion;
    // Encoded bodies of the static row and the row.
    std::string bodies;
    uint32_t static_bytes = 0;
    bool any = false;  // the partition is there
    // The first moment, in wall seconds, from which on something of it is expired or deleted.
    int64_t purgeable_from = data::kNoExpiry;
  };

  void Leave(CachedRow& row);
  void NoteBytes();
  uint64_t NextTable() { return ++tables_; }

  const RowCacheMetrics metrics_;
  sstable::FifoBlockCache& blocks_;
  sstable::FifoCache<Name, CachedRow> rows_;
  absl::flat_hash_map<Name, std::unique_ptr<Partition>> partitions_;
  uint64_t tables_ = 0;
  std::string name_;  // of what is being looked for
};

// The rows of one table on one shard.
class CachedRows {
 public:
  // Null if the table's options say so. What makes no sense there means none.
  static std::unique_ptr<CachedRows> Make(RowCache& cache, const data::TableOptions& options);

  // Tombstones and expired values before it may have been purged.
  struct Moment {
    int64_t gc_before_seconds;
  };
  std::optional<data::RowState> Find(const data::DecoratedKey& key, std::string_view clustering,
                                     Moment moment);

  // Taken before a row is read from its sources.
  struct Ticket {
    uint64_t table = 0;
    uint64_t writes = 0;
  };
  Ticket Begin(const data::DecoratedKey& key) const;
  // What that read gave, canonical; nothing happens if it may be out of date.
  void Put(const Ticket& ticket, const data::DecoratedKey& key, std::string_view clustering,
           const data::RowState& state, Moment moment);

  // A mutation was applied to the memtable.
  void Applied(const data::MutationView& update);
  // Everything of the table is forgotten: its contents have changed in another way.
  void Clear();

 private:
  CachedRows(RowCache& cache, uint64_t rows_max) : cache_(cache), rows_max_(rows_max) { Clear(); }

  void NamePartition(std::string_view key) const;
  size_t SlotOf(data::Token token) const { return static_cast<uint64_t>(token) % writes_.size(); }
  void Forget(RowCache::Partition& partition);

  RowCache& cache_;
  const uint64_t rows_max_;  // of a partition
  uint64_t table_ = 0;       // the name of the contents that are cached
  // Counts of writes, by hash of the partition.
  std::array<uint64_t, 1024> writes_{};
};

}  // namespace tholos::storage
