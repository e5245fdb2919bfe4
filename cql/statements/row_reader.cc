#include "cql/statements/row_reader.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "cql/system_tables.h"

namespace tholos::cql {
namespace {

// Rows of a read that may all be filtered out.
constexpr uint32_t kFilteredFetchRows = 1000;

bool HasLiveCell(const data::Row& row, int64_t now_seconds) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [now_seconds](const data::Cell& cell) { return cell.LiveAt(now_seconds); });
}

}  // namespace

bool RowReader::FinishesPartition() const {
  return options_.per_partition_limit && options_.filters.empty() && state_.after &&
         state_.after->clustering && state_.partition_rows > 0;
}

data::ReadCommand RowReader::NextCommand(uint32_t rows) const {
  data::ReadCommand command;
  command.table = options_.table->id;
  command.range = options_.range;
  if (options_.keys) command.key = (*options_.keys)[state_.key_index];
  command.slices = options_.slices;
  command.reversed = options_.reversed;
  command.after = state_.after;
  command.now_seconds = request_.wall_seconds();
  command.row_limit = options_.filters.empty() ? rows : std::max(rows, kFilteredFetchRows);
  if (options_.per_partition_limit && options_.filters.empty()) {
    command.per_partition_limit = *options_.per_partition_limit;
    if (FinishesPartition()) {
      command.key = state_.after->key;
      command.per_partition_limit -= state_.partition_rows;
    }
  }
  return command;
}

base::Task<absl::StatusOr<bool>> RowReader::Read(uint32_t rows,
                                                 absl::FunctionRef<Next(const RowView&)> take) {
  if (options_.keys && state_.key_index >= options_.keys->size()) done_ = true;
  if (done_) co_return false;
  if (PartitionIsFull() && state_.after) {
    if (options_.keys) {
      EndOfTarget();
      co_return !done_;
    }
    state_.after->clustering.reset();
  }
  if (request_.services->clock.Now() > request_.routing.deadline) {
    co_return base::MakeRequestError(
        {.kind = base::RequestErrorKind::kTimeout,
         .consistency = std::string(coordinator::ConsistencyName(request_.routing.consistency))},
        "the deadline passed before all rows were read");
  }
  const bool finishes_partition = FinishesPartition();
  const data::ReadCommand command = NextCommand(rows);
  absl::StatusOr<coordinator::ReadPage> page;
  if (IsSystemKeyspace(options_.table->keyspace)) {
    page = co_await ReadSystemTable(*options_.table, request_, command);
  } else {
    page = co_await request_.services->coordinator.Read(command, request_.routing);
  }
  if (!page.ok()) co_return page.status();
  for (const data::Partition& partition : page->partitions) {
    THOLOS_CO_ASSIGN_OR_RETURN(const Next next, TakePartition(partition, take));
    if (next == Next::kStop) {
      const bool last =
          &partition == &page->partitions.back() &&
          (partition.rows.empty() || state_.after->clustering == partition.rows.back().clustering);
      if (last && !page->next && !finishes_partition) EndOfTarget();
      co_return !done_;
    }
  }
  if (page->next) {
    if (!state_.after || state_.after->key != page->next->key) state_.partition_rows = 0;
    state_.after = std::move(page->next);
  } else if (finishes_partition && !options_.keys) {
    state_.after->clustering.reset();
    state_.partition_rows = 0;
  } else {
    EndOfTarget();
  }
  co_return !done_;
}

void RowReader::EndOfTarget() {
  state_.after.reset();
  state_.partition_rows = 0;
  if (!options_.keys || ++state_.key_index >= options_.keys->size()) done_ = true;
}

absl::StatusOr<RowReader::Next> RowReader::TakePartition(
    const data::Partition& partition, absl::FunctionRef<Next(const RowView&)> take) {
  const bool continued =
      state_.after && state_.after->clustering && state_.after->key == partition.key;
  if (!continued) state_.partition_rows = 0;
  THOLOS_ASSIGN_OR_RETURN(const std::vector<std::string> key,
                          data::DecodePartitionKey(*options_.table, partition.key.key));
  RowView view;
  view.token = partition.key.token;
  view.partition = &key;
  view.now_seconds = request_.wall_seconds();
  if (partition.static_row) view.static_row = &*partition.static_row;
  if (partition.rows.empty()) {
    const bool alone = !continued && options_.static_rows_alone && view.static_row != nullptr &&
                       HasLiveCell(*view.static_row, view.now_seconds);
    state_.after = data::Position{partition.key, std::nullopt};
    return alone ? TakeRow(view, take) : Next::kMore;
  }
  for (const data::Row& row : partition.rows) {
    if (PartitionIsFull()) break;
    std::vector<std::string> clustering;
    if (options_.decode_clustering) {
      THOLOS_ASSIGN_OR_RETURN(clustering, data::DecodeClustering(*options_.table, row.clustering));
    }
    view.clustering = &clustering;
    view.row = &row;
    state_.after = data::Position{partition.key, row.clustering};
    if (TakeRow(view, take) == Next::kStop) return Next::kStop;
  }
  return Next::kMore;
}

RowReader::Next RowReader::TakeRow(const RowView& view,
                                   absl::FunctionRef<Next(const RowView&)> take) {
  ++considered_;
  const bool matches =
      std::all_of(options_.filters.begin(), options_.filters.end(),
                  [&view](const BoundFilter& filter) { return filter.Matches(view); });
  if (!matches) return Next::kMore;
  ++state_.partition_rows;
  if (state_.remaining) --*state_.remaining;
  const Next next = take(view);
  return state_.remaining == uint64_t{0} ? Next::kStop : next;
}

}  // namespace tholos::cql
