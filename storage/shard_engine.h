// One shard of the engine: its commit log, its part of every table, and the background work over
// them.
//
// Confined to its loop; every call here is made on it.
//
// A write: deadline, size and encoding are checked, the table is found, memory is there -> commit
// log -> (durable) -> memtable -> OK. The memtable is written in the order of the log, after the
// sync: nobody reads what could still be lost, and "everything of this table before log position p
// is in the memtable" holds at any moment, which is what a flush records.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "storage/cache/row_cache.h"
#include "storage/commitlog/commit_log.h"
#include "storage/engine.h"
#include "storage/memory_budget.h"
#include "storage/table.h"

namespace tholos::storage {

// The files of the tables of a schema.
using FilesOfTables = std::map<data::TableId, std::shared_ptr<TableFiles>>;

// What the shards of an engine share.
struct ShardEnvironment {
  EngineOptions options;
  EngineDeps deps;
  Layout layout;
  std::shared_ptr<CompactionThrottle> throttle;
  std::shared_ptr<MemoryBudget> budget;
};

class ShardEngine final : public ReplaySink {
 public:
  // This shard takes its share of the memory. The directory of the engine exists; `files` has those
  // of every table of the schema.
  static base::Task<absl::StatusOr<std::unique_ptr<ShardEngine>>> Open(ShardEnvironment environment,
                                                                       uint32_t shard,
                                                                       data::Schema::Ptr schema,
                                                                       FilesOfTables files);
  ~ShardEngine() override;

  base::Task<absl::Status> Apply(std::string encoded_mutation, base::Deadline deadline);
  // Begins at once; the task is ready if memory has the answer to a read of one row.
  base::Task<absl::StatusOr<data::ReadResult>> Read(data::ReadCommand command,
                                                    base::Deadline deadline);
  // Opens what is new and lets go of what is gone; directories are left to the engine.
  base::Task<absl::Status> SetSchema(data::Schema::Ptr schema, FilesOfTables files);
  base::Task<absl::Status> Flush(std::optional<data::TableId> table);
  base::Task<absl::Status> CompactAll(data::TableId table);
  // Table's calls of the same name (table.h).
  base::Task<absl::StatusOr<TableFiles::Change>> BeginTruncate(data::TableId table, bool flush);
  base::Task<void> EndTruncate(data::TableId table, bool truncated);
  base::Task<absl::Status> BeginAdopt(data::TableId table, std::vector<LiveTable> tables);
  base::Task<void> EndAdopt(data::TableId table, bool adopted);
  base::Task<absl::StatusOr<TableStats>> Stats(data::TableId table);
  // SSTables and memtables. From any thread.
  uint64_t live_bytes() const { return live_bytes_; }

  base::Task<void> Stop();

 private:
  using TablePtr = std::shared_ptr<Table>;

  ShardEngine(ShardEnvironment environment, uint32_t shard);
  base::Task<absl::Status> OpenTables(const data::Schema& schema, const FilesOfTables& files);
  base::Task<absl::Status> OpenTable(std::shared_ptr<const data::TableSchema> schema,
                                     const FilesOfTables& files);
  base::Task<absl::Status> OpenLog();
  uint64_t batch_bytes() const override;
  absl::Status Replay(std::span<ReplayRecord> records) override;
  absl::Status ReplayOne(ReplayRecord* record);
  base::Task<absl::Status> AfterBatch(LogPosition end) override;

  using ReadAnswer = absl::StatusOr<data::ReadResult>;
  base::Task<ReadAnswer> ReadRow(base::Gate::Holder holder, TablePtr table,
                                 data::ReadCommand command,
                                 base::Task<absl::StatusOr<data::RowState>> state);
  base::Task<ReadAnswer> ReadRows(base::Gate::Holder holder, TablePtr table,
                                  data::ReadCommand command);
  void NoteCorruptRead(const absl::Status& status);
  absl::StatusOr<TablePtr> Find(const data::TableId& id) const;
  absl::Status CheckDeadline(base::Deadline deadline) const;
  base::Task<absl::Status> SlowDown(absl::Duration delay, base::Deadline deadline);
  base::Task<absl::Status> WaitForMemory(base::Deadline deadline, uint64_t bytes);
  void ApplyDurable(LogPosition position);
  int64_t ApplyTogether(std::span<const data::MutationView* const> writes, LogPosition position);
  void AddMemtableBytes(int64_t delta);
  void TellBudget();

  // shard_background.cc: background work.
  base::Task<void> FlushLoop();
  std::vector<TablePtr> DamagedTables() const;
  // As long as a table is damaged.
  base::Task<void> OpenAgainLoop();
  void NoteFlushFailure(const Table& table, const absl::Status& failure);
  base::Task<void> CompactionLoop();
  base::Deadline StartCompactions();
  base::Task<void> RunCompaction(TablePtr table, sstable::CompactionPick pick);
  TablePtr PickForFlush() const;
  base::Task<absl::Status> FlushTable(TablePtr table);
  base::Task<void> DiscardLog();
  void NoteFlushed();
  std::vector<TablePtr> AllTables() const;

  const EngineOptions options_;
  const EngineDeps deps_;
  const Layout layout_;
  const std::shared_ptr<CompactionThrottle> throttle_;
  const std::shared_ptr<MemoryBudget> budget_;
  const uint32_t shard_;
  StorageMetrics metrics_;
  base::RandomStream random_;
  sstable::FifoBlockCache cache_;
  RowCache row_cache_;

  std::map<data::TableId, TablePtr> tables_;
  std::unique_ptr<CommitLog> log_;
  // Of the group of the log that has just become durable: in the frames of their writers.
  std::vector<const data::MutationView*> durable_;
  uint64_t memtable_bytes_ = 0;
  uint64_t sstable_bytes_ = 0;
  uint64_t told_bytes_ = 0;     // what the budget knows
  uint64_t waiting_bytes_ = 0;  // of writes that wait for memory
  // What other shards reach this one by, on its loop; empty once it stops.
  std::shared_ptr<ShardEngine*> reached_;
  base::Event memory_freed_;
  absl::Status flush_status_;  // of the last attempt
  uint64_t failed_flushes_in_a_row_ = 0;
  uint64_t replayed_bytes_ = 0;
  // What is older came back by a long replay and is flushed, so that the next start is a short one.
  LogPosition flush_before_;
  uint32_t compactions_running_ = 0;
  std::atomic<uint64_t> live_bytes_ = 0;

  bool stopping_ = false;
  base::Event flush_wanted_;
  base::Event compaction_wanted_;
  base::Event stop_;
  base::Gate gate_;  // requests
  base::Semaphore schema_change_{1};
  base::Scope scope_;
};

}  // namespace tholos::storage
