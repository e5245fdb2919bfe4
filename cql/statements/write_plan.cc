#include "cql/statements/write_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace tholos::cql {
namespace {

// Partitions of one statement that are written at a time.
constexpr size_t kConcurrentWrites = 16;

absl::StatusOr<std::optional<Operand>> AnalyzeParameter(const std::optional<Term>& term,
                                                        std::string_view name, data::TypeId type,
                                                        const data::TableSchema& table,
                                                        AnalysisContext* context) {
  if (!term.has_value()) return std::optional<Operand>();
  THOLOS_ASSIGN_OR_RETURN(Operand operand, AnalyzeInteger(*term, name, type, table, context));
  return std::optional<Operand>(std::move(operand));
}

absl::StatusOr<int32_t> CheckTtl(int32_t ttl) {
  if (ttl < 0) {
    return base::InvalidRequest(base::StrCat("A TTL must be greater or equal to 0, but was ", ttl));
  }
  if (ttl > kTtlSecondsMax) {
    return base::InvalidRequest(
        base::StrCat("ttl is too large. requested (", ttl, ") maximum (", kTtlSecondsMax, ")"));
  }
  return ttl;
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> TakeTimestamp(const Operand& operand, Request& request) {
  THOLOS_ASSIGN_OR_RETURN(const Argument argument, operand.Take(request));
  if (argument.unset) return std::optional<int64_t>();
  if (!argument.value) return base::InvalidRequest("Invalid null value of timestamp");
  const int64_t timestamp = data::DecodeBigint(*argument.value);
  if (timestamp == data::kNoTimestamp) {
    return base::InvalidRequest(base::StrCat("Out of bound timestamp, must be in [",
                                             data::kNoTimestamp + 1, ", ",
                                             std::numeric_limits<int64_t>::max(), "]"));
  }
  return std::optional<int64_t>(timestamp);
}

absl::StatusOr<WriteParameters> WriteParameters::Analyze(const UpdateParameters& parameters,
                                                         const data::TableSchema& table,
                                                         AnalysisContext* context) {
  WriteParameters result;
  THOLOS_ASSIGN_OR_RETURN(
      result.timestamp,
      AnalyzeParameter(parameters.timestamp, "[timestamp]", data::TypeId::kBigint, table, context));
  THOLOS_ASSIGN_OR_RETURN(
      result.ttl, AnalyzeParameter(parameters.ttl, "[ttl]", data::TypeId::kInt, table, context));
  return result;
}

absl::Status CheckModifiedKeys(const Restrictions& keys, Position where, bool needs_clustering) {
  if (const data::ColumnSchema* open = keys.FirstOpenPartitionColumn()) {
    return ErrorAt(where, "Some partition key parts are missing: ", open->name,
                   " (each must be restricted by = or IN)");
  }
  if (const Relation* other = keys.first_filter()) {
    return ErrorAt(other->position,
                   "Non PRIMARY KEY columns found in where clause: ", other->columns[0].name);
  }
  if (needs_clustering && keys.has_clustering_bounds()) {
    return ErrorAt(where, "Slice restrictions are not supported on the clustering columns here");
  }
  const data::ColumnSchema* open = keys.FirstOpenClusteringColumn();
  if (needs_clustering && open != nullptr) {
    return ErrorAt(where, "Some clustering keys are missing: ", open->name,
                   " (each must be restricted by = or IN)");
  }
  return absl::OkStatus();
}

WritePlan::WritePlan(Spec spec) : spec_(std::move(spec)) {
  partition_key_indexes_ = spec_.keys.PartitionKeyMarkers();
  std::sort(spec_.columns.begin(), spec_.columns.end(),
            [](const ColumnWrite& a, const ColumnWrite& b) { return a.column < b.column; });
}

absl::StatusOr<WritePlan::Stamp> WritePlan::MakeStamp(Request& request) const {
  Stamp stamp;
  stamp.now_seconds = request.wall_seconds();
  stamp.ttl_seconds = spec_.table->default_ttl_seconds;
  if (spec_.parameters.ttl.has_value()) {
    THOLOS_ASSIGN_OR_RETURN(const Argument ttl, spec_.parameters.ttl->Take(request));
    if (!ttl.unset) {
      THOLOS_ASSIGN_OR_RETURN(stamp.ttl_seconds,
                              CheckTtl(ttl.value.has_value() ? data::DecodeInt(*ttl.value) : 0));
    }
  }
  std::optional<int64_t> given = request.timestamp;
  if (spec_.parameters.timestamp.has_value()) {
    THOLOS_ASSIGN_OR_RETURN(const std::optional<int64_t> timestamp,
                            TakeTimestamp(*spec_.parameters.timestamp, request));
    if (timestamp) given = timestamp;
  }
  stamp.timestamp = given ? *given : request.services->coordinator.NextTimestamp();
  return stamp;
}

absl::Status WritePlan::MakeCells(Request& request, const Stamp& stamp,
                                  std::vector<data::Cell>* regular,
                                  std::vector<data::Cell>* of_static) const {
  regular->reserve(spec_.columns.size());
  for (const ColumnWrite& write : spec_.columns) {
    Argument argument;
    if (write.value) {
      THOLOS_ASSIGN_OR_RETURN(argument, write.value->Take(request));
    }
    if (argument.unset) continue;
    std::vector<data::Cell>* cells = write.is_static ? of_static : regular;
    if (!argument.value.has_value()) {
      cells->push_back(data::Cell::Tombstone(write.column, stamp.timestamp, stamp.now_seconds));
    } else if (stamp.ttl_seconds == 0) {
      cells->push_back(
          data::Cell::Value(write.column, stamp.timestamp, *std::move(argument.value)));
    } else {
      cells->push_back(data::Cell::Expiring(write.column, stamp.timestamp,
                                            *std::move(argument.value), stamp.ttl_seconds,
                                            stamp.now_seconds));
    }
  }
  return absl::OkStatus();
}

// The change to a partition, whichever it is.
absl::StatusOr<data::Partition> WritePlan::MakeUpdate(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const Stamp stamp, MakeStamp(request));
  data::Partition update;
  const data::Deletion deletion{stamp.timestamp, stamp.now_seconds};
  if (spec_.rows == Rows::kPartition) {
    update.deletion = deletion;
    return update;
  }
  std::vector<data::Cell> cells;
  std::vector<data::Cell> static_cells;
  THOLOS_RETURN_IF_ERROR(MakeCells(request, stamp, &cells, &static_cells));
  if (!static_cells.empty()) update.static_row.emplace().cells = std::move(static_cells);
  if (spec_.rows == Rows::kNone) return update;
  THOLOS_ASSIGN_OR_RETURN(std::vector<std::string> keys, spec_.keys.ClusteringKeys(request));
  for (size_t i = 0; i < keys.size(); ++i) {
    data::Row row;
    row.clustering = std::move(keys[i]);
    if (spec_.rows == Rows::kInserted) {
      row.liveness =
          stamp.ttl_seconds == 0
              ? data::Liveness::At(stamp.timestamp)
              : data::Liveness::Expiring(stamp.timestamp, stamp.ttl_seconds, stamp.now_seconds);
    }
    if (spec_.rows == Rows::kDeleted) row.deletion = deletion;
    row.cells = i + 1 == keys.size() ? std::move(cells) : cells;
    if (!row.IsEmpty()) update.rows.push_back(std::move(row));
  }
  return update;
}

absl::StatusOr<std::vector<data::Mutation>> WritePlan::MakeMutations(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(std::vector<data::DecoratedKey> keys, spec_.keys.PartitionKeys(request));
  THOLOS_ASSIGN_OR_RETURN(data::Partition update, MakeUpdate(request));
  std::vector<data::Mutation> mutations;
  // Nothing but unset values: there is nothing to write.
  if (update.IsEmpty()) return mutations;
  mutations.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    data::Mutation& mutation = mutations.emplace_back();
    mutation.table = spec_.table->id;
    mutation.update = i + 1 == keys.size() ? std::move(update) : update;
    mutation.update.key = std::move(keys[i]);
  }
  return mutations;
}

base::Task<absl::StatusOr<QueryResult>> WritePlan::Execute(Request request) const {
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<data::Mutation> mutations, MakeMutations(request));
  coordinator::Coordinator& coordinator = request.services->coordinator;
  if (mutations.size() == 1) {
    THOLOS_CO_RETURN_IF_ERROR(co_await coordinator.Write(std::move(mutations[0]), request.routing));
    co_return QueryResult();
  }
  for (size_t first = 0; first < mutations.size(); first += kConcurrentWrites) {
    std::vector<base::Task<absl::Status>> writes;
    for (size_t i = first; i < std::min(first + kConcurrentWrites, mutations.size()); ++i) {
      writes.push_back(coordinator.Write(std::move(mutations[i]), request.routing));
    }
    for (const absl::Status& status : co_await base::WhenAll(std::move(writes))) {
      if (!status.ok()) co_return status;
    }
  }
  co_return QueryResult();
}

}  // namespace tholos::cql
