#include "coordinator/truncations.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "coordinator/system_schema.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

constexpr uint32_t kPageRows = 1000;

}  // namespace

base::Task<absl::Status> Truncations::Load() {
  const data::ColumnId column = TruncationsTable().Find("truncated_at")->id;
  data::ReadCommand command{.table = TruncationsTable().id};
  command.row_limit = kPageRows;
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult page,
                               co_await engine_.Read(command, base::Deadline::Infinite()));
    for (const data::Partition& partition : page.partitions) {
      const auto table = base::Uuid::FromBytes(partition.key.key);
      for (const data::Row& row : partition.rows) {
        const data::Cell* cell = row.Find(column);
        if (!table.ok() || cell == nullptr || cell->value.size() != 8) continue;
        absl::MutexLock lock(&mutex_);
        moments_[*table] = data::DecodeBigint(cell->value);
      }
    }
    if (!page.more) co_return absl::OkStatus();
    command.after = data::LastPosition(page);
  }
}

void Truncations::Begin(data::TableId table, int64_t wall_micros, base::Deadline deadline) {
  absl::MutexLock lock(&mutex_);
  Begun& begun = begun_[table];
  begun.wall_micros = std::max(begun.wall_micros, wall_micros);
  begun.deadline = std::max(begun.deadline, deadline);
}

base::Task<absl::Status> Truncations::Complete(data::TableId table, base::MonotonicTime now,
                                               base::Deadline deadline) {
  int64_t moment = 0;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = begun_.find(table);
    if (it == begun_.end() || it->second.deadline <= now)
      co_return absl::FailedPreconditionError("the truncation was given up before");
    moment = it->second.wall_micros;
  }
  data::Mutation mutation{.table = TruncationsTable().id,
                          .update = {.key = data::DecoratedKey::Of(std::string(table.AsBytes()))}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(moment)};
  row.cells.push_back(data::Cell::Value(TruncationsTable().Find("truncated_at")->id, moment,
                                        data::EncodeBigint(moment)));
  mutation.update.rows.push_back(std::move(row));
  THOLOS_CO_RETURN_IF_ERROR(co_await engine_.Apply(data::EncodeMutation(mutation), deadline));
  absl::MutexLock lock(&mutex_);
  int64_t& last = moments_[table];
  last = std::max(last, moment);
  // Another TRUNCATE may have begun meanwhile.
  if (const auto it = begun_.find(table); it != begun_.end() && it->second.wall_micros == moment)
    begun_.erase(it);
  co_return absl::OkStatus();
}

Truncations::Fate Truncations::FateOf(const data::TableId& table, int64_t created_micros,
                                      base::MonotonicTime now) const {
  absl::MutexLock lock(&mutex_);
  const auto emptied = moments_.find(table);
  if (emptied != moments_.end() && created_micros <= emptied->second) return Fate::kDrop;
  const auto begun = begun_.find(table);
  const bool waits = begun != begun_.end() && created_micros <= begun->second.wall_micros &&
                     now < begun->second.deadline;
  return waits ? Fate::kWait : Fate::kDeliver;
}

}  // namespace tholos::coordinator
