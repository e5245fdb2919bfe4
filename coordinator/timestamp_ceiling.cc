#include "coordinator/timestamp_ceiling.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

data::DecoratedKey RowKey() { return data::DecoratedKey::Of("ceiling"); }

}  // namespace

base::Task<absl::Status> TimestampCeiling::Load() {
  const absl::Status read = co_await ReadCeiling();
  if (absl::IsDataLoss(read)) {
    deps_.log.Error(
        "timestamps",
        base::StrCat("the ceiling is lost: if the clock was set back since the last start, new "
                     "writes may lose against older ones: ",
                     base::ToStd(read.message())));
    THOLOS_CO_RETURN_IF_ERROR(co_await deps_.engine.Truncate(ClockTable().id, std::nullopt));
  } else if (!read.ok()) {
    co_return read;
  }
  deps_.timestamps.Restore(ceiling_);
  co_return absl::OkStatus();
}

base::Task<absl::Status> TimestampCeiling::ReadCeiling() {
  data::ReadCommand command{.table = ClockTable().id, .key = RowKey()};
  THOLOS_CO_ASSIGN_OR_RETURN(
      const data::ReadResult result,
      co_await deps_.engine.Read(std::move(command), base::Deadline::Infinite()));
  const data::ColumnId column = ClockTable().Find("micros")->id;
  for (const data::Partition& partition : result.partitions) {
    for (const data::Row& row : partition.rows) {
      const data::Cell* cell = row.Find(column);
      if (cell != nullptr && cell->value.size() == 8) ceiling_ = data::DecodeBigint(cell->value);
    }
  }
  co_return absl::OkStatus();
}

base::Task<void> TimestampCeiling::Stop() {
  stopping_.Set();
  co_await scope_.Stop();
}

// Writes nothing while no timestamps are given.
base::Task<void> TimestampCeiling::Run() {
  while (!co_await stopping_.WaitUntil(deps_.clock.Now() + kInterval)) {
    const data::Timestamp margin = absl::ToInt64Microseconds(kAbove);
    const data::Timestamp last = deps_.timestamps.last();
    if (last == 0 || last + margin / 2 <= ceiling_) continue;
    const absl::Status raised = co_await Raise(last + margin);
    if (!raised.ok())
      deps_.log.Warning("timestamps", base::StrCat("no ceiling: ", base::ToStd(raised.message())));
  }
}

base::Task<absl::Status> TimestampCeiling::Raise(data::Timestamp ceiling) {
  data::Mutation mutation{.table = ClockTable().id, .update = {.key = RowKey()}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(ceiling)};
  row.cells.push_back(
      data::Cell::Value(ClockTable().Find("micros")->id, ceiling, data::EncodeBigint(ceiling)));
  mutation.update.rows.push_back(std::move(row));
  THOLOS_CO_RETURN_IF_ERROR(
      co_await deps_.engine.Apply(data::EncodeMutation(mutation), base::Deadline::Infinite()));
  ceiling_ = ceiling;
  co_return absl::OkStatus();
}

}  // namespace tholos::coordinator
