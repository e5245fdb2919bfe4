#include "cql/statements/write_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "cql/statements/insert_json.h"
#include "data/range_tombstones.h"
#include "data/read.h"

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

absl::Status CheckModifiedKeys(const Restrictions& keys, Position where, bool needs_clustering,
                               std::string_view statement) {
  if (const data::ColumnSchema* open = keys.FirstOpenPartitionColumn()) {
    return ErrorAt(where, "Some partition key parts are missing: ", open->name);
  }
  if (keys.has_token_bounds()) {
    return ErrorAt(where, "The token function cannot be used in WHERE clauses for ", statement,
                   " statements");
  }
  if (const Relation* other = keys.first_filter()) {
    return ErrorAt(other->position,
                   "Non PRIMARY KEY columns found in where clause: ", other->columns[0].name);
  }
  if (needs_clustering && keys.has_clustering_bounds()) {
    return ErrorAt(where, "Slice restrictions are not supported on the clustering columns in ",
                   statement, " statements");
  }
  const data::ColumnSchema* open = keys.FirstOpenClusteringColumn();
  if (needs_clustering && open != nullptr) {
    return ErrorAt(where, "Some clustering keys are missing: ", open->name);
  }
  // A condition that only a filter could keep, as of a clustering column behind an open one.
  return keys.needs_filtering();
}

WritePlan::WritePlan(Spec spec) : spec_(std::move(spec)) {
  partition_key_indexes_ = spec_.keys.PartitionKeyMarkers();
  // By column; those of one column in the order of the text.
  std::vector<std::pair<data::ColumnId, size_t>> order;
  for (size_t i = 0; i < spec_.operations.size(); ++i) {
    order.emplace_back(spec_.operations[i].column, i);
  }
  std::sort(order.begin(), order.end());
  // A column that is named twice, as in DELETE v, v, would have two cells.
  const auto same_column = [](const auto& a, const auto& b) { return a.first == b.first; };
  sorts_parts_ = std::adjacent_find(order.begin(), order.end(), same_column) != order.end();
  std::vector<ColumnOperation> sorted;
  sorted.reserve(order.size());
  for (const auto& [column, place] : order) sorted.push_back(std::move(spec_.operations[place]));
  spec_.operations = std::move(sorted);
  for (const ColumnOperation& operation : spec_.operations) {
    needs_read_ = needs_read_ || operation.needs_read();
    sorts_parts_ = sorts_parts_ || operation.type.multi_cell();
  }
  const bool rows =
      spec_.rows == Rows::kCells || spec_.rows == Rows::kInserted || spec_.rows == Rows::kDeleted;
  writes_one_row_ = rows && !spec_.json && !sorts_parts_ && !spec_.keys.has_partition_in() &&
                    spec_.keys.fixes_one_clustering() &&
                    std::ranges::all_of(spec_.operations, [](const ColumnOperation& operation) {
                      return operation.writes_one_cell() && !operation.is_static;
                    });
}

absl::StatusOr<WriteStamp> WritePlan::MakeStamp(Request& request) const {
  WriteStamp stamp;
  stamp.now_seconds = request.wall_seconds();
  stamp.ttl_seconds = spec_.table->default_ttl_seconds;
  if (spec_.parameters.ttl.has_value()) {
    THOLOS_ASSIGN_OR_RETURN(const Argument ttl, spec_.parameters.ttl->Take(request));
    if (!ttl.unset) {
      THOLOS_ASSIGN_OR_RETURN(stamp.ttl_seconds,
                              CheckTtl(ttl.value.has_value() ? data::DecodeInt(*ttl.value) : 0));
    }
  }
  coordinator::Coordinator& coordinator = request.services->coordinator;
  if (stamp.ttl_seconds != 0 && !request.now_seconds.has_value())
    THOLOS_RETURN_IF_ERROR(coordinator.CheckClock());
  std::optional<int64_t> given = request.timestamp;
  if (spec_.parameters.timestamp.has_value()) {
    THOLOS_ASSIGN_OR_RETURN(const std::optional<int64_t> timestamp,
                            TakeTimestamp(*spec_.parameters.timestamp, request));
    if (timestamp) given = timestamp;
  }
  if (given) {
    stamp.timestamp = *given;
    return stamp;
  }
  THOLOS_ASSIGN_OR_RETURN(stamp.timestamp, coordinator.NextTimestamp());
  if (request.one_timestamp) request.timestamp = stamp.timestamp;
  return stamp;
}

void WritePlan::MarkRow(const WriteStamp& stamp, data::Row* row) const {
  if (spec_.rows == Rows::kInserted) {
    row->liveness =
        stamp.ttl_seconds == 0
            ? data::Liveness::At(stamp.timestamp)
            : data::Liveness::Expiring(stamp.timestamp, stamp.ttl_seconds, stamp.now_seconds);
  }
  if (spec_.rows == Rows::kDeleted) row->deletion = {stamp.timestamp, stamp.now_seconds};
}

absl::Status WritePlan::MakeMutation(Request& request, data::Mutation* mutation) const {
  mutation->table = spec_.table->id;
  data::Partition& update = mutation->update;
  THOLOS_RETURN_IF_ERROR(spec_.keys.PartitionKey(request, &update.key));
  data::Row& row = update.rows.emplace_back();
  THOLOS_RETURN_IF_ERROR(spec_.keys.ClusteringKey(request, &row.clustering));
  THOLOS_ASSIGN_OR_RETURN(const WriteStamp stamp, MakeStamp(request));
  MarkRow(stamp, &row);
  row.cells.reserve(spec_.operations.size());
  for (const ColumnOperation& operation : spec_.operations) {
    THOLOS_RETURN_IF_ERROR(BoundOperation::AddCell(operation, stamp, request, &row));
  }
  if (row.IsEmpty()) update.rows.clear();
  return absl::OkStatus();
}

absl::StatusOr<WritePlan::Targets> WritePlan::TakeTargets(Request& request) const {
  if (spec_.json) {
    THOLOS_RETURN_IF_ERROR(TakeJson(*spec_.json, *spec_.table, spec_.json_default_unset, &request));
  }
  Targets targets;
  THOLOS_ASSIGN_OR_RETURN(targets.partitions, spec_.keys.PartitionKeys(request));
  if (spec_.rows == Rows::kCells || spec_.rows == Rows::kInserted || spec_.rows == Rows::kDeleted) {
    THOLOS_ASSIGN_OR_RETURN(targets.rows, spec_.keys.ClusteringKeys(request));
  }
  return targets;
}

// What is a tombstone for every partition alike.
absl::Status WritePlan::AddDeletions(Request& request, const WriteStamp& stamp,
                                     data::Partition* update) const {
  const data::Deletion deletion{stamp.timestamp, stamp.now_seconds};
  if (spec_.rows == Rows::kPartition) update->deletion = deletion;
  if (spec_.rows == Rows::kRange) {
    THOLOS_ASSIGN_OR_RETURN(Slices slices, spec_.keys.ClusteringSlices(request));
    for (data::Slice& slice : slices) {
      data::AppendRange(std::move(slice), deletion, &update->range_tombstones);
    }
  }
  return absl::OkStatus();
}

absl::Status WritePlan::AddRows(const Targets& targets, const data::DecoratedKey& key,
                                const Before& before, const WriteStamp& stamp, bool last,
                                Request& request, std::vector<BoundOperation>* operations,
                                data::Partition* update) const {
  const auto before_of = [&](std::optional<std::string> clustering) -> const data::Row* {
    if (before.empty()) return nullptr;
    const auto found = before.find({key, std::move(clustering)});
    return found == before.end() ? nullptr : &found->second;
  };
  data::Row static_row;
  for (BoundOperation& operation : *operations) {
    if (!operation.is_static()) continue;
    THOLOS_RETURN_IF_ERROR(
        operation.AddTo(&static_row, before_of(std::nullopt), stamp, last, request));
  }
  if (!static_row.IsEmpty()) {
    if (sorts_parts_) SortParts(&static_row);
    update->static_row = std::move(static_row);
  }
  update->rows.reserve(targets.rows.size());
  for (size_t i = 0; i < targets.rows.size(); ++i) {
    data::Row row;
    row.clustering = targets.rows[i];
    MarkRow(stamp, &row);
    row.cells.reserve(operations->size());
    for (BoundOperation& operation : *operations) {
      if (operation.is_static()) continue;
      THOLOS_RETURN_IF_ERROR(operation.AddTo(&row, before_of(row.clustering), stamp,
                                             last && i + 1 == targets.rows.size(), request));
    }
    if (sorts_parts_) SortParts(&row);
    if (!row.IsEmpty()) update->rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<data::Mutation>> WritePlan::Make(Targets targets, const Before& before,
                                                            Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const WriteStamp stamp, MakeStamp(request));
  data::Partition deletions;
  THOLOS_RETURN_IF_ERROR(AddDeletions(request, stamp, &deletions));
  std::vector<BoundOperation> operations;
  operations.reserve(spec_.operations.size());
  for (const ColumnOperation& operation : spec_.operations) {
    THOLOS_ASSIGN_OR_RETURN(BoundOperation bound, BoundOperation::Bind(operation, request));
    operations.push_back(std::move(bound));
  }
  std::vector<data::Mutation> mutations;
  mutations.reserve(targets.partitions.size());
  for (size_t i = 0; i < targets.partitions.size(); ++i) {
    data::Partition update = deletions;
    THOLOS_RETURN_IF_ERROR(AddRows(targets, targets.partitions[i], before, stamp,
                                   i + 1 == targets.partitions.size(), request, &operations,
                                   &update));
    if (update.IsEmpty()) continue;  // nothing but unset values
    update.key = std::move(targets.partitions[i]);
    mutations.push_back({spec_.table->id, std::move(update)});
  }
  return mutations;
}

absl::StatusOr<std::vector<data::Mutation>> WritePlan::MakeMutations(Request& request) const {
  if (writes_one_row_) {
    std::vector<data::Mutation> mutations(1);
    THOLOS_RETURN_IF_ERROR(MakeMutation(request, &mutations[0]));
    if (mutations[0].update.IsEmpty()) mutations.clear();
    return mutations;
  }
  THOLOS_ASSIGN_OR_RETURN(Targets targets, TakeTargets(request));
  return Make(std::move(targets), Before(), request);
}

base::Task<absl::StatusOr<WritePlan::Before>> WritePlan::Read(const Targets& targets,
                                                              Request& request) const {
  if (request.routing.consistency == coordinator::ConsistencyLevel::kAny) {
    co_return base::InvalidRequest(
        "Write operation require a read but consistency ANY is not supported on reads");
  }
  Before before;
  for (const data::DecoratedKey& key : targets.partitions) {
    data::ReadCommand command;
    command.table = spec_.table->id;
    command.key = key;
    for (const std::string& row : targets.rows) {
      command.slices.push_back({row, data::Behind(row)});
    }
    if (command.slices.empty()) command.row_limit = 1;  // the static row
    for (bool more = true; more;) {
      THOLOS_CO_ASSIGN_OR_RETURN(
          coordinator::ReadPage page,
          co_await request.services->coordinator.Read(command, request.routing));
      for (data::Partition& partition : page.partitions) {
        if (partition.static_row) {
          before.insert_or_assign({key, std::nullopt}, *std::move(partition.static_row));
        }
        for (data::Row& row : partition.rows) {
          std::string clustering = row.clustering;
          before.insert_or_assign({key, std::move(clustering)}, std::move(row));
        }
      }
      more = page.next.has_value() && !targets.rows.empty();
      command.after = std::move(page.next);
    }
  }
  co_return before;
}

base::Task<absl::StatusOr<std::vector<data::Mutation>>> WritePlan::ReadAndMakeMutations(
    Request& request) const {
  if (!needs_read_) co_return MakeMutations(request);
  THOLOS_CO_ASSIGN_OR_RETURN(Targets targets, TakeTargets(request));
  THOLOS_CO_ASSIGN_OR_RETURN(const Before before, co_await Read(targets, request));
  co_return Make(std::move(targets), before, request);
}

base::Task<absl::Status> WritePlan::Execute(Request& request) const {
  return writes_one_row_ ? WriteOne(request) : WriteAll(request);
}

// No coroutine: nothing here waits.
base::Task<absl::Status> WritePlan::WriteOne(Request& request) const {
  data::Mutation mutation;
  absl::Status made = MakeMutation(request, &mutation);
  if (!made.ok() || mutation.update.IsEmpty()) {
    return base::Task<absl::Status>::Ready(std::move(made));
  }
  return request.services->coordinator.Write(std::move(mutation), request.routing);
}

base::Task<absl::Status> WritePlan::WriteAll(Request& request) const {
  std::vector<data::Mutation> mutations;
  if (needs_read_) {
    THOLOS_CO_ASSIGN_OR_RETURN(mutations, co_await ReadAndMakeMutations(request));
  } else {
    THOLOS_CO_ASSIGN_OR_RETURN(mutations, MakeMutations(request));
  }
  coordinator::Coordinator& coordinator = request.services->coordinator;
  for (size_t first = 0; first < mutations.size(); first += kConcurrentWrites) {
    std::vector<base::Task<absl::Status>> writes;
    for (size_t i = first; i < std::min(first + kConcurrentWrites, mutations.size()); ++i) {
      writes.push_back(coordinator.Write(std::move(mutations[i]), request.routing));
    }
    for (const absl::Status& status : co_await base::WhenAll(std::move(writes))) {
      if (!status.ok()) co_return status;
    }
  }
  co_return absl::OkStatus();
}

}  // namespace tholos::cql
