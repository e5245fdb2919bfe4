#include "storage/engine.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/when_all.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/commitlog/commit_log.h"
#include "storage/directories.h"
#include "storage/shard_engine.h"

namespace tholos::storage {
namespace {

using ShardPtr = std::unique_ptr<ShardEngine>;
using OpenedShard = absl::StatusOr<ShardPtr>;

// Carries every call to the shard that has the data.
class ShardedEngine final : public Engine {
 public:
  ShardedEngine(EngineOptions options, EngineDeps deps)
      : options_(std::move(options)), deps_(deps) {}

  base::Task<absl::Status> Start(data::Schema::Ptr schema);

  base::Task<absl::Status> SetSchema(data::Schema::Ptr schema) override;
  base::Task<absl::Status> Apply(std::string encoded_mutation, base::Deadline deadline) override;
  base::Task<absl::StatusOr<data::ReadResult>> Read(data::ReadCommand command,
                                                    base::Deadline deadline) override;
  base::Task<absl::Status> Flush(std::optional<data::TableId> table) override;
  base::Task<absl::Status> CompactAll(data::TableId table) override;
  base::Task<absl::StatusOr<TableStats>> Stats(data::TableId table) override;
  uint64_t LiveBytes() const override;
  base::Task<void> Stop() override;

 private:
  int ShardOf(data::Token token) const {
    return base::ShardOfToken(token, static_cast<int>(shards_.size()));
  }
  base::Task<absl::Status> PrepareDirectory();
  base::Task<absl::Status> TidyTableDirectories(const data::Schema& schema);
  base::Task<absl::Status> OpenShards(data::Schema::Ptr schema);
  base::Task<absl::Status> RemoveDropped(std::shared_ptr<const data::TableSchema> table);
  base::Task<absl::StatusOr<data::ReadResult>> ReadRange(data::ReadCommand command,
                                                         base::Deadline deadline);
  // `call` on every shard at once; the first error.
  template <typename Call>
  base::Task<absl::Status> OnEveryShard(Call call);

  const EngineOptions options_;
  const EngineDeps deps_;
  std::unique_ptr<base::FileSystem::Lock> lock_;
  uint32_t shard_count_ = 0;
  std::vector<ShardPtr> shards_;
  data::Schema::Ptr schema_;
  base::Semaphore schema_change_{1};
};

// Opening ----------------------------------------------------------------------------------------

base::Task<absl::Status> ShardedEngine::Start(data::Schema::Ptr schema) {
  THOLOS_CO_RETURN_IF_ERROR(co_await PrepareDirectory());
  THOLOS_CO_RETURN_IF_ERROR(co_await TidyTableDirectories(*schema));
  co_return co_await OpenShards(std::move(schema));
}

base::Task<absl::Status> ShardedEngine::PrepareDirectory() {
  const std::string& root = options_.directory;
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(deps_.fs, root));
  THOLOS_CO_ASSIGN_OR_RETURN(lock_, co_await deps_.fs.LockFile(root + "/engine.lock"));
  const uint32_t offered = static_cast<uint32_t>(deps_.executor.shard_count());
  THOLOS_CO_ASSIGN_OR_RETURN(const EngineMeta meta,
                             co_await ReadOrWriteMeta(deps_.fs, root, offered));
  if (meta.shards > offered) {
    co_return absl::FailedPreconditionError(base::StrCat("storage: ", root, " was made with ",
                                                         meta.shards, " shards and needs as many; ",
                                                         offered, " are offered"));
  }
  shard_count_ = meta.shards;
  THOLOS_CO_RETURN_IF_ERROR(
      co_await MakeDirectoriesDurably(deps_.fs, base::StrCat(root, "/commitlog")));
  co_return co_await MakeDirectoriesDurably(deps_.fs, TablesDirectory(root));
}

// Ends drops that a crash interrupted. Data of tables that the schema does not know is left alone:
// it is not for the engine to decide that a schema is complete.
base::Task<absl::Status> ShardedEngine::TidyTableDirectories(const data::Schema& schema) {
  const std::string tables = TablesDirectory(options_.directory);
  THOLOS_CO_ASSIGN_OR_RETURN(auto entries, co_await deps_.fs.List(tables));
  for (const base::DirectoryEntry& entry : entries) {
    const std::string path = base::StrCat(tables, "/", entry.name);
    if (IsDroppedDirectoryName(entry.name)) {
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTree(deps_.fs, path));
      continue;
    }
    const auto id = ParseTableDirectoryName(entry.name);
    if (!id.has_value() || schema.FindTable(*id) == nullptr) {
      deps_.log.Warning("storage", base::StrCat(path, " belongs to no table of the schema"));
    }
  }
  co_return absl::OkStatus();
}

base::Task<absl::Status> ShardedEngine::OpenShards(data::Schema::Ptr schema) {
  schema_ = schema;
  std::vector<base::Task<OpenedShard>> opening;
  for (uint32_t i = 0; i < shard_count_; ++i) {
    opening.push_back(base::RunOn(deps_.executor.shard(static_cast<int>(i)),
                                  ShardEngine::Open(options_, deps_, schema, i, shard_count_)));
  }
  absl::Status first_error;
  for (OpenedShard& opened : co_await base::WhenAll(std::move(opening))) {
    first_error.Update(opened.status());
    shards_.push_back(opened.ok() ? *std::move(opened) : nullptr);
  }
  if (!first_error.ok()) co_await Stop();
  co_return first_error;
}

base::Task<void> ShardedEngine::Stop() {
  std::vector<base::Task<void>> stopping;
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i] == nullptr) continue;
    stopping.push_back(base::RunOn(deps_.executor.shard(static_cast<int>(i)), shards_[i]->Stop()));
  }
  co_await base::WhenAll(std::move(stopping));
  lock_.reset();
}

// Calls ------------------------------------------------------------------------------------------

template <typename Call>
base::Task<absl::Status> ShardedEngine::OnEveryShard(Call call) {
  std::vector<base::Task<absl::Status>> calls;
  for (size_t i = 0; i < shards_.size(); ++i) {
    calls.push_back(base::RunOn(deps_.executor.shard(static_cast<int>(i)), call(*shards_[i])));
  }
  absl::Status first_error;
  for (const absl::Status& status : co_await base::WhenAll(std::move(calls))) {
    first_error.Update(status);
  }
  co_return first_error;
}

base::Task<absl::Status> ShardedEngine::Apply(std::string encoded_mutation,
                                              base::Deadline deadline) {
  if (encoded_mutation.size() > options_.mutation_bytes_max) {
    return base::Task<absl::Status>::Ready(absl::InvalidArgumentError(
        base::StrCat("storage: a mutation of ", encoded_mutation.size(), " bytes; at most ",
                     options_.mutation_bytes_max, " are allowed")));
  }
  auto header = data::PeekMutation(encoded_mutation);
  if (!header.ok()) return base::Task<absl::Status>::Ready(header.status());
  const int shard = ShardOf(header->key.token);
  base::Loop& loop = deps_.executor.shard(shard);
  auto apply = shards_[shard]->Apply(std::move(encoded_mutation), deadline);
  if (base::Loop::CurrentOrNull() == &loop) return apply;
  return base::RunOn(loop, std::move(apply));
}

base::Task<absl::StatusOr<data::ReadResult>> ShardedEngine::Read(data::ReadCommand command,
                                                                 base::Deadline deadline) {
  if (!command.key.has_value()) return ReadRange(std::move(command), deadline);
  const int shard = ShardOf(command.key->token);
  base::Loop& loop = deps_.executor.shard(shard);
  auto read = shards_[shard]->Read(std::move(command), deadline);
  if (base::Loop::CurrentOrNull() == &loop) return read;
  return base::RunOn(loop, std::move(read));
}

// Bytes as data::Collect counts them for bytes_limit.
uint64_t CountBytes(const data::ReadResult& result) {
  uint64_t bytes = 0;
  for (const data::Partition& partition : result.partitions) {
    bytes += partition.key.key.size();
    if (partition.static_row.has_value()) bytes += data::ApproximateBytes(*partition.static_row);
    for (const data::Row& row : partition.rows) bytes += data::ApproximateBytes(row);
  }
  return bytes;
}

// Shards hold ascending slices of the token space: one after the other gives token order. Limits
// are passed on less what was used, so the answer does not depend on the number of shards.
base::Task<absl::StatusOr<data::ReadResult>> ShardedEngine::ReadRange(data::ReadCommand command,
                                                                      base::Deadline deadline) {
  const data::TokenRange& range = command.range;
  int shard = range.start == range.end ? 0 : ShardOf(range.start);
  if (command.after.has_value()) shard = std::max(shard, ShardOf(command.after->key.token));
  const bool to_the_end = range.start == range.end || range.end == data::kMinToken;
  const int last = to_the_end ? static_cast<int>(shards_.size()) - 1 : ShardOf(range.end);
  data::ReadResult all;
  for (; shard <= last; ++shard) {
    THOLOS_CO_ASSIGN_OR_RETURN(
        data::ReadResult part,
        co_await base::RunOn(deps_.executor.shard(shard), shards_[shard]->Read(command, deadline)));
    const uint32_t rows = data::CountLiveRows(part, command.now_seconds);
    command.row_limit -= std::min(command.row_limit, rows);
    command.bytes_limit -= std::min(command.bytes_limit, CountBytes(part));
    std::move(part.partitions.begin(), part.partitions.end(), std::back_inserter(all.partitions));
    all.more = part.more;
    if (all.more) break;
  }
  co_return all;
}

base::Task<absl::Status> ShardedEngine::Flush(std::optional<data::TableId> table) {
  co_return co_await OnEveryShard([table](ShardEngine& shard) { return shard.Flush(table); });
}

base::Task<absl::Status> ShardedEngine::CompactAll(data::TableId table) {
  co_return co_await OnEveryShard([table](ShardEngine& shard) { return shard.CompactAll(table); });
}

base::Task<absl::StatusOr<TableStats>> ShardedEngine::Stats(data::TableId table) {
  std::vector<base::Task<absl::StatusOr<TableStats>>> calls;
  for (size_t i = 0; i < shards_.size(); ++i) {
    calls.push_back(
        base::RunOn(deps_.executor.shard(static_cast<int>(i)), shards_[i]->Stats(table)));
  }
  TableStats sum;
  for (const auto& stats : co_await base::WhenAll(std::move(calls))) {
    if (!stats.ok()) co_return stats.status();
    sum.memtable_bytes += stats->memtable_bytes;
    sum.sstables += stats->sstables;
    sum.sstable_bytes += stats->sstable_bytes;
  }
  co_return sum;
}

uint64_t ShardedEngine::LiveBytes() const {
  uint64_t bytes = 0;
  for (const ShardPtr& shard : shards_) bytes += shard->live_bytes();
  return bytes;
}

// Schema -----------------------------------------------------------------------------------------

base::Task<absl::Status> ShardedEngine::SetSchema(data::Schema::Ptr schema) {
  auto lock = co_await schema_change_.Acquire(1);
  const data::Schema::Ptr before = std::exchange(schema_, schema);
  THOLOS_CO_RETURN_IF_ERROR(
      co_await OnEveryShard([schema](ShardEngine& shard) { return shard.SetSchema(schema); }));
  for (auto& table : before->tables()) {
    if (schema->FindTable(table->id) != nullptr) continue;
    THOLOS_CO_RETURN_IF_ERROR(co_await RemoveDropped(table));
  }
  co_return absl::OkStatus();
}

// The rename says durably that it is dropped; a crash during the removal is ended at the next
// start.
base::Task<absl::Status> ShardedEngine::RemoveDropped(
    std::shared_ptr<const data::TableSchema> table) {
  const std::string tables = TablesDirectory(options_.directory);
  const std::string name = TableDirectoryName(*table);
  const std::string from = base::StrCat(tables, "/", name);
  const std::string to = base::StrCat(tables, "/", DroppedDirectoryName(name));
  absl::Status renamed = co_await deps_.fs.Rename(from, to);
  if (absl::IsNotFound(renamed)) co_return absl::OkStatus();
  THOLOS_CO_RETURN_IF_ERROR(renamed);
  THOLOS_CO_RETURN_IF_ERROR(co_await deps_.fs.SyncDirectory(tables));
  co_return co_await RemoveTree(deps_.fs, to);
}

}  // namespace

base::Task<absl::StatusOr<std::unique_ptr<Engine>>> Engine::Open(EngineOptions options,
                                                                 EngineDeps deps,
                                                                 data::Schema::Ptr schema) {
  THOLOS_CHECK(options.mutation_bytes_max <=
               CommitLog::RecordBytesMax(options.commitlog_segment_bytes))
      << "a mutation must fit a commit log segment";
  auto engine = std::make_unique<ShardedEngine>(std::move(options), deps);
  THOLOS_CO_RETURN_IF_ERROR(co_await engine->Start(std::move(schema)));
  co_return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace tholos::storage
