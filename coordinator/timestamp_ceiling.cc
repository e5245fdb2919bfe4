#include "coordinator/timestamp_ceiling.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/disk_error.h"
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
  if (base::IsDiskError(read)) {
    co_return absl::DataLossError(base::StrCat(
        "the start needs ", kLocalKeyspace, ".", ClockTable().name,
        ", which the disk does not give: ", base::ToStd(read.message()),
        "; to start without it move its directory out of the data directory (operations.md says "
        "what is lost)"));
  }
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
  // The first writes need not wait. A disk that is full is no reason not to start.
  const data::Timestamp first = deps_.clock.WallMicros() + absl::ToInt64Microseconds(kAbove);
  if (first > ceiling_) NoteRaised(co_await Raise(first));
  co_return absl::OkStatus();
}

// A disk may stay full for hours: the 1st, 2nd, 4th, 8th, ... failure in a row leaves a line.
void TimestampCeiling::NoteRaised(const absl::Status& raised) {
  if (raised.ok()) {
    failures_in_a_row_ = 0;
  } else if (std::has_single_bit(++failures_in_a_row_)) {
    deps_.log.Warning("timestamps", base::StrCat("no ceiling: ", base::ToStd(raised.message())));
  }
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
    const data::Timestamp last = deps_.timestamps.last();
    const data::Timestamp wanted = last + absl::ToInt64Microseconds(kAbove) / 2;
    if (last == 0 || wanted <= ceiling_) continue;
    NoteRaised(co_await RaiseAbove(wanted, base::Deadline::Infinite()));
  }
}

base::Task<absl::Status> TimestampCeiling::RaiseAbove(data::Timestamp timestamp,
                                                      base::Deadline deadline) {
  base::Loop& caller = base::Loop::Current();
  co_await base::SwitchTo(deps_.executor.shard(0));
  wanted_ = std::max(wanted_, timestamp);
  absl::Status raised;
  while (raised.ok() && timestamp > ceiling_) {
    if (raising_ == nullptr) {
      raising_ = std::make_shared<Raising>();
      scope_.Spawn(RaiseOnce(raising_));
    }
    if (scope_.stopped()) {
      raised = absl::UnavailableError("the node is stopping");
      break;
    }
    const std::shared_ptr<Raising> raising = raising_;
    const bool done = co_await raising->done.WaitUntil(deadline);
    raised = done ? raising->status : absl::DeadlineExceededError("the disk is slow");
  }
  co_await base::SwitchTo(caller);
  co_return raised;
}

base::Task<void> TimestampCeiling::RaiseOnce(std::shared_ptr<Raising> raising) {
  const data::Timestamp highest = std::max(wanted_, deps_.timestamps.last());
  raising->status = co_await Raise(highest + absl::ToInt64Microseconds(kAbove) / 2);
  raising_ = nullptr;
  raising->done.Set();
}

base::Task<absl::Status> TimestampCeiling::Raise(data::Timestamp ceiling) {
  data::Mutation mutation{.table = ClockTable().id, .update = {.key = RowKey()}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(ceiling)};
  row.cells.push_back(
      data::Cell::Value(ClockTable().Find("micros")->id, ceiling, data::EncodeBigint(ceiling)));
  mutation.update.rows.push_back(std::move(row));
  THOLOS_CO_RETURN_IF_ERROR(
      co_await deps_.engine.Apply(data::EncodeMutation(mutation), base::Deadline::Infinite()));
  ceiling_.store(ceiling, std::memory_order_relaxed);
  co_return absl::OkStatus();
}

}  // namespace tholos::coordinator
