#include "storage/shard_engine.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/codec.h"
#include "data/source.h"
#include "storage/directories.h"
#include "storage/replay_order.h"

namespace tholos::storage {
namespace {

// A replay of more than this part of the log's bound was a long one.
constexpr uint64_t kReplayedLongPart = 16;
// A batch of replay is this part of a shard's memory: it has some eight neighbours in the memtable.
constexpr uint64_t kReplayBatchPart = 8;
constexpr size_t kReplayAhead = 8;
// Writes whose waits for memory overlap: about as many as a core has requests for memory under way.
constexpr size_t kTogether = 16;
// Writes that wait for memory: as much as the commit log may have pending.
constexpr uint64_t kWaitingBytesMax = 32 << 20;

absl::Status Stopping() { return absl::UnavailableError("storage: the node is stopping"); }

}  // namespace

ShardEngine::ShardEngine(ShardEnvironment environment, uint32_t shard)
    : options_(std::move(environment.options)),
      deps_(environment.deps),
      layout_(environment.layout),
      throttle_(std::move(environment.throttle)),
      budget_(std::move(environment.budget)),
      shard_(shard),
      metrics_(deps_.metrics, shard),
      random_(deps_.random.Stream("storage")),
      cache_(options_.cache_bytes_max / layout_.shards,
             {&metrics_.cache_hits, &metrics_.cache_misses, &metrics_.cache_bytes}),
      row_cache_(options_.cache_bytes_max / layout_.shards, cache_,
                 {metrics_.row_cache_hits, metrics_.row_cache_misses, metrics_.row_cache_bytes}) {}

ShardEngine::~ShardEngine() = default;

// Opening ----------------------------------------------------------------------------------------

base::Task<absl::StatusOr<std::unique_ptr<ShardEngine>>> ShardEngine::Open(
    ShardEnvironment environment, uint32_t shard, data::Schema::Ptr schema, FilesOfTables files) {
  std::unique_ptr<ShardEngine> engine(new ShardEngine(std::move(environment), shard));
  absl::Status opened = co_await engine->OpenTables(*schema, files);
  if (opened.ok()) opened = co_await engine->OpenLog();
  if (!opened.ok()) {
    co_await engine->Stop();
    co_return opened;
  }
  engine->reached_ = std::make_shared<ShardEngine*>(engine.get());
  engine->budget_->SetWaker(shard, [loop = &base::Loop::Current(), reached = engine->reached_] {
    loop->Post([reached] {
      if (*reached == nullptr) return;
      (*reached)->flush_wanted_.Set();
      (*reached)->memory_freed_.Set();
    });
  });
  engine->NoteFlushed();
  co_await engine->DiscardLog();
  if (engine->replayed_bytes_ > engine->options_.commitlog_bytes_max / kReplayedLongPart) {
    engine->flush_before_ = engine->log_->next_position();
  }
  engine->scope_.Spawn(engine->FlushLoop());
  engine->scope_.Spawn(engine->CompactionLoop());
  if (!engine->DamagedTables().empty()) engine->scope_.Spawn(engine->OpenAgainLoop());
  co_return engine;
}

base::Task<absl::Status> ShardEngine::OpenTables(const data::Schema& schema,
                                                 const FilesOfTables& files) {
  for (auto& table : schema.tables()) THOLOS_CO_RETURN_IF_ERROR(co_await OpenTable(table, files));
  co_return absl::OkStatus();
}

base::Task<absl::Status> ShardEngine::OpenTable(std::shared_ptr<const data::TableSchema> schema,
                                                const FilesOfTables& files) {
  const TableDeps deps{deps_.clock, deps_.executor, deps_.fs, deps_.log,  random_,
                       cache_,      row_cache_,     metrics_, *throttle_, deps_.reconciled};
  const TableOptions options{.shard = shard_,
                             .incremental_backups = options_.incremental_backups,
                             .mutant_purge_expired = options_.mutant_purge_expired};
  THOLOS_CO_ASSIGN_OR_RETURN(TablePtr table,
                             co_await Table::Open(options, deps, files.at(schema->id), schema));
  tables_[schema->id] = std::move(table);
  co_return absl::OkStatus();
}

base::Task<absl::Status> ShardEngine::OpenLog() {
  CommitLogOptions options;
  options.directory = CommitLogDirectory(options_.directory, layout_.number, shard_);
  options.shard = shard_;
  options.segment_bytes = options_.commitlog_segment_bytes;
  options.bytes_max =
      std::max(2 * options_.commitlog_bytes_max, 4 * options_.commitlog_segment_bytes);
  options.sync = options_.commitlog_sync;
  options.sync_period = options_.commitlog_sync_period;
  if (!options_.commitlog_archive_directory.empty()) {
    options.archive_directory =
        base::StrCat(options_.commitlog_archive_directory, "/", layout_.number, "-", shard_);
  }
  options.mutant_skip_sync = options_.mutant_skip_sync;
  for (const auto& [id, table] : tables_) {
    options.last_segment_known =
        std::max(options.last_segment_known, table->flushed_before().segment);
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(deps_.fs, options.directory));
  THOLOS_CO_ASSIGN_OR_RETURN(
      log_,
      co_await CommitLog::Open(options, {deps_.clock, deps_.fs, deps_.metrics, deps_.log}, *this));
  log_->SetGroupEnded([this](LogPosition position) { ApplyDurable(position); });
  co_return absl::OkStatus();
}

uint64_t ShardEngine::batch_bytes() const {
  return budget_->bytes_max() / layout_.shards / kReplayBatchPart;
}

absl::Status ShardEngine::Replay(std::span<ReplayRecord> records) {
  const std::vector<uint32_t> order = OrderForReplay(records);
  for (size_t i = 0; i < order.size(); ++i) {
    // They lie anywhere in the batch; the entry in the list names the bytes.
    if (i + 2 * kReplayAhead < order.size()) {
      __builtin_prefetch(&records[order[i + 2 * kReplayAhead]]);
      const std::string_view soon = records[order[i + kReplayAhead]].bytes;
      for (size_t at = 0; at < std::min<size_t>(soon.size(), 256); at += 64) {
        __builtin_prefetch(soon.data() + at);
      }
    }
    THOLOS_RETURN_IF_ERROR(ReplayOne(&records[order[i]]));
  }
  return absl::OkStatus();
}

absl::Status ShardEngine::ReplayOne(ReplayRecord* record) {
  const LogPosition position = record->position;
  const auto mutation = data::MutationView::Parse(record->bytes);
  if (!mutation.ok()) {
    return absl::DataLossError(base::StrCat("commit log: shard ", shard_, ", segment ",
                                            position.segment, ", offset ", position.offset, ": ",
                                            base::ToStd(mutation.status().message())));
  }
  auto found = tables_.find(mutation->table());
  // Dropped tables, and what SSTables already have.
  record->needed = found != tables_.end() && position >= found->second->flushed_before();
  if (!record->needed) return absl::OkStatus();
  AddMemtableBytes(found->second->Apply(*mutation, position));
  replayed_bytes_ += record->bytes.size();
  return absl::OkStatus();
}

// All shards replay at once: each keeps to its share.
base::Task<absl::Status> ShardEngine::AfterBatch(LogPosition end) {
  const uint64_t share = budget_->bytes_max() / layout_.shards;
  while (memtable_bytes_ > share && flush_status_.ok()) {
    TablePtr largest;
    for (const auto& [id, table] : tables_) {
      if (largest == nullptr || table->memtable_bytes() > largest->memtable_bytes()) {
        largest = table;
      }
    }
    flush_status_ = co_await largest->Flush([end] { return end; });
    NoteFlushed();
  }
  // A full disk must not keep the node from serving reads: what the log has is held in memory.
  if (absl::IsResourceExhausted(flush_status_)) co_return absl::OkStatus();
  co_return flush_status_;
}

base::Task<void> ShardEngine::Stop() {
  stopping_ = true;
  budget_->SetWaker(shard_, nullptr);
  if (reached_ != nullptr) *reached_ = nullptr;
  memory_freed_.Set();
  co_await gate_.Close();
  stop_.Set();
  flush_wanted_.Set();
  compaction_wanted_.Set();
  for (const TablePtr& table : AllTables()) table->BeginStop();
  co_await scope_.Stop();
  for (const TablePtr& table : AllTables()) co_await table->Stop();
  tables_.clear();
  NoteFlushed();
  if (log_ != nullptr) co_await log_->Stop();
}

// Requests ---------------------------------------------------------------------------------------

absl::StatusOr<ShardEngine::TablePtr> ShardEngine::Find(const data::TableId& id) const {
  auto found = tables_.find(id);
  if (found == tables_.end()) {
    return absl::NotFoundError(base::StrCat("no table with id ", id.ToString()));
  }
  return found->second;
}

absl::Status ShardEngine::CheckDeadline(base::Deadline deadline) const {
  if (deadline == base::Deadline::Infinite()) return absl::OkStatus();
  if (deps_.clock.Now() < deadline) return absl::OkStatus();
  return absl::DeadlineExceededError("storage: the deadline has passed");
}

base::Task<absl::Status> ShardEngine::Apply(std::string encoded_mutation, base::Deadline deadline) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_RETURN_IF_ERROR(CheckDeadline(deadline));
  THOLOS_CO_ASSIGN_OR_RETURN(const data::MutationView mutation,
                             data::MutationView::Parse(encoded_mutation));
  THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(mutation.table()));
  const absl::Duration delay = WriteDelay(budget_->bytes(), budget_->bytes_max());
  if (delay > absl::ZeroDuration()) {
    THOLOS_CO_RETURN_IF_ERROR(co_await SlowDown(delay, deadline));
  }
  if (budget_->is_full()) {
    THOLOS_CO_RETURN_IF_ERROR(co_await WaitForMemory(deadline, encoded_mutation.size()));
  }
  PurgeGuard& guard = table->purge_guard();
  while (guard.HoldsBack(mutation.min_timestamp())) {
    if (!co_await guard.WaitForInstallation(deadline)) co_return CheckDeadline(deadline);
  }
  const PurgeGuard::Writing writing(guard, mutation.min_timestamp());
  const auto note = [&](LogPosition, std::string_view) { durable_.push_back(&mutation); };
  co_return co_await log_->Append(encoded_mutation, note);
}

base::Task<absl::Status> ShardEngine::SlowDown(absl::Duration delay, base::Deadline deadline) {
  metrics_.delayed_writes.Add();
  metrics_.write_delay_microseconds.Add(static_cast<uint64_t>(absl::ToInt64Microseconds(delay)));
  const base::MonotonicTime until = deps_.clock.Now() + delay;
  (void)co_await stop_.WaitUntil(std::min(until, deadline));
  if (stopping_) co_return Stopping();
  co_return CheckDeadline(deadline);
}

base::Task<absl::Status> ShardEngine::WaitForMemory(base::Deadline deadline, uint64_t bytes) {
  if (waiting_bytes_ + bytes > kWaitingBytesMax) {
    co_return base::Overloaded("storage: memtables are full and flushes are behind");
  }
  waiting_bytes_ += bytes;
  bool in_time = true;
  while (in_time && !stopping_ && budget_->is_full() && !budget_->disk_full()) {
    flush_wanted_.Set();
    if (const auto other = budget_->ShardToFlush(); other.has_value()) budget_->Wake(*other);
    memory_freed_.Reset();
    in_time = co_await memory_freed_.WaitUntil(deadline);
  }
  waiting_bytes_ -= bytes;
  if (stopping_) co_return Stopping();
  THOLOS_CO_RETURN_IF_ERROR(CheckDeadline(deadline));
  if (!budget_->is_full()) co_return absl::OkStatus();
  co_return absl::ResourceExhaustedError(
      base::StrCat("storage: memtables are full and cannot be flushed: ",
                   flush_status_.ok() ? "no space is left for another shard's"
                                      : base::ToStd(flush_status_.message())));
}

// The writes of one group, in its order.
void ShardEngine::ApplyDurable(LogPosition position) {
  metrics_.writes.Add(durable_.size());
  const std::span<const data::MutationView* const> all(durable_);
  for (size_t done = 0; done < all.size(); done += kTogether) {
    const size_t next = std::min(all.size() - done, kTogether);
    for (const data::MutationView* soon :
         all.subspan(done + next).first(std::min(all.size() - done - next, kTogether))) {
      Prefetch(soon, sizeof(*soon));
    }
    AddMemtableBytes(ApplyTogether(all.subspan(done, next), position));
  }
  durable_.clear();
  if (log_->used_bytes() > options_.commitlog_bytes_max) flush_wanted_.Set();
}

// At most kTogether; the change of memory.
int64_t ShardEngine::ApplyTogether(std::span<const data::MutationView* const> writes,
                                   LogPosition position) {
  Table* tables[kTogether];
  Lookahead ahead[kTogether];
  for (size_t i = 0; i < writes.size(); ++i) {
    const data::TableId& id = writes[i]->table();
    if (i > 0 && id == writes[i - 1]->table()) {
      tables[i] = tables[i - 1];
    } else {
      const auto found = tables_.find(id);
      tables[i] = found == tables_.end() ? nullptr : found->second.get();  // dropped meanwhile
    }
    // One alone has nobody to share its waits with.
    if (tables[i] != nullptr && writes.size() > 1) ahead[i] = tables[i]->AheadOf(*writes[i]);
  }
  LookAhead(std::span(ahead, writes.size()));
  int64_t bytes = 0;
  for (size_t i = 0; i < writes.size(); ++i) {
    if (tables[i] != nullptr) bytes += tables[i]->Apply(*writes[i], position, &ahead[i]);
  }
  return bytes;
}

void ShardEngine::AddMemtableBytes(int64_t delta) {
  memtable_bytes_ += delta;
  live_bytes_ = memtable_bytes_ + sstable_bytes_;
  metrics_.memtable_bytes.Set(static_cast<int64_t>(memtable_bytes_));
  if (memtable_bytes_ - told_bytes_ >= budget_->step_bytes()) TellBudget();  // modulo 2^64
}

// Somebody may have to flush, or may go on.
void ShardEngine::TellBudget() {
  MemoryBudget::Usage usage{.bytes = memtable_bytes_};
  for (const auto& [id, table] : tables_) {
    const uint64_t active = table->active_bytes();
    usage.active_bytes += active;
    usage.largest_active = std::max(usage.largest_active, active);
  }
  const bool freed = memtable_bytes_ < told_bytes_;
  told_bytes_ = memtable_bytes_;
  budget_->Tell(shard_, usage);
  if (freed) {
    budget_->WakeAll();
  } else if (const auto pick = budget_->ShardToFlush(); pick.has_value()) {
    *pick == shard_ ? flush_wanted_.Set() : budget_->Wake(*pick);
  }
}

base::Task<absl::StatusOr<data::ReadResult>> ShardEngine::Read(data::ReadCommand command,
                                                               base::Deadline deadline) {
  base::Gate::Holder holder = gate_.Enter();
  if (!holder) return base::Task<ReadAnswer>::Ready(Stopping());
  if (absl::Status status = CheckDeadline(deadline); !status.ok()) {
    return base::Task<ReadAnswer>::Ready(status);
  }
  const auto found = tables_.find(command.table);
  if (found == tables_.end()) {
    return base::Task<ReadAnswer>::Ready(Find(command.table).status());
  }
  metrics_.reads.Add();
  const TablePtr& table = found->second;
  const std::optional<std::string_view> row = table->RowOf(command);
  if (!row.has_value()) return ReadRows(std::move(holder), table, std::move(command));
  const CompactionThrottle::Reading reading(*throttle_);
  auto state = table->FindRow(*command.key, *row);
  if (auto ready = state.TakeReady(); ready.has_value() && ready->ok()) {
    return base::Task<ReadAnswer>::Ready(data::ReadOf(**std::move(ready), std::move(command)));
  } else if (ready.has_value()) {
    NoteCorruptRead(ready->status());
    return base::Task<ReadAnswer>::Ready(ready->status());
  }
  return ReadRow(std::move(holder), table, std::move(command), std::move(state));
}

base::Task<absl::StatusOr<data::ReadResult>> ShardEngine::ReadRow(
    base::Gate::Holder, TablePtr, data::ReadCommand command,
    base::Task<absl::StatusOr<data::RowState>> state) {
  const CompactionThrottle::Reading reading(*throttle_);
  absl::StatusOr<data::RowState> found = co_await std::move(state);
  NoteCorruptRead(found.status());
  if (!found.ok()) co_return found.status();
  co_return data::ReadOf(*std::move(found), std::move(command));
}

base::Task<absl::StatusOr<data::ReadResult>> ShardEngine::ReadRows(base::Gate::Holder,
                                                                   TablePtr table,
                                                                   data::ReadCommand command) {
  const CompactionThrottle::Reading reading(*throttle_);
  absl::StatusOr<data::ReadResult> result = absl::UnknownError("");
  auto source = table->NewSource(data::Selection::Of(command));
  if (source.ok()) {
    result = co_await data::Collect(*std::move(source), std::move(command));
  } else {
    result = source.status();
  }
  NoteCorruptRead(result.status());
  co_return result;
}

// A damaged block may be read often: 1, 2, 4, 8, ... reads leave a line.
void ShardEngine::NoteCorruptRead(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return;
  metrics_.corrupt_reads.Add();
  if (std::has_single_bit(metrics_.corrupt_reads.value())) {
    deps_.log.Error("storage", base::ToStd(status.message()));
  }
}

base::Task<absl::Status> ShardEngine::SetSchema(data::Schema::Ptr schema, FilesOfTables files) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  auto lock = co_await schema_change_.Acquire(1);
  for (auto& table : schema->tables()) {
    auto found = tables_.find(table->id);
    if (found != tables_.end()) {
      found->second->SetSchema(table);
    } else {
      THOLOS_CO_RETURN_IF_ERROR(co_await OpenTable(table, files));
    }
  }
  for (const TablePtr& table : AllTables()) {
    if (schema->FindTable(table->schema().id) != nullptr) continue;
    tables_.erase(table->schema().id);
    table->BeginStop();
    co_await table->Stop();
  }
  NoteFlushed();
  co_await DiscardLog();
  co_return absl::OkStatus();
}

base::Task<absl::Status> ShardEngine::Flush(std::optional<data::TableId> id) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  if (id.has_value()) {
    THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(*id));
    co_return co_await FlushTable(table);
  }
  for (const TablePtr& table : AllTables()) {
    THOLOS_CO_RETURN_IF_ERROR(co_await FlushTable(table));
  }
  co_return absl::OkStatus();
}

base::Task<absl::Status> ShardEngine::CompactAll(data::TableId id) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(id));
  absl::Status compacted = co_await table->CompactAll();
  NoteFlushed();
  co_return compacted;
}

base::Task<absl::StatusOr<TableFiles::Change>> ShardEngine::BeginTruncate(data::TableId id,
                                                                          bool flush) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(id));
  co_return co_await table->BeginTruncate([this] { return log_->next_position(); }, flush);
}

base::Task<void> ShardEngine::EndTruncate(data::TableId id, bool truncated) {
  const auto table = Find(id);
  if (!table.ok()) co_return;
  (*table)->EndTruncate(truncated);
  NoteFlushed();
  if (truncated) co_await DiscardLog();
}

base::Task<absl::Status> ShardEngine::BeginAdopt(data::TableId id, std::vector<LiveTable> tables) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(id));
  co_return co_await table->BeginAdopt(std::move(tables));
}

base::Task<void> ShardEngine::EndAdopt(data::TableId id, bool adopted) {
  const auto table = Find(id);
  if (!table.ok()) co_return;
  (*table)->EndAdopt(adopted);
  NoteFlushed();
}

base::Task<absl::StatusOr<TableStats>> ShardEngine::Stats(data::TableId id) {
  THOLOS_CO_ASSIGN_OR_RETURN(const TablePtr table, Find(id));
  co_return TableStats{table->memtable_bytes(), table->sstables(), table->sstable_bytes()};
}

}  // namespace tholos::storage
