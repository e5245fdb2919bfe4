// Memtables to SSTables, and truncation.
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/flush.h"
#include "storage/table.h"

namespace tholos::storage {

using base::Task;

void Table::Freeze(LogPosition end) {
  if (active_->empty()) return;
  frozen_.push_back({std::exchange(active_, std::make_shared<Memtable>()), end});
}

Task<absl::Status> Table::Flush(std::function<LogPosition()> log_end) {
  auto lock = co_await flushing_.Acquire(1);
  if (stopping_) co_return absl::OkStatus();
  // What an earlier attempt left goes first: at most one more memtable is frozen at a time.
  while (!frozen_.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await FlushOldest());
  Freeze(log_end());
  while (!frozen_.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await FlushOldest());
  co_return absl::OkStatus();
}

Task<absl::Status> Table::FlushOldest() {
  THOLOS_CO_RETURN_IF_ERROR(co_await files_->EnsureDirectory());
  const Frozen frozen = frozen_.front();
  sstable::WriterOptions options;
  options.directory = files_->directory();
  options.generation = files_->NextGeneration();
  options.file_id = deps_.random.Next();
  options.table = schema_->id;
  options.block_bytes = compression_.block_bytes;
  // Memory is waiting: the slow algorithm is for what a compaction has sorted out.
  options.compression = compression_.algorithm == sstable::Compression::kNone
                            ? sstable::Compression::kNone
                            : sstable::Compression::kLz4;
  const uint64_t generation = options.generation;
  auto write = WriteMemtable(deps_.fs, options, frozen.memtable);
  THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<sstable::TableMetadata> written,
                             co_await base::RunOn(deps_.executor.background(), std::move(write)));
  TableFiles::Change change{.shard = options_.shard, .flushed_before = frozen.end};
  std::optional<Part> part;
  if (written.has_value()) {
    auto opened = co_await OpenPart({generation, generation, {slice_}});
    if (!opened.ok()) {
      co_await files_->Discard({generation});
      co_return opened.status();
    }
    part = *std::move(opened);
    change.added = {generation};
    if (options_.incremental_backups && schema_->options.incremental_backups)
      co_await BackUp(generation);
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await files_->Install(std::move(change)));
  flushed_before_ = frozen.end;
  frozen_.pop_front();
  if (!written.has_value()) co_return absl::OkStatus();
  for (data::Timestamp& oldest : flushed_meanwhile_) {
    oldest = std::min(oldest, written->statistics.min_timestamp);
  }
  Adopt(*std::move(part));
  flush_bytes_average_ = flush_bytes_average_ == 0
                             ? written->file_bytes
                             : (7 * flush_bytes_average_ + written->file_bytes) / 8;
  deps_.metrics.flushes.Add();
  deps_.metrics.flushed_bytes.Add(written->file_bytes);
  co_return absl::OkStatus();
}

// A backup that fails must not keep memory from being freed.
Task<void> Table::BackUp(uint64_t generation) {
  absl::Status linked = co_await files_->Backup(generation);
  if (linked.ok()) co_return;
  deps_.log.Warning("storage",
                    base::StrCat("no incremental backup of ", schema_->QualifiedName(),
                                 ", generation ", generation, ": ", base::ToStd(linked.message())));
}

// Truncation -------------------------------------------------------------------------------------

Task<absl::StatusOr<TableFiles::Change>> Table::BeginTruncate(std::function<LogPosition()> log_end,
                                                              bool flush) {
  Pause pause;
  pause.flushing = co_await flushing_.Acquire(1);
  co_await PauseCompactions(&pause);
  if (stopping_) co_return absl::UnavailableError("storage: the table is closing");
  const LogPosition end = log_end();
  Freeze(end);
  while (flush && !frozen_.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await FlushOldest());
  TableFiles::Change change{.shard = options_.shard, .flushed_before = end};
  change.removed = unopened_;
  for (const Part& part : parts_) change.removed.push_back(part.generation());
  truncate_end_ = end;
  pause_ = std::move(pause);
  co_return change;
}

void Table::EndTruncate(bool truncated) {
  if (!pause_.has_value()) return;
  if (truncated) {
    frozen_.clear();
    std::vector<uint64_t> all;
    for (const Part& part : parts_) all.push_back(part.generation());
    Remove(all);
    if (cached_rows_ != nullptr) cached_rows_->Clear();
    // What was damaged is gone, too.
    unopened_.clear();
    damage_ = absl::OkStatus();
    failed_inputs_.clear();
    compaction_failures_ = 0;
    flushed_before_ = *std::exchange(truncate_end_, std::nullopt);
  }
  pause_.reset();
}

}  // namespace tholos::storage
