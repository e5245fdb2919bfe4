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

base::Task<absl::Status> Truncations::Note(data::TableId table, int64_t wall_micros,
                                           base::Deadline deadline) {
  {
    absl::MutexLock lock(&mutex_);
    int64_t& moment = moments_[table];
    moment = std::max(moment, wall_micros);
  }
  data::Mutation mutation{.table = TruncationsTable().id,
                          .update = {.key = data::DecoratedKey::Of(std::string(table.AsBytes()))}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(wall_micros)};
  row.cells.push_back(data::Cell::Value(TruncationsTable().Find("truncated_at")->id, wall_micros,
                                        data::EncodeBigint(wall_micros)));
  mutation.update.rows.push_back(std::move(row));
  co_return co_await engine_.Apply(data::EncodeMutation(mutation), deadline);
}

bool Truncations::Covers(const data::TableId& table, int64_t created_micros) const {
  absl::MutexLock lock(&mutex_);
  const auto it = moments_.find(table);
  return it != moments_.end() && created_micros <= it->second;
}

}  // namespace tholos::coordinator
