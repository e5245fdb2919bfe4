#include "cql/statements/batch.h"

#include <memory>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"

namespace tholos::cql {
namespace {

class BatchPlan final : public Plan {
 public:
  BatchPlan(BatchType type, std::vector<PlanPtr> plans, std::optional<Operand> timestamp)
      : type_(type), plans_(std::move(plans)), timestamp_(std::move(timestamp)) {}

  base::Task<absl::Status> Execute(Request& request) const override {
    if (timestamp_) {
      THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<int64_t> given,
                                 TakeTimestamp(*timestamp_, request));
      if (given) request.timestamp = given;
    }
    request.one_timestamp = true;
    BatchWrite write(type_);
    for (const PlanPtr& plan : plans_) {
      THOLOS_CO_RETURN_IF_ERROR(co_await write.Add(*plan, request));
    }
    co_return co_await write.Write(request);
  }
  std::string_view kind() const override { return "batch"; }

 private:
  const BatchType type_;
  const std::vector<PlanPtr> plans_;
  const std::optional<Operand> timestamp_;
};

// What a mutation carries: keys, values, and some bytes for each cell and row beside them.
size_t CarriedBytes(const data::Row& row) {
  constexpr size_t kOfRow = 12;
  constexpr size_t kOfCell = 12;
  size_t bytes = kOfRow + row.clustering.size();
  for (const data::Cell& cell : row.cells) {
    bytes += kOfCell + cell.path.size() + cell.value.size();
  }
  return bytes;
}

size_t CarriedBytes(const data::Partition& update) {
  size_t bytes = update.key.key.size();
  if (update.static_row) bytes += CarriedBytes(*update.static_row);
  for (const data::Row& row : update.rows) bytes += CarriedBytes(row);
  for (const data::RangeTombstone& tombstone : update.range_tombstones) {
    bytes += tombstone.range.lower.size() + tombstone.range.upper.size();
  }
  return bytes;
}

std::string Kilobytes(size_t bytes) {
  return absl::StrFormat("%.3fKiB", static_cast<double>(bytes) / 1024);
}

}  // namespace

base::Task<absl::Status> BatchWrite::Add(const Plan& plan, Request& request) {
  const WritePlan* write = plan.write_plan();
  if (write == nullptr) {
    co_return base::InvalidRequest(
        "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.");
  }
  std::vector<data::Mutation> mutations;
  if (write->needs_read()) {
    THOLOS_CO_ASSIGN_OR_RETURN(mutations, co_await write->ReadAndMakeMutations(request));
  } else {
    THOLOS_CO_ASSIGN_OR_RETURN(mutations, write->MakeMutations(request));
  }
  for (data::Mutation& mutation : mutations) {
    const auto [place, is_new] =
        places_.emplace(std::pair(mutation.table, mutation.update.key), mutations_.size());
    if (is_new) {
      tables_.emplace(mutation.table, write->table().QualifiedName());
      mutations_.push_back(std::move(mutation));
    } else {
      data::MergeInto(&mutations_[place->second].update, std::move(mutation.update));
    }
  }
  co_return absl::OkStatus();
}

std::string BatchWrite::TableNames() const {
  std::string names;
  for (const auto& [id, name] : tables_) base::StrAppend(&names, names.empty() ? "" : ", ", name);
  return names;
}

absl::Status BatchWrite::CheckSize(const QueryLimits& limits,
                                   std::vector<std::string>* warnings) const {
  if (mutations_.size() < 2) return absl::OkStatus();
  size_t bytes = 0;
  for (const data::Mutation& mutation : mutations_) bytes += CarriedBytes(mutation.update);
  const auto exceeds = [&](size_t threshold) {
    return base::StrCat("Batch for [", TableNames(), "] is of size ", Kilobytes(bytes),
                        ", exceeding specified threshold of ", Kilobytes(threshold), " by ",
                        Kilobytes(bytes - threshold), ".");
  };
  if (bytes > limits.batch_bytes_max) {
    return base::InvalidRequest(base::StrCat("Batch too large: ", exceeds(limits.batch_bytes_max)));
  }
  if (bytes > limits.batch_bytes_warn) warnings->push_back(exceeds(limits.batch_bytes_warn));
  if (type_ == BatchType::kUnlogged && mutations_.size() > limits.batch_partitions_warn) {
    warnings->push_back(base::StrCat(
        "Unlogged batch covering ", mutations_.size(), " partitions detected against table",
        tables_.size() == 1 ? "" : "s", " [", TableNames(),
        "]. You should use a logged batch for atomicity, or asynchronous writes for performance."));
  }
  return absl::OkStatus();
}

base::Task<absl::Status> BatchWrite::Write(Request& request) {
  THOLOS_CO_RETURN_IF_ERROR(CheckSize(request.services->limits, &request.result.warnings));
  coordinator::Coordinator& coordinator = request.services->coordinator;
  if (mutations_.empty()) co_return absl::OkStatus();
  if (mutations_.size() == 1) {
    co_return co_await coordinator.Write(std::move(mutations_[0]), request.routing);
  }
  co_return co_await coordinator.WriteBatch(std::move(mutations_), type_ == BatchType::kLogged,
                                            request.routing);
}

absl::StatusOr<PlanPtr> Analyze(const BatchStatement& statement, AnalysisContext* context) {
  if (statement.type == BatchType::kCounter) {
    return NotSupportedAt(statement.position, "BEGIN COUNTER BATCH");
  }
  if (statement.parameters.ttl) {
    return ErrorAt(statement.position, "Global TTL on the BATCH statement is not supported.");
  }
  if (statement.modifications.size() > context->limits.batch_statements_max) {
    return ErrorAt(statement.position, "a batch of ", statement.modifications.size(),
                   " statements, the limit is ", context->limits.batch_statements_max);
  }
  std::optional<Operand> timestamp;
  if (statement.parameters.timestamp) {
    const Receiver receiver{data::DataType(data::TypeId::kBigint), "[timestamp]", "", ""};
    THOLOS_ASSIGN_OR_RETURN(timestamp,
                            Operand::Analyze(*statement.parameters.timestamp, receiver, context));
  }
  std::vector<PlanPtr> plans;
  for (const BatchStatement::Modification& modification : statement.modifications) {
    THOLOS_ASSIGN_OR_RETURN(
        PlanPtr plan, std::visit([&](const auto& m) { return Analyze(m, context); }, modification));
    if (timestamp && plan->write_plan()->has_timestamp()) {
      return ErrorAt(statement.position,
                     "Timestamp must be set either on BATCH or individual statements");
    }
    plans.push_back(std::move(plan));
  }
  return PlanPtr(
      std::make_shared<BatchPlan>(statement.type, std::move(plans), std::move(timestamp)));
}

}  // namespace tholos::cql
