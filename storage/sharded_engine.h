// The engine: carries every call to the shard that has the data, and does what concerns all shards
// of a table at once.
//
//   engine.cc              reads, writes and the other calls
//   engine_open.cc         opening, and what a changed number of shards needs
//   engine_schema.cc       created and dropped tables
//   engine_maintenance.cc  truncation and snapshots
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/async/semaphore.h"
#include "base/async/when_all.h"
#include "storage/engine.h"
#include "storage/shard_engine.h"

namespace tholos::storage {

class ShardedEngine final : public Engine {
 public:
  ShardedEngine(EngineOptions options, EngineDeps deps)
      : options_(std::move(options)),
        deps_(deps),
        throttle_(std::make_shared<CompactionThrottle>(options_.compaction_rate)) {}

  base::Task<absl::Status> Start(data::Schema::Ptr schema);

  base::Task<absl::Status> SetSchema(data::Schema::Ptr schema) override;
  base::Task<absl::Status> Apply(std::string encoded_mutation, base::Deadline deadline) override;
  base::Task<absl::StatusOr<data::ReadResult>> Read(data::ReadCommand command,
                                                    base::Deadline deadline) override;
  base::Task<absl::Status> Flush(std::optional<data::TableId> table) override;
  base::Task<absl::Status> CompactAll(data::TableId table) override;
  base::Task<absl::Status> Truncate(data::TableId table,
                                    std::optional<std::string> snapshot) override;
  base::Task<absl::StatusOr<TableSnapshot>> Snapshot(data::TableId table,
                                                     std::string name) override;
  base::Task<absl::StatusOr<std::vector<SnapshotInfo>>> ListSnapshots() override;
  base::Task<absl::Status> RemoveSnapshot(data::TableId table, std::string name) override;
  base::Task<absl::Status> RestoreSnapshot(data::TableId table, std::string name) override;
  base::Task<absl::StatusOr<TableStats>> Stats(data::TableId table) override;
  uint64_t LiveBytes() const override;
  base::Task<void> Stop() override;

 private:
  using ShardPtr = std::unique_ptr<ShardEngine>;
  using FilesPtr = std::shared_ptr<TableFiles>;

  int ShardOf(data::Token token) const {
    return base::ShardOfToken(token, static_cast<int>(shards_.size()));
  }
  // Shards of a former layout may be more than loops.
  base::Loop& LoopOf(size_t shard) {
    return deps_.executor.shard(static_cast<int>(shard) % deps_.executor.shard_count());
  }
  // `call` on every shard at once; all results, in the order of the shards.
  template <typename Call>
  auto OnEveryShard(Call call) {
    using Result = decltype(call(*shards_[0]));
    std::vector<Result> calls;
    for (size_t i = 0; i < shards_.size(); ++i) {
      calls.push_back(base::RunOn(LoopOf(i), call(*shards_[i])));
    }
    return base::WhenAll(std::move(calls));
  }
  // The same; the first error.
  template <typename Call>
  base::Task<absl::Status> TryOnEveryShard(Call call) {
    absl::Status first_error;
    for (const absl::Status& status : co_await OnEveryShard(std::move(call))) {
      first_error.Update(status);
    }
    co_return first_error;
  }

  base::Task<absl::Status> PrepareDirectory();
  base::Task<absl::Status> TidyTableDirectories(const data::Schema& schema);
  base::Task<absl::StatusOr<bool>> IsDropped(std::string directory, const data::Schema& schema);
  base::Task<absl::Status> ChangeLayout(data::Schema::Ptr schema);
  base::Task<absl::Status> RemoveOldLogs();
  base::Task<absl::Status> OpenAll(data::Schema::Ptr schema, uint32_t compactions);
  base::Task<absl::Status> OpenShards(data::Schema::Ptr schema, uint32_t compactions);
  base::Task<void> StopAll();

  base::Task<absl::StatusOr<data::ReadResult>> ReadRange(data::ReadCommand command,
                                                         base::Deadline deadline);
  std::string DirectoryOf(const data::TableSchema& table) const;
  base::Task<absl::Status> OpenFiles(const data::Schema& schema);
  base::Task<absl::Status> RemoveDropped(FilesPtr files);
  base::Task<absl::Status> RemoveDirectory(std::string name);
  absl::StatusOr<FilesPtr> FindFiles(const data::TableId& table) const;
  base::Task<absl::Status> TruncateFrozen(FilesPtr files, data::TableId table,
                                          std::optional<std::string> snapshot);
  base::Task<absl::Status> AdoptLinked(FilesPtr files, data::TableId table,
                                       std::vector<LiveTable> linked);

  const EngineOptions options_;
  const EngineDeps deps_;
  const std::shared_ptr<CompactionThrottle> throttle_;
  std::unique_ptr<base::FileSystem::Lock> lock_;
  Layout layout_;
  std::vector<ShardPtr> shards_;
  FilesOfTables files_;  // with those of dropped tables whose removal failed
  bool stopped_ = false;
  // Schema changes, truncation, snapshots and stopping, one at a time. All on shard 0.
  base::Semaphore maintenance_{1};
};

}  // namespace tholos::storage
