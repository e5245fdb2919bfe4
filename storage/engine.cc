#include "storage/engine.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/mutation_view.h"
#include "storage/commitlog/commit_log.h"
#include "storage/sharded_engine.h"

namespace tholos::storage {
namespace {

// A shard begins to read when it is called, so it is called on its loop.
base::Task<absl::StatusOr<data::ReadResult>> ReadThere(ShardEngine& shard,
                                                       data::ReadCommand command,
                                                       base::Deadline deadline) {
  co_return co_await shard.Read(std::move(command), deadline);
}

}  // namespace

base::Task<void> ShardedEngine::Stop() {
  auto lock = co_await maintenance_.Acquire(1);
  if (std::exchange(stopped_, true)) co_return;
  std::vector<base::Task<void>> stopping;
  for (size_t i = 0; i < shards_.size(); ++i) {
    stopping.push_back(base::RunOn(LoopOf(i), shards_[i]->Stop()));
  }
  co_await base::WhenAll(std::move(stopping));
  for (auto& [id, files] : files_) co_await files->Stop();
  lock_.reset();
}

base::Task<absl::Status> ShardedEngine::Apply(std::string encoded_mutation,
                                              base::Deadline deadline) {
  if (encoded_mutation.size() > options_.mutation_bytes_max) {
    return base::Task<absl::Status>::Ready(absl::InvalidArgumentError(
        base::StrCat("storage: a mutation of ", encoded_mutation.size(), " bytes; at most ",
                     options_.mutation_bytes_max, " are allowed")));
  }
  const auto token = data::PeekToken(encoded_mutation);
  if (!token.ok()) return base::Task<absl::Status>::Ready(token.status());
  const int shard = ShardOf(*token);
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
  ShardEngine& there = *shards_[static_cast<size_t>(shard)];
  if (base::Loop::CurrentOrNull() == &loop) return there.Read(std::move(command), deadline);
  return base::RunOn(loop, ReadThere(there, std::move(command), deadline));
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
        co_await base::RunOn(deps_.executor.shard(shard),
                             ReadThere(*shards_[static_cast<size_t>(shard)], command, deadline)));
    const uint32_t rows = data::CountLiveRows(part, command.now_seconds);
    command.row_limit -= std::min(command.row_limit, rows);
    const uint64_t bytes = data::CountBytes(part, command.reversed);
    command.bytes_limit -= std::min(command.bytes_limit, bytes);
    if (command.bytes_max != data::ReadCommand().bytes_max)
      command.bytes_max -= std::min(command.bytes_max, bytes);
    std::move(part.partitions.begin(), part.partitions.end(), std::back_inserter(all.partitions));
    all.more = part.more;
    all.end = std::move(part.end);
    if (!all.more) continue;
    // Nothing of this shard fitted behind what the others gave.
    if (part.needed != 0 && !all.partitions.empty()) {
      all.end = data::Position{all.partitions.back().key, std::nullopt};
    } else {
      all.needed = part.needed;
    }
    break;
  }
  co_return all;
}

base::Task<absl::Status> ShardedEngine::Flush(std::optional<data::TableId> table) {
  co_return co_await TryOnEveryShard([table](ShardEngine& shard) { return shard.Flush(table); });
}

base::Task<absl::Status> ShardedEngine::CompactAll(data::TableId table) {
  co_return co_await TryOnEveryShard(
      [table](ShardEngine& shard) { return shard.CompactAll(table); });
}

base::Task<absl::StatusOr<TableStats>> ShardedEngine::Stats(data::TableId table) {
  TableStats sum;
  for (const auto& stats :
       co_await OnEveryShard([table](ShardEngine& shard) { return shard.Stats(table); })) {
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
