// Opening the engine.
//
// A changed number of shards. SSTables name the tokens they hold, so any layout can read them; the
// commit logs are what is bound to a layout. So the engine is opened in the old layout, on as many
// loops as there are, and everything is flushed; then engine.meta names the new layout, in one
// atomic step, and the old logs, whose every record is in SSTables, are removed. A crash before the
// step starts over; one after it leaves logs to remove.
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/directories.h"
#include "storage/sharded_engine.h"

namespace tholos::storage {

using base::Task;

Task<absl::Status> ShardedEngine::Start(data::Schema::Ptr schema) {
  THOLOS_CO_RETURN_IF_ERROR(co_await PrepareDirectory());
  THOLOS_CO_RETURN_IF_ERROR(co_await TidyTableDirectories(*schema));
  if (layout_.shards != static_cast<uint32_t>(deps_.executor.shard_count())) {
    THOLOS_CO_RETURN_IF_ERROR(co_await ChangeLayout(schema));
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await RemoveOldLogs());
  co_return co_await OpenAll(std::move(schema), options_.compactions_per_shard);
}

Task<absl::Status> ShardedEngine::PrepareDirectory() {
  const std::string& root = options_.directory;
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(deps_.fs, root));
  THOLOS_CO_ASSIGN_OR_RETURN(lock_, co_await deps_.fs.LockFile(root + "/engine.lock"));
  THOLOS_CO_ASSIGN_OR_RETURN(
      layout_, co_await ReadOrWriteLayout(deps_.fs, root,
                                          static_cast<uint32_t>(deps_.executor.shard_count())));
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(deps_.fs, CommitLogsDirectory(root)));
  co_return co_await MakeDirectoriesDurably(deps_.fs, TablesDirectory(root));
}

Task<absl::Status> ShardedEngine::ChangeLayout(data::Schema::Ptr schema) {
  const Layout next{layout_.number + 1, static_cast<uint32_t>(deps_.executor.shard_count())};
  deps_.log.Info("storage", base::StrCat("from ", layout_.shards, " to ", next.shards,
                                         " shards: flushing what the commit logs hold"));
  absl::Status changed = co_await OpenAll(std::move(schema), /*compactions=*/0);
  if (changed.ok()) {
    changed =
        co_await TryOnEveryShard([](ShardEngine& shard) { return shard.Flush(std::nullopt); });
    co_await StopAll();
  }
  if (changed.ok()) changed = co_await WriteLayout(deps_.fs, options_.directory, next);
  if (!changed.ok()) {
    co_return absl::Status(
        changed.code(), base::StrCat("storage: changing from ", layout_.shards, " to ", next.shards,
                                     " shards: ", base::ToStd(changed.message())));
  }
  layout_ = next;
  co_return absl::OkStatus();
}

Task<absl::Status> ShardedEngine::RemoveOldLogs() {
  const std::string logs = CommitLogsDirectory(options_.directory);
  THOLOS_CO_ASSIGN_OR_RETURN(auto entries, co_await deps_.fs.List(logs));
  for (const base::DirectoryEntry& entry : entries) {
    const auto number = ParseCommitLogDirectoryName(entry.name);
    if (!number.has_value() || *number >= layout_.number) continue;
    THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTree(deps_.fs, base::StrCat(logs, "/", entry.name)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ShardedEngine::OpenAll(data::Schema::Ptr schema, uint32_t compactions) {
  absl::Status opened = co_await OpenFiles(*schema);
  if (opened.ok()) opened = co_await OpenShards(std::move(schema), compactions);
  if (!opened.ok()) co_await StopAll();
  co_return opened;
}

Task<absl::Status> ShardedEngine::OpenShards(data::Schema::Ptr schema, uint32_t compactions) {
  ShardEnvironment environment{
      options_, deps_, layout_, throttle_,
      std::make_shared<MemoryBudget>(options_.memtable_bytes_max, layout_.shards)};
  environment.options.compactions_per_shard = compactions;
  std::vector<Task<absl::StatusOr<ShardPtr>>> opening;
  for (uint32_t i = 0; i < layout_.shards; ++i) {
    opening.push_back(base::RunOn(LoopOf(i), ShardEngine::Open(environment, i, schema, files_)));
  }
  absl::Status first_error;
  for (absl::StatusOr<ShardPtr>& opened : co_await base::WhenAll(std::move(opening))) {
    first_error.Update(opened.status());
    shards_.push_back(opened.ok() ? *std::move(opened) : nullptr);
  }
  co_return first_error;
}

Task<void> ShardedEngine::StopAll() {
  std::vector<Task<void>> stopping;
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i] == nullptr) continue;
    stopping.push_back(base::RunOn(LoopOf(i), shards_[i]->Stop()));
  }
  co_await base::WhenAll(std::move(stopping));
  for (auto& [id, files] : files_) co_await files->Stop();
  files_.clear();
  shards_.clear();
}

}  // namespace tholos::storage
