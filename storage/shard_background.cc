// What a shard does by itself: flushes, compactions, and opening again what could not be opened.
#include <algorithm>
#include <bit>
#include <utility>

#include "base/strings.h"
#include "storage/shard_engine.h"

namespace tholos::storage {
namespace {

constexpr absl::Duration kFlushRetryDelay = absl::Seconds(1);
constexpr absl::Duration kOpenAgainDelay = absl::Seconds(10);

}  // namespace

std::vector<ShardEngine::TablePtr> ShardEngine::AllTables() const {
  std::vector<TablePtr> all;
  for (const auto& [id, table] : tables_) all.push_back(table);
  return all;
}

// The largest if memory is short and no other shard has a larger one; the one that holds the log
// back if that is too long or was long at the start; nothing otherwise.
ShardEngine::TablePtr ShardEngine::PickForFlush() const {
  TablePtr pick;
  if (budget_->ShardToFlush() == shard_) {
    for (const auto& [id, table] : tables_) {
      if (pick == nullptr || table->active_bytes() > pick->active_bytes()) pick = table;
    }
    return pick;
  }
  const bool log_too_long = log_->used_bytes() > options_.commitlog_bytes_max;
  for (const auto& [id, table] : tables_) {
    const auto first = table->first_unflushed();
    if (!first.has_value()) continue;
    const bool holds_log_back = log_too_long && first->segment <= log_->oldest_segment();
    if (!holds_log_back && *first >= flush_before_ && !table->needs_retry()) continue;
    if (pick == nullptr || *first < *pick->first_unflushed()) pick = table;
  }
  return pick;
}

base::Task<void> ShardEngine::FlushLoop() {
  while (!stopping_) {
    const TablePtr table = PickForFlush();
    if (table == nullptr) {
      flush_wanted_.Reset();
      co_await flush_wanted_.Wait();
      continue;
    }
    absl::Status flushed = co_await FlushTable(table);
    if (flushed.ok()) {
      failed_flushes_in_a_row_ = 0;
      continue;
    }
    NoteFlushFailure(*table, flushed);
    (void)co_await stop_.WaitUntil(deps_.clock.Now() + kFlushRetryDelay);
  }
}

std::vector<ShardEngine::TablePtr> ShardEngine::DamagedTables() const {
  std::vector<TablePtr> damaged;
  for (const auto& [id, table] : tables_) {
    if (!table->damage().ok()) damaged.push_back(table);
  }
  return damaged;
}

base::Task<void> ShardEngine::OpenAgainLoop() {
  while (!co_await stop_.WaitUntil(deps_.clock.Now() + kOpenAgainDelay)) {
    const std::vector<TablePtr> damaged = DamagedTables();
    if (damaged.empty()) co_return;
    for (const TablePtr& table : damaged) co_await table->OpenAgain();
  }
}

// A disk may stay full for hours: the 1st, 2nd, 4th, 8th, ... failure in a row leaves a line.
void ShardEngine::NoteFlushFailure(const Table& table, const absl::Status& failure) {
  metrics_.failed_flushes.Add();
  if (!std::has_single_bit(++failed_flushes_in_a_row_)) return;
  deps_.log.Warning("storage",
                    base::StrCat("flush of ", table.schema().QualifiedName(),
                                 " failed and is retried: ", base::ToStd(failure.message())));
}

base::Task<absl::Status> ShardEngine::FlushTable(TablePtr table) {
  absl::Status flushed = co_await table->Flush([this] { return log_->next_position(); });
  flush_status_ = flushed;
  budget_->TellDiskFull(shard_, absl::IsResourceExhausted(flushed));
  NoteFlushed();
  if (flushed.ok()) co_await DiscardLog();
  co_return flushed;
}

base::Task<void> ShardEngine::DiscardLog() {
  LogPosition needed = log_->next_position();
  for (const auto& [id, table] : tables_) {
    if (const auto first = table->first_unflushed(); first.has_value()) {
      needed = std::min(needed, *first);
    }
  }
  co_await log_->Discard(needed);
}

// Memory and disk usage have changed.
void ShardEngine::NoteFlushed() {
  uint64_t memory = 0;
  uint64_t files = 0;
  for (const auto& [id, table] : tables_) {
    memory += table->memtable_bytes();
    files += table->sstable_bytes();
  }
  memtable_bytes_ = memory;
  sstable_bytes_ = files;
  AddMemtableBytes(0);
  TellBudget();
  memory_freed_.Set();
  compaction_wanted_.Set();
}

base::Task<void> ShardEngine::CompactionLoop() {
  while (!stopping_) {
    compaction_wanted_.Reset();
    (void)co_await compaction_wanted_.WaitUntil(StartCompactions());
  }
}

// Over all tables, the most urgent first. Returns when a table that failed is to be tried again.
base::Deadline ShardEngine::StartCompactions() {
  using Reason = sstable::CompactionPick::Reason;
  uint64_t backlog = 0;
  base::Deadline again = base::Deadline::Infinite();
  std::vector<std::pair<TablePtr, sstable::CompactionPick>> due;
  for (const auto& [id, table] : tables_) {
    backlog += table->CompactionBacklog();
    if (const auto retry = table->compaction_retry(); retry.has_value()) {
      again = std::min(again, base::Deadline(*retry));
    }
    for (auto& pick : table->DueCompactions()) due.emplace_back(table, std::move(pick));
  }
  throttle_->SetBacklog(shard_, backlog);
  const auto urgency = [](const auto& of) {
    const sstable::CompactionPick& pick = of.second;
    return std::tuple(pick.reason != Reason::kExpired, pick.reason == Reason::kSplit, pick.level,
                      pick.bytes, of.first->schema().id, pick.generations.front());
  };
  std::sort(due.begin(), due.end(),
            [&urgency](const auto& a, const auto& b) { return urgency(a) < urgency(b); });
  for (auto& [table, pick] : due) {
    if (compactions_running_ >= options_.compactions_per_shard) break;
    metrics_.compactions_running.Set(++compactions_running_);
    table->Claim(pick);
    scope_.Spawn(RunCompaction(table, std::move(pick)));
  }
  return again;
}

base::Task<void> ShardEngine::RunCompaction(TablePtr table, sstable::CompactionPick pick) {
  (void)co_await table->Compact(std::move(pick));
  metrics_.compactions_running.Set(--compactions_running_);
  NoteFlushed();
}

}  // namespace tholos::storage
