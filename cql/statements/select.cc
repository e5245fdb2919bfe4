// SELECT: analysis, one page of rows, aggregates over all of them.
#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/analysis/restrictions.h"
#include "cql/analysis/selection.h"
#include "cql/paging.h"
#include "cql/rows.h"
#include "cql/statements/row_reader.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"

namespace tholos::cql {
namespace {

struct SelectSpec {
  TablePtr table;
  Selection selection;
  Restrictions where;
  bool distinct = false;
  bool reversed = false;
  std::optional<Operand> limit;
  std::optional<Operand> per_partition_limit;
  uint64_t statement_hash = 0;
};

class SelectPlan final : public Plan {
 public:
  explicit SelectPlan(SelectSpec spec) : spec_(std::move(spec)) {
    set_result_columns(spec_.selection.ResultColumns());
    partition_key_indexes_ = spec_.where.PartitionKeyMarkers();
  }

  base::Task<absl::StatusOr<QueryResult>> Execute(Request request) const override {
    QueryResult result;
    RowsResult& rows = result.result.emplace<RowsResult>();
    rows.columns = shared_result_columns();
    THOLOS_CO_ASSIGN_OR_RETURN(PagingState start, Start(request));
    THOLOS_CO_ASSIGN_OR_RETURN(std::optional<RowReaderOptions> options, ReaderOptions(request));
    if (!options && !spec_.selection.has_aggregates()) co_return result;
    if (!options) options = NothingToRead();
    const bool bad_place =
        options->keys && !options->keys->empty() && start.key_index >= options->keys->size();
    if (bad_place) co_return base::InvalidRequest("the paging state belongs to other values");
    RowReader reader(request, *std::move(options), std::move(start));
    if (spec_.selection.has_aggregates()) {
      THOLOS_CO_RETURN_IF_ERROR(co_await Aggregate(request, reader, &rows));
    } else {
      THOLOS_CO_RETURN_IF_ERROR(co_await Page(request, reader, &rows));
    }
    co_return result;
  }

  std::string_view kind() const override { return "select"; }

 private:
  static RowReaderOptions NothingToRead() {
    RowReaderOptions options;
    options.keys.emplace();
    return options;
  }

  static uint32_t PageRows(const Request& request) {
    const uint32_t asked = request.page_size == 0 ? kPageRowsDefault : request.page_size;
    return std::clamp<uint32_t>(asked, 1, request.services->limits.page_rows_max);
  }

  static absl::StatusOr<std::optional<uint32_t>> Limit(const std::optional<Operand>& operand,
                                                       std::string_view what, Request& request) {
    if (!operand) return std::optional<uint32_t>();
    THOLOS_ASSIGN_OR_RETURN(const Argument limit, operand->Take(request));
    if (limit.unset) return std::optional<uint32_t>();
    if (!limit.value) return base::InvalidRequest(base::StrCat("Invalid null value of ", what));
    const int32_t rows = data::DecodeInt(*limit.value);
    if (rows <= 0) return base::InvalidRequest(base::StrCat(what, " must be strictly positive"));
    return std::optional<uint32_t>(static_cast<uint32_t>(rows));
  }

  // Where to begin: a LIMIT counts over all pages. Over aggregates it counts their one row.
  absl::StatusOr<PagingState> Start(Request& request) const {
    THOLOS_ASSIGN_OR_RETURN(const std::optional<uint32_t> limit,
                            Limit(spec_.limit, "LIMIT", request));
    PagingState start;
    if (!request.paging_state.empty() && !spec_.selection.has_aggregates()) {
      THOLOS_ASSIGN_OR_RETURN(start, DecodePagingState(request.paging_state, spec_.statement_hash));
    } else if (limit && !spec_.selection.has_aggregates()) {
      start.remaining = *limit;
    }
    return start;
  }

  // Nothing, if the conditions select no row at all.
  absl::StatusOr<std::optional<RowReaderOptions>> ReaderOptions(Request& request) const {
    RowReaderOptions options;
    options.table = spec_.table;
    options.reversed = spec_.reversed;
    options.static_rows_alone = !spec_.where.restricts_clustering();
    options.decode_clustering = spec_.table->clustering_size() > 0;
    THOLOS_ASSIGN_OR_RETURN(options.per_partition_limit,
                            Limit(spec_.per_partition_limit, "PER PARTITION LIMIT", request));
    if (spec_.distinct) options.per_partition_limit = 1;
    THOLOS_ASSIGN_OR_RETURN(options.filters, spec_.where.Filters(request));
    if (spec_.where.restricts_clustering()) {
      THOLOS_ASSIGN_OR_RETURN(options.slices, spec_.where.ClusteringSlices(request));
      if (options.slices.empty()) return std::optional<RowReaderOptions>();
      if (options.slices.front() == data::Slice()) options.slices.clear();
    }
    if (spec_.where.has_partition_keys()) {
      THOLOS_ASSIGN_OR_RETURN(options.keys, spec_.where.PartitionKeys(request));
      if (options.keys->empty()) return std::optional<RowReaderOptions>();
    } else {
      THOLOS_ASSIGN_OR_RETURN(const std::optional<data::TokenRange> range,
                              spec_.where.Tokens(request));
      if (!range) return std::optional<RowReaderOptions>();
      options.range = *range;
    }
    return std::optional<RowReaderOptions>(std::move(options));
  }

  base::Task<absl::Status> Page(Request& request, RowReader& reader, RowsResult* out) const {
    const uint32_t rows_max = PageRows(request);
    const QueryLimits& limits = request.services->limits;
    const auto full = [&] {
      return out->row_count >= rows_max || out->rows.size() >= limits.page_bytes_max;
    };
    const auto take = [&](const RowView& view) {
      AddRow(spec_.selection.Evaluate(view, request), out);
      return full() ? RowReader::Next::kStop : RowReader::Next::kMore;
    };
    const auto exhausted = [&] { return reader.done() || reader.state().remaining == uint64_t{0}; };
    while (!exhausted() && !full() && reader.considered() < limits.filtered_rows_max) {
      const uint64_t wanted = rows_max - out->row_count;
      const uint64_t allowed = reader.state().remaining.value_or(wanted);
      const auto rows = static_cast<uint32_t>(std::min(wanted, allowed));
      absl::StatusOr<bool> more = co_await reader.Read(rows, take);
      if (!more.ok()) co_return more.status();
    }
    if (!exhausted()) out->paging_state = EncodePagingState(reader.state(), spec_.statement_hash);
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> Aggregate(Request& request, RowReader& reader, RowsResult* out) const {
    Aggregation aggregation(spec_.selection);
    const auto take = [&](const RowView& view) {
      aggregation.Add(view, request);
      return RowReader::Next::kMore;
    };
    while (!reader.done()) {
      absl::StatusOr<bool> more = co_await reader.Read(kPageRowsDefault, take);
      if (!more.ok()) co_return more.status();
    }
    absl::StatusOr<std::vector<data::Value>> row = aggregation.Finish();
    if (!row.ok()) co_return row.status();
    AddRow(*row, out);
    co_return absl::OkStatus();
  }

  const SelectSpec spec_;
};

class SelectAnalysis {
 public:
  SelectAnalysis(const SelectStatement& statement, TablePtr table, AnalysisContext* context)
      : statement_(statement), table_(std::move(table)), context_(context) {}

  absl::StatusOr<PlanPtr> Run() {
    if (!statement_.group_by.empty()) {
      return NotSupportedAt(statement_.group_by[0].position(), "GROUP BY");
    }
    spec_.table = table_;
    spec_.distinct = statement_.distinct;
    spec_.statement_hash = context_->statement_hash;
    THOLOS_ASSIGN_OR_RETURN(spec_.selection, Selection::Analyze(statement_.items, *table_));
    THOLOS_ASSIGN_OR_RETURN(spec_.where, Restrictions::Analyze(table_, statement_.where, context_));
    THOLOS_RETURN_IF_ERROR(AnalyzeLimits());
    THOLOS_RETURN_IF_ERROR(CheckDistinct());
    THOLOS_RETURN_IF_ERROR(AnalyzeOrder());
    const bool may_filter = statement_.allow_filtering || IsSystemKeyspace(table_->keyspace);
    if (!may_filter) THOLOS_RETURN_IF_ERROR(spec_.where.needs_filtering());
    return PlanPtr(std::make_shared<SelectPlan>(std::move(spec_)));
  }

 private:
  absl::Status AnalyzeLimits() {
    if (statement_.limit) {
      THOLOS_RETURN_IF_ERROR(AnalyzeLimit(*statement_.limit, "[limit]", "LIMIT", &spec_.limit));
    }
    if (!statement_.per_partition_limit) return absl::OkStatus();
    const Position position = statement_.per_partition_limit->position();
    if (spec_.selection.has_aggregates()) {
      return ErrorAt(position, "PER PARTITION LIMIT is not allowed with aggregate queries.");
    }
    if (statement_.distinct) {
      return ErrorAt(position, "PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries");
    }
    return AnalyzeLimit(*statement_.per_partition_limit, "[per_partition_limit]",
                        "PER PARTITION LIMIT", &spec_.per_partition_limit);
  }

  absl::Status AnalyzeLimit(const Term& term, std::string_view name, std::string_view what,
                            std::optional<Operand>* out) {
    const auto* literal = std::get_if<Literal>(&term.value);
    if (literal != nullptr && (literal->text.starts_with('-') ||
                               literal->text.find_first_not_of('0') == std::string::npos)) {
      return ErrorAt(literal->position, what, " must be strictly positive");
    }
    THOLOS_ASSIGN_OR_RETURN(*out,
                            AnalyzeInteger(term, name, data::TypeId::kInt, *table_, context_));
    return absl::OkStatus();
  }

  absl::Status CheckDistinct() {
    if (!statement_.distinct) return absl::OkStatus();
    const ScalarSelector* other =
        spec_.selection.FirstOutside(data::ColumnKind::kPartitionKey, data::ColumnKind::kStatic);
    if (other != nullptr) {
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT queries must only request partition key columns and/or "
                     "static columns (not ",
                     other->name, ")");
    }
    for (size_t i = 0; i < table_->partition_key_size(); ++i) {
      if (spec_.selection.Selects(data::ColumnKind::kPartitionKey, static_cast<uint32_t>(i))) {
        continue;
      }
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT queries must request all the partition key columns (missing ",
                     table_->columns[i].name, ")");
    }
    if (spec_.where.restricts_clustering()) {
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT with WHERE clause only supports restriction by partition key "
                     "and/or static columns.");
    }
    return absl::OkStatus();
  }

  // The order that is asked for must be the table's, or its exact reverse. Clustering columns that
  // WHERE fixes to one value may be left out.
  absl::Status AnalyzeOrder() {
    if (statement_.order_by.empty()) return absl::OkStatus();
    const Position position = statement_.order_by[0].position;
    if (!spec_.where.has_partition_keys()) {
      return ErrorAt(position,
                     "ORDER BY is only supported when the partition key is restricted by an EQ or "
                     "an IN.");
    }
    if (spec_.where.has_partition_in()) {
      return ErrorAt(position,
                     "Cannot page queries with both ORDER BY and a IN restriction on the partition "
                     "key; you must either remove the ORDER BY or the IN and sort client side");
    }
    const size_t first = table_->partition_key_size();
    size_t place = 0;
    std::optional<bool> reversed;
    for (const Ordering& ordering : statement_.order_by) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(*table_, ordering.column));
      if (column->kind != data::ColumnKind::kClustering) {
        return ErrorAt(ordering.position,
                       "Order by is currently only supported on the clustered columns of the "
                       "PRIMARY KEY, got ",
                       column->name);
      }
      const size_t wanted = ColumnRef::Of(*table_, *column).index;
      while (place < wanted && spec_.where.IsClusteringEqual(place)) ++place;
      if (place != wanted) {
        return ErrorAt(ordering.position,
                       "Order by currently only supports the ordering of columns following their "
                       "declared order in the PRIMARY KEY");
      }
      const bool against = ordering.descending != table_->columns[first + place].descending;
      if (reversed && *reversed != against) {
        return ErrorAt(ordering.position, "Unsupported order by relation");
      }
      reversed = against;
      ++place;
    }
    spec_.reversed = *reversed;
    return absl::OkStatus();
  }

  const SelectStatement& statement_;
  const TablePtr table_;
  AnalysisContext* context_;
  SelectSpec spec_;
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const SelectStatement& statement, AnalysisContext* context) {
  if (statement.json) return NotSupportedAt(statement.position, "SELECT JSON");
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveTable(statement.table, *context));
  return SelectAnalysis(statement, std::move(table), context).Run();
}

}  // namespace tholos::cql
