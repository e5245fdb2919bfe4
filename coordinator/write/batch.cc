#include "coordinator/write/batch.h"

#include <utility>

#include "absl/container/btree_map.h"
#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "coordinator/requests.h"

namespace tholos::coordinator {

std::vector<data::Mutation> MergeByPartition(std::vector<data::Mutation> mutations) {
  std::vector<data::Mutation> merged;
  absl::btree_map<std::pair<data::TableId, data::DecoratedKey>, size_t> places;
  for (data::Mutation& mutation : mutations) {
    const auto [place, is_new] =
        places.try_emplace({mutation.table, mutation.update.key}, merged.size());
    if (is_new) {
      merged.push_back(std::move(mutation));
    } else {
      data::MergeInto(&merged[place->second].update, std::move(mutation.update));
    }
  }
  return merged;
}

base::Task<absl::Status> BatchWriter::Write(std::vector<data::Mutation> mutations, bool logged,
                                            RequestOptions options) {
  const base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) co_return Stopping();
  const base::MonotonicTime start = shard_.clock.Now();
  const ConsistencyLevel level = options.consistency;
  const absl::Status outcome =
      co_await Perform(MergeByPartition(std::move(mutations)), logged, std::move(options));
  shard_.metrics.batches.Count(level, shard_.clock.Now() - start, outcome);
  co_return outcome;
}

base::Task<absl::Status> BatchWriter::Perform(std::vector<data::Mutation> mutations, bool logged,
                                              RequestOptions options) {
  // 1. Every part is fit to be written before any is sent.
  options.deadline = EffectiveDeadline(shard_, options.deadline);
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<Writer::Prepared> writes,
                             Prepare(mutations, options.consistency));

  // 2. One partition is atomic by itself.
  if (writes.size() <= 1) {
    co_return co_await SendAll(std::move(writes), WriteType::kSimple, std::move(options));
  }
  co_return co_await SendAll(std::move(writes),
                             logged ? WriteType::kBatch : WriteType::kUnloggedBatch,
                             std::move(options));
}

absl::StatusOr<std::vector<Writer::Prepared>> BatchWriter::Prepare(
    const std::vector<data::Mutation>& mutations, ConsistencyLevel level) const {
  std::vector<Writer::Prepared> writes;
  writes.reserve(mutations.size());
  for (const data::Mutation& mutation : mutations) {
    THOLOS_ASSIGN_OR_RETURN(Writer::Prepared write, writer_.Prepare(mutation, level));
    writes.push_back(std::move(write));
  }
  return writes;
}

base::Task<absl::Status> BatchWriter::SendAll(std::vector<Writer::Prepared> writes, WriteType type,
                                              RequestOptions options) {
  std::vector<base::Task<absl::Status>> sending;
  sending.reserve(writes.size());
  for (Writer::Prepared& write : writes) {
    sending.push_back(writer_.Send(std::move(write), type, options));
  }
  absl::Status outcome;
  for (const absl::Status& one : co_await base::WhenAll(std::move(sending))) outcome.Update(one);
  co_return outcome;
}

}  // namespace tholos::coordinator
