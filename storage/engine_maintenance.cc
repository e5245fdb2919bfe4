// What is done to a table on all shards at once: truncation and snapshots.
//
// Truncation: every shard freezes what it has and stops flushing and compacting; one change of the
// manifest removes all of it, together with the log positions before which nothing is replayed; the
// shards let go. What is written meanwhile goes to new memtables and stays.
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/sharded_engine.h"

namespace tholos::storage {

using base::Task;

namespace {

absl::Status StoppingNow() { return absl::UnavailableError("storage: the node is stopping"); }

}  // namespace

absl::StatusOr<ShardedEngine::FilesPtr> ShardedEngine::FindFiles(const data::TableId& table) const {
  if (stopped_) return StoppingNow();
  const auto found = files_.find(table);
  if (found != files_.end()) return found->second;
  return absl::NotFoundError(base::StrCat("no table with id ", table.ToString()));
}

Task<absl::Status> ShardedEngine::Truncate(data::TableId table,
                                           std::optional<std::string> snapshot) {
  auto lock = co_await maintenance_.Acquire(1);
  THOLOS_CO_ASSIGN_OR_RETURN(const FilesPtr files, FindFiles(table));
  const absl::Status truncated = co_await TruncateFrozen(files, table, std::move(snapshot));
  const bool done = truncated.ok();
  co_await OnEveryShard(
      [table, done](ShardEngine& shard) { return shard.EndTruncate(table, done); });
  co_return truncated;
}

Task<absl::Status> ShardedEngine::TruncateFrozen(FilesPtr files, data::TableId table,
                                                 std::optional<std::string> snapshot) {
  const bool flush = snapshot.has_value();
  auto begun = co_await OnEveryShard(
      [table, flush](ShardEngine& shard) { return shard.BeginTruncate(table, flush); });
  std::vector<TableFiles::Change> changes;
  for (auto& change : begun) {
    THOLOS_CO_RETURN_IF_ERROR(change.status());
    changes.push_back(*std::move(change));
  }
  if (snapshot.has_value()) {
    THOLOS_CO_RETURN_IF_ERROR((co_await files->Snapshot(*std::move(snapshot))).status());
  }
  co_return co_await files->Install(std::move(changes));
}

Task<absl::StatusOr<TableSnapshot>> ShardedEngine::Snapshot(data::TableId table, std::string name) {
  auto lock = co_await maintenance_.Acquire(1);
  THOLOS_CO_ASSIGN_OR_RETURN(const FilesPtr files, FindFiles(table));
  THOLOS_CO_RETURN_IF_ERROR(
      co_await TryOnEveryShard([table](ShardEngine& shard) { return shard.Flush(table); }));
  co_return co_await files->Snapshot(std::move(name));
}

Task<absl::StatusOr<std::vector<SnapshotInfo>>> ShardedEngine::ListSnapshots() {
  auto lock = co_await maintenance_.Acquire(1);
  if (stopped_) co_return StoppingNow();
  std::vector<SnapshotInfo> all;
  for (const auto& [id, files] : files_) {
    THOLOS_CO_ASSIGN_OR_RETURN(auto snapshots, co_await files->ListSnapshots());
    for (TableSnapshot& snapshot : snapshots) all.push_back({id, std::move(snapshot)});
  }
  co_return all;
}

Task<absl::Status> ShardedEngine::RemoveSnapshot(data::TableId table, std::string name) {
  auto lock = co_await maintenance_.Acquire(1);
  THOLOS_CO_ASSIGN_OR_RETURN(const FilesPtr files, FindFiles(table));
  co_return co_await files->RemoveSnapshot(std::move(name));
}

Task<absl::Status> ShardedEngine::RestoreSnapshot(data::TableId table, std::string name) {
  auto lock = co_await maintenance_.Acquire(1);
  THOLOS_CO_ASSIGN_OR_RETURN(const FilesPtr files, FindFiles(table));
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<LiveTable> linked,
                             co_await files->LinkSnapshot(std::move(name)));
  std::vector<uint64_t> generations;
  for (const LiveTable& live : linked) generations.push_back(live.generation);
  const absl::Status adopted = co_await AdoptLinked(files, table, std::move(linked));
  const bool done = adopted.ok();
  co_await OnEveryShard([table, done](ShardEngine& shard) { return shard.EndAdopt(table, done); });
  if (!done) co_await files->Discard(std::move(generations));
  co_return adopted;
}

Task<absl::Status> ShardedEngine::AdoptLinked(FilesPtr files, data::TableId table,
                                              std::vector<LiveTable> linked) {
  THOLOS_CO_RETURN_IF_ERROR(co_await TryOnEveryShard(
      [table, &linked](ShardEngine& shard) { return shard.BeginAdopt(table, linked); }));
  co_return co_await files->InstallLinked(std::move(linked));
}

}  // namespace tholos::storage
