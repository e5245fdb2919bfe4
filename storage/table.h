// A table on one shard: its memtables and its part of the table's SSTables.
//
//   writes -> active memtable --freeze--> frozen memtables --flush--> SSTables --compaction-->
//   fewer SSTables; reads -> the merge of all of them
//
// Confined to its shard; flush and compaction write on background loops, over immutable inputs, and
// come back to install their result: first the manifest (table_files.h), then memory. One flush at
// a time; compactions of disjoint sets of SSTables side by side.
//
// An SSTable may hold tokens of other shards too, after a start with another number of shards: each
// shard sees its part, and compactions write parts of their own.
//
// Damage. A listed SSTable that is missing or whose footer, index or statistics are damaged makes
// the table damaged: reads answer kDataLoss naming the file (other replicas must answer), writes
// and flushes go on, nothing is compacted or removed. Its files are tried again now and then
// (OpenAgain): a disk error that passes needs no restart. A damaged block is found when it is read:
// that read alone fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "data/row_state.h"
#include "data/schema/schema.h"
#include "data/source.h"
#include "sstable/block_cache.h"
#include "sstable/compaction.h"
#include "sstable/compaction/picker.h"
#include "sstable/reader.h"
#include "storage/cache/row_cache.h"
#include "storage/compaction_throttle.h"
#include "storage/memtable/lookahead.h"
#include "storage/memtable/memtable.h"
#include "storage/purge_guard.h"
#include "storage/reconciled.h"
#include "storage/storage_metrics.h"
#include "storage/table_files.h"

namespace tholos::storage {

struct TableOptions {
  uint32_t shard = 0;
  bool incremental_backups = false;
  bool mutant_purge_expired = false;  // EngineOptions
};

// All outlive the table.
struct TableDeps {
  const base::Clock& clock;
  base::Executor& executor;
  base::FileSystem& fs;
  base::Log& log;
  base::RandomStream& random;
  sstable::BlockCache& cache;
  RowCache& row_cache;
  StorageMetrics& metrics;
  CompactionThrottle& throttle;
  const ReconciledHorizon* reconciled;  // nullptr: gc_grace alone decides
};

class Table : public std::enable_shared_from_this<Table> {
 public:
  // Opens what the manifest lists for the shard. Damaged SSTables are no error here.
  static base::Task<absl::StatusOr<std::shared_ptr<Table>>> Open(
      TableOptions options, TableDeps deps, std::shared_ptr<TableFiles> files,
      std::shared_ptr<const data::TableSchema> schema);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const data::TableSchema& schema() const { return *schema_; }
  void SetSchema(std::shared_ptr<const data::TableSchema> schema);

  // Every write holds a PurgeGuard::Writing from before the log to Apply.
  PurgeGuard& purge_guard() { return purge_guard_; }

  // Of a write that comes soon.
  Lookahead AheadOf(const data::MutationView& update) const { return {*active_, update}; }
  // The change of memtable_bytes(). `ahead`, or null, has taken its steps since this memtable is
  // written to.
  int64_t Apply(const data::MutationView& update, LogPosition position,
                const Lookahead* ahead = nullptr);

  // Everything selected, merged. kDataLoss if the table is damaged. The caller holds the table
  // (shared_ptr) for longer than the source.
  absl::StatusOr<std::unique_ptr<data::PartitionSource>> NewSource(data::Selection selection) const;

  // The clustering key if `command` asks for one row by its full primary key.
  std::optional<std::string_view> RowOf(const data::ReadCommand& command) const;
  // What is known of that row, canonical. Where memory has it the task is ready, and nothing was
  // allocated for it; otherwise the caller holds the table for longer than the task. `key` and
  // `clustering` are not needed once FindRow has returned.
  base::Task<absl::StatusOr<data::RowState>> FindRow(const data::DecoratedKey& key,
                                                     std::string_view clustering);

  // Writes all memtables to SSTables. `log_end` gives the place before which all records of this
  // table have been applied. On an error the memtables stay as they are; it can be tried again.
  base::Task<absl::Status> Flush(std::function<LogPosition()> log_end);

  // Compactions that are due and share no SSTable with each other or with one that runs.
  std::vector<sstable::CompactionPick> DueCompactions() const;
  // What compactions have yet to read, roughly.
  uint64_t CompactionBacklog() const;
  // A compaction failed: its inputs are left alone until then. Others are compacted meanwhile.
  std::optional<base::MonotonicTime> compaction_retry() const;
  // Runs one of them; Claim() keeps others from getting it before it has started. kCancelled if the
  // table is stopping or a truncation or restore wants to go first.
  void Claim(const sstable::CompactionPick& pick);
  base::Task<absl::Status> Compact(sstable::CompactionPick pick);
  // All SSTables into one (or as many as the strategy splits that into).
  base::Task<absl::Status> CompactAll();

  // Truncation, over all shards at once: BeginTruncate freezes the memtable (what is written from
  // then on stays), flushes it if `flush`, and gives what is to be removed; until EndTruncate there
  // is no flush and no compaction. Reads see the old data until EndTruncate(true).
  base::Task<absl::StatusOr<TableFiles::Change>> BeginTruncate(std::function<LogPosition()> log_end,
                                                               bool flush);
  void EndTruncate(bool truncated);
  // SSTables that come from outside (a restored snapshot): until EndAdopt there is no compaction,
  // which could purge a tombstone that covers their data. BeginAdopt opens them, but reads see them
  // only after EndAdopt(true).
  base::Task<absl::Status> BeginAdopt(std::vector<LiveTable> tables);
  void EndAdopt(bool adopted);

  // The log is needed from there; nothing if all is flushed.
  std::optional<LogPosition> first_unflushed() const;
  // Records before it must not be replayed.
  LogPosition flushed_before() const { return flushed_before_; }
  uint64_t memtable_bytes() const;
  // Of the memtable that is written to: what a flush would begin with.
  uint64_t active_bytes() const { return active_->bytes(); }
  // A flush failed and nobody is at it.
  bool needs_retry() const { return !frozen_.empty() && flushing_.available() > 0; }
  size_t sstables() const { return parts_.size() + unopened_.size(); }
  uint64_t sstable_bytes() const;
  // Marked (base/disk_error.h) if the disk did not give a file; then it names that one.
  const absl::Status& damage() const { return damage_; }
  // Opens what could not be opened before: if all of it can, the table is damaged no more.
  base::Task<void> OpenAgain();

  // Makes compactions that run end early; nothing new is begun.
  void BeginStop();
  // Waits for background work to end; afterwards nothing is written. Memtables are forgotten (the
  // log has them).
  base::Task<void> Stop();

 private:
  struct Frozen {
    std::shared_ptr<const Memtable> memtable;
    LogPosition end;
  };
  using SSTablePtr = std::shared_ptr<sstable::SSTable>;
  // The shard's part of an SSTable.
  struct Part {
    SSTablePtr table;
    LiveTable live;
    bool whole = true;   // everything in the file is held
    uint64_t bytes = 0;  // of what is held, estimated
    uint64_t generation() const { return live.generation; }
  };
  // Background work that is kept from beginning.
  struct Pause {
    base::Semaphore::Units flushing;
    base::Semaphore::Units compacting;
  };

  Table(TableOptions options, TableDeps deps, std::shared_ptr<TableFiles> files,
        std::shared_ptr<const data::TableSchema> schema);

  template <typename Options>
  Options Understood(std::string_view name, absl::StatusOr<Options> parsed);

  // table_lookup.cc
  using FoundRow = absl::StatusOr<data::RowState>;
  base::Task<FoundRow> FindRowInSources(const data::DecoratedKey& key,
                                        std::string_view clustering) const;
  base::Task<FoundRow> CacheRow(base::Task<FoundRow> found, CachedRows::Ticket ticket,
                                data::DecoratedKey key, std::string clustering);
  CachedRows::Moment PurgedBefore() const { return {GcBeforeSeconds()}; }

  // table_open.cc
  base::Task<absl::Status> Recover();
  base::Task<absl::StatusOr<Part>> OpenPart(LiveTable live);
  void NoteDamage(const absl::Status& status);
  void Adopt(Part part);
  void Remove(const std::vector<uint64_t>& generations);
  base::Task<void> PauseCompactions(Pause* pause);

  // table_flush.cc
  void Freeze(LogPosition end);
  base::Task<absl::Status> FlushOldest();
  base::Task<void> BackUp(uint64_t generation);

  // table_compaction.cc
  sstable::PickerState PickerStateNow() const;
  sstable::CompactionCandidate CandidateOf(const Part& part) const;
  int64_t GcBeforeSeconds() const;
  data::Timestamp MemtableMinTimestamp() const;
  double PartitionsReplaced(const std::vector<uint64_t>& newer,
                            const std::vector<uint64_t>& largest) const;
  void NoteReplaced(const sstable::CompactionPick& pick, const sstable::CompactionResult& result);
  bool MayDrop(const std::vector<uint64_t>& generations) const;
  data::Timestamp NewestOf(const std::vector<uint64_t>& generations) const;
  base::Task<absl::Status> DropExpired(std::vector<uint64_t> generations);
  base::Task<absl::Status> Merge(sstable::CompactionPick pick);
  bool WaitsForRetry(uint64_t generation) const;
  void NoteCompaction(const std::vector<uint64_t>& inputs, const absl::Status& status);
  base::Task<absl::StatusOr<bool>> MergeOnce(const sstable::CompactionPick& pick, bool purge);
  sstable::CompactionOptions CompactionOptionsFor(const std::vector<uint64_t>& inputs);
  sstable::PurgeableBefore PurgeableBeforeOutside(const std::vector<uint64_t>& inputs) const;
  base::Task<absl::Status> InstallOutputs(std::vector<uint64_t> inputs,
                                          std::vector<sstable::TableMetadata> outputs);

  const TableOptions options_;
  const TableDeps deps_;
  const std::shared_ptr<TableFiles> files_;
  const sstable::TokenInterval slice_;
  std::shared_ptr<const data::TableSchema> schema_;
  sstable::CompactionStrategy strategy_;
  sstable::CompressionOptions compression_;

  std::unique_ptr<CachedRows> cached_rows_;  // null: the table has no row cache

  std::shared_ptr<Memtable> active_;
  std::deque<Frozen> frozen_;  // oldest first
  std::vector<Part> parts_;
  std::vector<Part> incoming_;      // of BeginAdopt
  std::vector<uint64_t> unopened_;  // listed and damaged: generations
  LogPosition flushed_before_;
  std::optional<LogPosition> truncate_end_;  // between BeginTruncate and EndTruncate
  uint64_t flush_bytes_average_ = 0;
  // Of the rows of partitions that newer runs have too, how many they have: an estimate that space
  // compactions correct.
  double rows_replaced_ = 1;
  absl::Status damage_;

  PurgeGuard purge_guard_;
  // Of each compaction that runs: the smallest timestamp of what was flushed meanwhile.
  std::list<data::Timestamp> flushed_meanwhile_;

  std::set<uint64_t> compacting_now_;
  // Read on background loops.
  std::atomic<bool> cancel_compactions_ = false;
  bool stopping_ = false;
  // Of failed compactions that have not been done since: generations, failures in a row, when they
  // are due again.
  std::set<uint64_t> failed_inputs_;
  int compaction_failures_ = 0;
  base::MonotonicTime compaction_retry_;
  base::Semaphore flushing_{1};
  static constexpr int64_t kCompactionsMax = 1024;
  base::Semaphore compacting_{kCompactionsMax};
  std::optional<Pause> pause_;
};

}  // namespace tholos::storage
