#include "cql/statements/select_plan.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/paging.h"
#include "cql/rows.h"

namespace tholos::cql {
namespace {

using Next = RowReader::Next;

// A row or two.
constexpr size_t kRowsBytesExpected = 256;

uint32_t PageRows(const Request& request) {
  const uint32_t asked = request.page_size == 0 ? kPageRowsDefault : request.page_size;
  return std::clamp<uint32_t>(asked, 1, request.services->limits.page_rows_max);
}

bool IsFull(const Request& request, const RowsResult& out) {
  return out.row_count >= PageRows(request) ||
         out.rows.size() >= request.services->limits.page_bytes_max;
}

bool LimitReached(const RowReader& reader) { return reader.state().remaining == uint64_t{0}; }

absl::StatusOr<std::optional<uint32_t>> Limit(const std::optional<Operand>& operand,
                                              std::string_view what, Request& request) {
  if (!operand) return std::optional<uint32_t>();
  THOLOS_ASSIGN_OR_RETURN(const Argument limit, operand->Take(request));
  if (limit.unset) return std::optional<uint32_t>();
  if (!limit.value) return base::InvalidRequest(base::StrCat("Invalid null value of ", what));
  const int32_t rows = data::DecodeInt(*limit.value);
  if (rows <= 0) return base::InvalidRequest(base::StrCat(what, " must be strictly positive"));
  return std::optional<uint32_t>(static_cast<uint32_t>(rows));
}

absl::Status CannotPage() {
  return base::InvalidRequest(
      "Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must "
      "either remove the ORDER BY or the IN and sort client side, or disable paging for this "
      "query");
}

// Rows become groups become rows of the result. Stops the reader before the first row that does not
// belong to this page.
class Grouper {
 public:
  Grouper(const SelectPlan::Spec& spec, Request& request, RowReader& reader, RowsResult* out)
      : spec_(spec), request_(request), reader_(reader), out_(out), group_(spec.selection) {}

  absl::Status Start(Evaluation evaluation, std::optional<uint32_t> per_partition_limit) {
    per_partition_limit_ = per_partition_limit;
    evaluation_.emplace(std::move(evaluation));
    if (!spec_.grouping) return absl::OkStatus();
    THOLOS_ASSIGN_OR_RETURN(Evaluation key, spec_.grouping->Bind(request_));
    key_evaluation_.emplace(std::move(key));
    return absl::OkStatus();
  }

  Next Take(const RowView& view) {
    absl::StatusOr<Next> next = TakeRow(view);
    if (next.ok()) return *next;
    status_ = next.status();
    return Next::kStop;
  }

  // After the last row.
  absl::Status Finish() {
    const bool empty_result = group_.empty() && spec_.grouping;
    return empty_result ? absl::OkStatus() : FinishGroup();
  }

  bool full() const { return spec_.grouping && group_.empty() && IsFull(request_, *out_); }
  const absl::Status& status() const { return status_; }

 private:
  absl::StatusOr<Next> TakeRow(const RowView& view) {
    if (spec_.grouping) {
      THOLOS_ASSIGN_OR_RETURN(const Next next, Separate(view));
      if (next != Next::kMore) return next;
    }
    evaluation_->view = &view;
    THOLOS_RETURN_IF_ERROR(group_.Add(*evaluation_));
    return spec_.distinct ? Next::kSkipPartition : Next::kMore;
  }

  // Ends the group if this row is of another one.
  absl::StatusOr<Next> Separate(const RowView& view) {
    key_evaluation_->view = &view;
    THOLOS_ASSIGN_OR_RETURN(std::string key, spec_.grouping->KeyOf(*key_evaluation_));
    const bool same_partition = *view.partition == partition_;
    if (!group_.empty() && same_partition && key == key_) return Next::kMore;
    if (!group_.empty()) {
      THOLOS_RETURN_IF_ERROR(FinishGroup());
      if (same_partition) ++reader_.state().partition_rows;
    }
    if (LimitReached(reader_)) return Next::kStopBefore;
    const bool partition_is_full =
        per_partition_limit_ && reader_.state().partition_rows >= *per_partition_limit_;
    if (partition_is_full) return Next::kSkipPartition;
    if (IsFull(request_, *out_)) return Next::kStopBefore;
    partition_ = *view.partition;
    key_ = std::move(key);
    return Next::kMore;
  }

  absl::Status FinishGroup() {
    uint64_t* remaining = reader_.state().remaining ? &*reader_.state().remaining : nullptr;
    if (remaining != nullptr) --*remaining;
    return group_.Finish(*evaluation_, out_);
  }

  const SelectPlan::Spec& spec_;
  Request& request_;
  RowReader& reader_;
  RowsResult* out_;
  Group group_;
  std::optional<Evaluation> evaluation_;
  std::optional<Evaluation> key_evaluation_;
  std::optional<uint32_t> per_partition_limit_;
  std::vector<std::string> partition_;
  std::string key_;
  absl::Status status_;
};

}  // namespace

SelectPlan::SelectPlan(Spec spec) : spec_(std::move(spec)) {
  set_result_columns(spec_.selection.ResultColumns());
  partition_key_indexes_ = spec_.where.PartitionKeyMarkers();
}

// No coroutine: what waits are the reads.
base::Task<absl::Status> SelectPlan::Execute(Request& request) const {
  absl::StatusOr<ReadingPtr> reading = Begin(request);
  if (!reading.ok()) return base::Task<absl::Status>::Ready(reading.status());
  if (*reading == nullptr) return base::Task<absl::Status>::Ready(absl::OkStatus());
  if (makes_groups()) return ReadGroups(*std::move(reading));
  if (!spec_.sorted_by.empty()) return ReadSorted(*std::move(reading));
  return ReadPage(*std::move(reading));
}

absl::StatusOr<SelectPlan::ReadingPtr> SelectPlan::Begin(Request& request) const {
  RowsResult& rows = request.result.result.emplace<RowsResult>();
  rows.columns = shared_result_columns();
  rows.rows.reserve(kRowsBytesExpected);
  THOLOS_ASSIGN_OR_RETURN(Evaluation evaluation, spec_.selection.Bind(request));
  auto reading = std::make_unique<Reading>(request, std::move(evaluation), &rows);
  PagingState& start = reading->reader.state();
  THOLOS_RETURN_IF_ERROR(Start(request, &start));
  RowReaderOptions& options = reading->reader.options();
  THOLOS_ASSIGN_OR_RETURN(const bool selects, SetReaderOptions(request, &options));
  if (!selects) {
    if (!makes_one_row()) return ReadingPtr();
    options.by_key = true;  // no key at all
    options.keys.clear();
    return reading;
  }
  if (options.by_key && start.key_index >= options.keys.size()) {
    return base::InvalidRequest("the paging state belongs to other values");
  }
  return reading;
}

// Where to begin: a LIMIT counts over all pages. Over one row of aggregates it says nothing.
absl::Status SelectPlan::Start(Request& request, PagingState* start) const {
  THOLOS_ASSIGN_OR_RETURN(const std::optional<uint32_t> limit,
                          Limit(spec_.limit, "LIMIT", request));
  if (makes_one_row()) return absl::OkStatus();
  if (!request.paging_state.empty()) {
    THOLOS_ASSIGN_OR_RETURN(*start, DecodePagingState(request.paging_state, spec_.statement_hash));
  } else if (limit) {
    start->remaining = *limit;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SelectPlan::SetReaderOptions(Request& request,
                                                  RowReaderOptions* options) const {
  options->table = spec_.table;
  options->reversed = spec_.reversed;
  options->static_rows_alone = !spec_.where.restricts_clustering();
  options->decode_clustering = spec_.table->clustering_size() > 0;
  options->counts_rows = !makes_groups();
  THOLOS_ASSIGN_OR_RETURN(options->per_partition_limit,
                          Limit(spec_.per_partition_limit, "PER PARTITION LIMIT", request));
  if (spec_.distinct && !makes_groups()) options->per_partition_limit = 1;
  if (spec_.where.has_filters()) {
    THOLOS_ASSIGN_OR_RETURN(options->filters, spec_.where.Filters(request));
  }
  if (spec_.where.restricts_clustering()) {
    THOLOS_ASSIGN_OR_RETURN(options->slices, spec_.where.ClusteringSlices(request));
    if (options->slices.empty()) return false;
    if (options->slices.front() == data::Slice()) options->slices.clear();
  }
  options->by_key = spec_.where.has_partition_keys();
  std::optional<data::TokenRange> range;
  if (!options->by_key || spec_.where.has_token_bounds()) {
    THOLOS_ASSIGN_OR_RETURN(range, spec_.where.Tokens(request));
    if (!range) return false;
  }
  if (!options->by_key) {
    options->range = *range;
    return true;
  }
  if (!spec_.where.has_partition_in()) {
    THOLOS_RETURN_IF_ERROR(spec_.where.PartitionKey(request, &options->keys.emplace_back()));
    return !range || range->Contains(options->keys.front().token);
  }
  THOLOS_ASSIGN_OR_RETURN(std::vector<data::DecoratedKey> keys, spec_.where.PartitionKeys(request));
  if (range) {
    std::erase_if(keys, [&](const data::DecoratedKey& key) { return !range->Contains(key.token); });
  }
  options->keys.assign(std::move_iterator(keys.begin()), std::move_iterator(keys.end()));
  return !options->keys.empty();
}

base::Task<absl::Status> SelectPlan::ReadPage(ReadingPtr reading) const {
  Request& request = reading->request;
  RowReader& reader = reading->reader;
  Evaluation& evaluation = reading->evaluation;
  RowsResult* out = reading->out;
  absl::Status status;
  const auto take = [&](const RowView& view) {
    evaluation.view = &view;
    status = spec_.selection.AppendRow(evaluation, out);
    return !status.ok() || IsFull(request, *out) ? Next::kStop : Next::kMore;
  };
  const auto exhausted = [&] { return reader.done() || LimitReached(reader); };
  const uint64_t filtered_rows_max = request.services->limits.filtered_rows_max;
  const uint64_t tombstones_max = request.services->limits.tombstones_max;
  // A page that takes long ends while there is time to answer: with what is in it, perhaps nothing.
  const base::MonotonicTime begun = request.services->clock.Now();
  const base::MonotonicTime half = begun + (request.routing.deadline - begun) / 2;
  bool in_time = true;
  while (!exhausted() && !IsFull(request, *out) && reader.considered() < filtered_rows_max &&
         reader.tombstones() < tombstones_max && in_time) {
    const uint64_t wanted = PageRows(request) - out->row_count;
    const uint64_t allowed = reader.state().remaining.value_or(wanted);
    const auto rows = static_cast<uint32_t>(std::min(wanted, allowed));
    absl::StatusOr<bool> more = co_await reader.Read(rows, take);
    if (!more.ok()) co_return more.status();
    if (!status.ok()) co_return status;
    in_time = request.services->clock.Now() < half;
  }
  if (!exhausted()) out->paging_state = EncodePagingState(reader.state(), spec_.statement_hash);
  WarnOfTombstones(*reading);
  co_return absl::OkStatus();
}

base::Task<absl::Status> SelectPlan::ReadGroups(ReadingPtr reading) const {
  RowReader& reader = reading->reader;
  RowsResult* out = reading->out;
  // The groups count, not the rows.
  const std::optional<uint32_t> per_partition_limit =
      std::exchange(reader.options().per_partition_limit, std::nullopt);
  Grouper grouper(spec_, reading->request, reader, out);
  THOLOS_CO_RETURN_IF_ERROR(grouper.Start(std::move(reading->evaluation), per_partition_limit));
  const auto take = [&](const RowView& view) { return grouper.Take(view); };
  bool stopped = false;
  while (!reader.done() && !stopped) {
    absl::StatusOr<bool> more = co_await reader.Read(kPageRowsDefault, take);
    if (!more.ok()) co_return more.status();
    if (!grouper.status().ok()) co_return grouper.status();
    stopped = grouper.full() || LimitReached(reader);
  }
  WarnOfTombstones(*reading);
  if (!stopped) co_return grouper.Finish();
  if (!LimitReached(reader) && !reader.done()) {
    out->paging_state = EncodePagingState(reader.state(), spec_.statement_hash);
  }
  co_return absl::OkStatus();
}

// All rows of an IN list on the partition key, in the order of their clustering columns. The result
// has to fit into one page: there is no place in this order from which another page could be read.
base::Task<absl::Status> SelectPlan::ReadSorted(ReadingPtr reading) const {
  Request& request = reading->request;
  RowReader& reader = reading->reader;
  Evaluation& evaluation = reading->evaluation;
  RowsResult* out = reading->out;
  // What comes first in the order may be read last.
  const std::optional<uint64_t> limit = std::exchange(reader.state().remaining, std::nullopt);
  struct Row {
    std::vector<std::string> clustering;  // none of a static row alone
    size_t number;                        // in the order of reading
    std::string bytes;
  };
  const QueryLimits& limits = request.services->limits;
  std::vector<Row> rows;
  size_t bytes = 0;
  absl::Status status;
  RowsResult one;
  one.columns = out->columns;
  const auto take = [&](const RowView& view) {
    evaluation.view = &view;
    one.rows.clear();
    status = spec_.selection.AppendRow(evaluation, &one);
    bytes += one.rows.size();
    std::vector<std::string> clustering;
    if (view.clustering != nullptr) clustering = *view.clustering;
    rows.push_back({std::move(clustering), rows.size(), one.rows});
    const bool too_many = rows.size() > limits.page_rows_max || bytes > limits.page_bytes_max;
    if (status.ok() && too_many) status = CannotPage();
    return status.ok() ? Next::kMore : Next::kStop;
  };
  while (!reader.done()) {
    absl::StatusOr<bool> more = co_await reader.Read(kPageRowsDefault, take);
    if (!more.ok()) co_return more.status();
    if (!status.ok()) co_return status;
  }
  const size_t first = spec_.table->partition_key_size();
  const auto before = [&](const Row& a, const Row& b) {
    if (a.clustering.size() != b.clustering.size()) {
      return a.clustering.size() < b.clustering.size();
    }
    for (const size_t place : spec_.sorted_by) {
      if (a.clustering.empty()) break;
      const data::ColumnSchema& column = spec_.table->columns[first + place];
      const int order = column.type.Compare(a.clustering[place], b.clustering[place]);
      if (order != 0) return (order < 0) != (column.descending != spec_.reversed);
    }
    return a.number < b.number;
  };
  std::sort(rows.begin(), rows.end(), before);
  if (limit && rows.size() > *limit) rows.resize(*limit);
  if (rows.size() > PageRows(request)) co_return CannotPage();
  for (size_t i = 0; i < rows.size(); ++i) {
    out->rows += rows[i].bytes;
    ++out->row_count;
  }
  WarnOfTombstones(*reading);
  co_return absl::OkStatus();
}

// After the rows: what it cost to find them.
void SelectPlan::WarnOfTombstones(const Reading& reading) const {
  const uint64_t met = reading.reader.tombstones();
  Request& request = reading.request;
  if (met < request.services->limits.tombstones_warn) return;
  request.result.warnings.push_back(base::StrCat("the page of ", spec_.table->QualifiedName(),
                                                 " met ", met, " tombstones and has ",
                                                 reading.out->row_count, " rows"));
}

}  // namespace tholos::cql
