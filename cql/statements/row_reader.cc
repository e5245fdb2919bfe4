#include "cql/statements/row_reader.h"

#include <algorithm>
#include <utility>

#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/system_tables.h"

namespace tholos::cql {
namespace {

// Rows of a read that may all be filtered out.
constexpr uint32_t kFilteredFetchRows = 1000;

bool IsTimeout(const absl::Status& status) {
  const auto error = base::GetRequestError(status);
  return error.has_value() && error->kind == base::RequestErrorKind::kTimeout;
}

bool HasLiveCell(const data::Row& row, int64_t now_seconds) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [now_seconds](const data::Cell& cell) { return cell.LiveAt(now_seconds); });
}

}  // namespace

data::ReadCommand RowReader::NextCommand(uint32_t rows, size_t ahead) const {
  data::ReadCommand command;
  command.table = options_.table->id;
  command.range = options_.range;
  if (options_.by_key) command.key = options_.keys[state_.key_index + ahead];
  command.slices = options_.slices;
  command.reversed = options_.reversed;
  command.after = state_.after;
  command.now_seconds = request_.wall_seconds();
  command.row_limit = options_.filters.empty() ? rows : std::max(rows, kFilteredFetchRows);
  if (options_.per_partition_limit && options_.filters.empty() && options_.counts_rows) {
    command.per_partition_limit = *options_.per_partition_limit;
  }
  return command;
}

size_t RowReader::PartitionsAtATime() const {
  if (!options_.by_key || state_.after || alone_) return 1;
  return std::min(at_a_time_, options_.keys.size() - state_.key_index);
}

base::Task<absl::StatusOr<coordinator::ReadPage>> RowReader::Fetch(data::ReadCommand command,
                                                                   bool ahead) {
  if (IsSystemKeyspace(options_.table->keyspace)) {
    return ReadSystemTable(*options_.table, request_, std::move(command));
  }
  coordinator::RequestOptions options = request_.routing;
  options.ahead = ahead;
  return request_.services->coordinator.Read(std::move(command), std::move(options));
}

base::Task<absl::StatusOr<bool>> RowReader::Read(uint32_t rows, Taker take) {
  if (options_.by_key && state_.key_index >= options_.keys.size()) done_ = true;
  if (done_) co_return false;
  if (PartitionIsFull() && state_.after) {
    if (options_.by_key) {
      EndOfTarget();
      co_return !done_;
    }
    state_.after->clustering.reset();
  }
  if (request_.services->clock.Now() >= request_.routing.deadline) {
    co_return TooLate(base::MakeRequestError(
        {.kind = base::RequestErrorKind::kTimeout,
         .consistency = std::string(coordinator::ConsistencyName(request_.routing.consistency))},
        "the deadline passed before all rows were read"));
  }
  const size_t partitions = PartitionsAtATime();
  if (partitions > 1) {
    std::vector<base::Task<absl::StatusOr<coordinator::ReadPage>>> reads;
    for (size_t i = 0; i < partitions; ++i) {
      data::ReadCommand command = NextCommand(rows, i);
      command.bytes_limit = command.bytes_max = command.bytes_limit / partitions;
      reads.push_back(Fetch(std::move(command), /*ahead=*/true));
    }
    at_a_time_ = std::min(2 * at_a_time_, kPartitionsAtATimeMax);
    const absl::Status taken = TakeAhead(co_await base::WhenAll(std::move(reads)), take);
    if (!taken.ok()) co_return taken;
    co_return !done_;
  }
  absl::StatusOr<coordinator::ReadPage> page = co_await Fetch(NextCommand(rows));
  if (IsTimeout(page.status())) co_return TooLate(page.status());
  if (!page.ok()) co_return page.status();
  const absl::StatusOr<bool> whole = TakePage(*std::move(page), take);
  if (!whole.ok()) co_return whole.status();
  alone_ = options_.by_key && !*whole;
  co_return !done_;
}

absl::Status RowReader::TooLate(const absl::Status& timeout) const {
  if (considered_ == 0 && tombstones_ == 0) return timeout;
  return base::MakeRequestError(
      *base::GetRequestError(timeout),
      base::StrCat(base::ToStd(timeout.message()), "; ", considered_, " rows and ", tombstones_,
                   " tombstones of ", options_.table->QualifiedName(), " were read until then"));
}

// Up to a partition that has more than its share. What was read behind it is read again: to keep it
// would be to hold memory while that one waits for some.
absl::Status RowReader::TakeAhead(std::vector<absl::StatusOr<coordinator::ReadPage>> pages,
                                  Taker take) {
  for (absl::StatusOr<coordinator::ReadPage>& page : pages) {
    if (IsTimeout(page.status())) return TooLate(page.status());
    if (!page.ok()) return page.status();
    if (page->needed == 0) {
      THOLOS_ASSIGN_OR_RETURN(const bool whole, TakePage(*std::move(page), take));
      if (whole) continue;
    }
    alone_ = true;
    at_a_time_ = std::max<size_t>(1, at_a_time_ / 4);
    break;
  }
  return absl::OkStatus();
}

// True if the page was taken to its end, and was the last of its partition or range.
absl::StatusOr<bool> RowReader::TakePage(coordinator::ReadPage page, Taker take) {
  tombstones_ += page.tombstones;
  for (const data::Partition& partition : page.partitions) {
    THOLOS_ASSIGN_OR_RETURN(const Taken taken, TakePartition(partition, take));
    if (taken == Taken::kToTheEnd) continue;
    if (taken == Taken::kSkipped) {
      // Behind the partition, whether the page ends within it or not.
      if (page.next && page.next->key == partition.key) page.next->clustering.reset();
      if (!options_.by_key) continue;
      EndOfTarget();
      return true;
    }
    const bool last = taken == Taken::kStoppedAtTheEnd && &partition == &page.partitions.back();
    if (last && !page.next) EndOfTarget();
    return false;
  }
  if (page.next) {
    if (!state_.after || state_.after->key != page.next->key) state_.partition_rows = 0;
    state_.after = std::move(page.next);
    return false;
  }
  EndOfTarget();
  return true;
}

void RowReader::EndOfTarget() {
  state_.after.reset();
  state_.partition_rows = 0;
  if (!options_.by_key || ++state_.key_index >= options_.keys.size()) done_ = true;
}

absl::StatusOr<RowReader::Taken> RowReader::TakePartition(const data::Partition& partition,
                                                          Taker take) {
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
  if (partition.rows.empty()) return TakeStaticRow(partition, continued, view, take);
  const data::Row* last = nullptr;
  Next next = Next::kMore;
  std::vector<std::string> clustering;
  for (const data::Row& row : partition.rows) {
    if (PartitionIsFull()) break;
    if (options_.decode_clustering) {
      THOLOS_ASSIGN_OR_RETURN(clustering, data::DecodeClustering(*options_.table, row.clustering));
    }
    view.clustering = &clustering;
    view.row = &row;
    next = TakeRow(view, take);
    if (next == Next::kStopBefore) break;
    last = &row;
    if (next != Next::kMore) break;
  }
  if (next == Next::kSkipPartition) {
    state_.after = data::Position{partition.key, std::nullopt};
    return Taken::kSkipped;
  }
  if (last != nullptr) state_.after = data::Position{partition.key, last->clustering};
  if (next == Next::kMore) return Taken::kToTheEnd;
  const bool at_the_end = next == Next::kStop && last == &partition.rows.back();
  return at_the_end ? Taken::kStoppedAtTheEnd : Taken::kStopped;
}

// A partition without rows.
RowReader::Taken RowReader::TakeStaticRow(const data::Partition& partition, bool continued,
                                          const RowView& view, Taker take) {
  const bool alone = !continued && options_.static_rows_alone && view.static_row != nullptr &&
                     HasLiveCell(*view.static_row, view.now_seconds);
  const Next next = alone ? TakeRow(view, take) : Next::kMore;
  if (next == Next::kStopBefore) return Taken::kStopped;
  state_.after = data::Position{partition.key, std::nullopt};
  if (next == Next::kSkipPartition) return Taken::kSkipped;
  return next == Next::kStop ? Taken::kStoppedAtTheEnd : Taken::kToTheEnd;
}

RowReader::Next RowReader::TakeRow(const RowView& view, Taker take) {
  ++considered_;
  const bool matches =
      std::all_of(options_.filters.begin(), options_.filters.end(),
                  [&view](const BoundFilter& filter) { return filter.Matches(view); });
  if (!matches) return Next::kMore;
  if (!options_.counts_rows) return take(view);
  ++state_.partition_rows;
  if (state_.remaining) --*state_.remaining;
  const Next next = take(view);
  return state_.remaining == uint64_t{0} ? Next::kStop : next;
}

}  // namespace tholos::cql
