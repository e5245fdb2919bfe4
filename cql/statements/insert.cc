// INSERT: writes the row itself, besides its cells.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/statements.h"
#include "cql/statements/write_plan.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

class InsertAnalysis {
 public:
  InsertAnalysis(const InsertStatement& statement, TablePtr table, AnalysisContext* context)
      : statement_(statement),
        table_(std::move(table)),
        context_(context),
        values_(table_->columns.size()) {}

  absl::StatusOr<PlanPtr> Run() {
    if (statement_.if_not_exists) {
      return NotSupportedAt(statement_.position, "INSERT IF NOT EXISTS (a conditional update)");
    }
    THOLOS_RETURN_IF_ERROR(AnalyzeValues());
    THOLOS_ASSIGN_OR_RETURN(std::vector<Operand> partition,
                            TakeKey(data::ColumnKind::kPartitionKey, "partition"));
    const bool static_only = !has_clustering_ && has_static_ && !has_regular_;
    std::vector<Operand> clustering;
    if (!static_only) {
      THOLOS_ASSIGN_OR_RETURN(clustering, TakeKey(data::ColumnKind::kClustering, "clustering"));
    }
    WritePlan::Spec spec;
    spec.kind = "insert";
    spec.table = table_;
    spec.rows = static_only ? WritePlan::Rows::kNone : WritePlan::Rows::kInserted;
    spec.keys = Restrictions::OfKey(table_, std::move(partition), std::move(clustering));
    THOLOS_ASSIGN_OR_RETURN(spec.parameters,
                            WriteParameters::Analyze(statement_.parameters, *table_, context_));
    for (size_t i = 0; i < values_.size(); ++i) {
      if (!values_[i].has_value()) continue;
      spec.operations.push_back(
          ColumnOperation::Assign(table_->columns[i], *std::move(values_[i])));
    }
    if (statement_.json) {
      const Receiver receiver{data::DataType(data::TypeId::kText), "[json]", table_->keyspace,
                              table_->name};
      THOLOS_ASSIGN_OR_RETURN(spec.json, Operand::Analyze(*statement_.json, receiver, context_));
      spec.json_default_unset = statement_.json_default_unset;
    }
    return PlanPtr(std::make_shared<WritePlan>(std::move(spec)));
  }

 private:
  // All columns; what the text does not have is null or unset.
  absl::Status AnalyzeJson() {
    for (size_t i = 0; i < values_.size(); ++i) {
      values_[i] = Operand::OfJson(static_cast<uint16_t>(i));
    }
    has_clustering_ = has_regular_ = true;
    return absl::OkStatus();
  }

  absl::Status AnalyzeValues() {
    if (statement_.json) return AnalyzeJson();
    if (statement_.columns.size() != statement_.values.size()) {
      return ErrorAt(statement_.columns[0].position,
                     "Unmatched column names/values: ", statement_.columns.size(), " columns, ",
                     statement_.values.size(), " values");
    }
    for (size_t i = 0; i < statement_.columns.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(*table_, statement_.columns[i]));
      std::optional<Operand>& value = values_[column - table_->columns.data()];
      if (value.has_value()) {
        return ErrorAt(statement_.columns[i].position, "column '", column->name,
                       "' is given twice");
      }
      THOLOS_ASSIGN_OR_RETURN(
          value, Operand::Analyze(statement_.values[i], Receiver::Of(*table_, *column), context_));
      has_clustering_ |= column->kind == data::ColumnKind::kClustering;
      has_static_ |= column->kind == data::ColumnKind::kStatic;
      has_regular_ |= column->kind == data::ColumnKind::kRegular;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Operand>> TakeKey(data::ColumnKind kind, std::string_view what) {
    std::vector<Operand> key;
    for (size_t i = 0; i < values_.size(); ++i) {
      if (table_->columns[i].kind != kind) continue;
      if (!values_[i].has_value()) {
        return ErrorAt(statement_.position, "Some ", what,
                       " key parts are missing: ", table_->columns[i].name);
      }
      key.push_back(*std::exchange(values_[i], std::nullopt));
    }
    return key;
  }

  const InsertStatement& statement_;
  const TablePtr table_;
  AnalysisContext* context_;
  std::vector<std::optional<Operand>> values_;  // by column of the table
  bool has_clustering_ = false;
  bool has_static_ = false;
  bool has_regular_ = false;
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const InsertStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveWritableTable(statement.table, *context));
  return InsertAnalysis(statement, std::move(table), context).Run();
}

}  // namespace tholos::cql
