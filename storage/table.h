// A table on one shard: its memtables and SSTables.
//
//   writes -> active memtable --freeze--> frozen memtables --flush--> SSTables --compaction-->
//   fewer SSTables reads  -> the merge of all of them
//
// Confined to its shard; flush and compaction write on a background loop, over immutable inputs,
// and come back to install their result: first the manifest (manifest.h), then memory. One flush
// and one compaction at a time. SSTables that a compaction replaced are removed when their last
// reader has let go.
//
// Damage. A listed SSTable that is missing or whose footer, index or statistics are damaged makes
// the table damaged: reads answer kDataLoss naming the file (other replicas must answer), writes
// and flushes go on, nothing is compacted or removed. A damaged block is found when it is read:
// that read alone fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "data/schema/schema.h"
#include "data/source.h"
#include "sstable/block_cache.h"
#include "sstable/compaction.h"
#include "sstable/reader.h"
#include "storage/manifest.h"
#include "storage/memtable/memtable.h"
#include "storage/storage_metrics.h"

namespace tholos::storage {

struct TableOptions {
  std::string directory;  // of this table and shard; made when the first SSTable is written
  uint32_t shard = 0;
};

// All outlive the table.
struct TableDeps {
  const base::Clock& clock;
  base::Executor& executor;
  base::FileSystem& fs;
  base::Log& log;
  base::RandomStream& random;
  sstable::BlockCache& cache;
  StorageMetrics& metrics;
};

class Table : public std::enable_shared_from_this<Table> {
 public:
  // Removes leftovers and opens what the manifest lists. kDataLoss names a damaged manifest;
  // damaged SSTables are no error here.
  static base::Task<absl::StatusOr<std::shared_ptr<Table>>> Open(
      TableOptions options, TableDeps deps, std::shared_ptr<const data::TableSchema> schema);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const data::TableSchema& schema() const { return *schema_; }
  void SetSchema(std::shared_ptr<const data::TableSchema> schema) { schema_ = std::move(schema); }

  // The change of memtable_bytes().
  int64_t Apply(data::Partition update, LogPosition position);

  // Everything selected, merged. kDataLoss if the table is damaged. The caller holds the table
  // (shared_ptr) for longer than the source.
  absl::StatusOr<std::unique_ptr<data::PartitionSource>> NewSource(
      const data::Selection& selection) const;

  // Writes all memtables to SSTables. `log_end` gives the place before which all records of this
  // table have been applied. On an error the memtables stay as they are; it can be tried again.
  base::Task<absl::Status> Flush(std::function<LogPosition()> log_end);
  // One round of size-tiered compaction; false if there was nothing to do.
  base::Task<absl::StatusOr<bool>> CompactOnce();
  // All SSTables into one.
  base::Task<absl::Status> CompactAll();

  // The log is needed from there; nothing if all is flushed.
  std::optional<LogPosition> first_unflushed() const;
  // Records before it must not be replayed.
  LogPosition flushed_before() const { return manifest_.flushed_before; }
  uint64_t memtable_bytes() const;
  // A flush failed and nobody is at it.
  bool needs_retry() const { return !frozen_.empty() && flushing_.available() > 0; }
  size_t sstables() const { return manifest_.generations.size(); }
  uint64_t sstable_bytes() const;
  const absl::Status& damage() const { return damage_; }

  // Makes a compaction that runs end early; nothing new is begun.
  void BeginStop() { stopping_ = true; }
  // Waits for background work to end; afterwards nothing is written. Memtables are forgotten (the
  // log has them).
  base::Task<void> Stop();

 private:
  struct Frozen {
    std::shared_ptr<const Memtable> memtable;
    LogPosition end;
  };
  using SSTablePtr = std::shared_ptr<sstable::SSTable>;
  // What a flush or a compaction changes.
  struct Change {
    std::vector<uint64_t> removed;
    std::vector<SSTablePtr> added;
    std::optional<LogPosition> flushed_before;
  };

  Table(TableOptions options, TableDeps deps, std::shared_ptr<const data::TableSchema> schema);
  base::Task<absl::Status> Recover();
  base::Task<void> RemoveLeftovers(std::vector<base::DirectoryEntry> entries);
  void NoteLeft(const absl::Status& removed);
  base::Task<absl::Status> EnsureDirectory();
  base::Task<absl::StatusOr<SSTablePtr>> OpenSSTable(uint64_t generation);
  void NoteDamage(const absl::Status& status);

  void Freeze(LogPosition end);
  base::Task<absl::Status> FlushOldest();
  base::Task<absl::Status> Install(Change change);
  void Adopt(SSTablePtr table);
  void Retire(const SSTablePtr& table);
  base::Task<void> RemoveFile(uint64_t generation);

  base::Task<absl::Status> Compact(std::vector<uint64_t> inputs);
  sstable::CompactionOptions CompactionOptionsFor(std::vector<uint64_t> inputs);
  sstable::PurgeableBefore PurgeableBeforeOutside(const std::vector<uint64_t>& inputs) const;
  base::Task<absl::StatusOr<std::vector<SSTablePtr>>> OpenOutputs(
      std::vector<sstable::TableMetadata> outputs);

  const TableOptions options_;
  const TableDeps deps_;
  std::shared_ptr<const data::TableSchema> schema_;

  std::shared_ptr<Memtable> active_;
  std::deque<Frozen> frozen_;  // oldest first
  std::vector<SSTablePtr> sstables_;
  Manifest manifest_;
  absl::Status damage_;
  bool directory_made_ = false;

  // Given out on the background loop too.
  std::atomic<uint64_t> next_generation_ = 1;
  std::atomic<bool> stopping_ = false;
  bool compaction_failed_ = false;
  base::Semaphore flushing_{1};
  base::Semaphore compacting_{1};
  base::Semaphore installing_{1};
  base::Scope scope_;
};

}  // namespace tholos::storage
