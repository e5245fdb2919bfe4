#include "cql/analysis/grouping.h"

#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"

namespace tholos::cql {
namespace {

// The clustering column that a function in GROUP BY is of.
absl::StatusOr<const Identifier*> ColumnOf(const FunctionCall& call) {
  const Identifier* column = nullptr;
  for (const Term& argument : call.arguments) {
    const auto* name = std::get_if<Identifier>(&argument.value);
    if (name == nullptr) continue;
    if (column != nullptr) column = nullptr;
    column = name;
  }
  if (column == nullptr) {
    return ErrorAt(call.position,
                   "GROUP BY functions must have one clustering column name as parameter");
  }
  if (call.function.name != "floor") {
    return ErrorAt(
        call.position,
        "Only monotonic functions are supported in the GROUP BY clause. Got: ", call.function.name);
  }
  return column;
}

}  // namespace

absl::StatusOr<Grouping> Grouping::Analyze(const std::vector<Selector>& terms,
                                           const data::TableSchema& table,
                                           const Restrictions& where, bool distinct,
                                           AnalysisContext* context) {
  Grouping grouping;
  const size_t partition_size = table.partition_key_size();
  const auto is_fixed = [&](size_t place) {
    return place < partition_size ? where.IsPartitionEqual(place)
                                  : where.IsClusteringEqual(place - partition_size);
  };
  size_t next = 0;  // the place in the primary key that comes now
  SelectorAnalysis analysis(table, context);
  for (const Selector& term : terms) {
    const Position position = term.position();
    if (grouping.function_) {
      return ErrorAt(position,
                     "Functions are only supported on the last element of the GROUP BY clause");
    }
    const auto* name = std::get_if<Identifier>(&term.value);
    const auto* call = std::get_if<FunctionCall>(&term.value);
    if (name == nullptr) {
      if (call == nullptr) {
        return ErrorAt(position, "Group by takes columns of the PRIMARY KEY, got ", ToCql(term));
      }
      THOLOS_ASSIGN_OR_RETURN(name, ColumnOf(*call));
    }
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table, *name));
    const bool in_key = column->kind == data::ColumnKind::kPartitionKey ||
                        column->kind == data::ColumnKind::kClustering;
    if (!in_key) {
      return ErrorAt(position,
                     "Group by is currently only supported on the columns of the PRIMARY KEY, got ",
                     column->name);
    }
    const auto place = static_cast<size_t>(column - table.columns.data());
    while (next < place && is_fixed(next)) ++next;
    if (next != place) {
      return ErrorAt(position,
                     "Group by currently only support groups of columns following their declared "
                     "order in the PRIMARY KEY");
    }
    if (place >= partition_size && distinct) {
      return ErrorAt(position,
                     "Grouping on clustering columns is not allowed for SELECT DISTINCT queries");
    }
    if (call != nullptr) {
      if (place < partition_size) {
        return ErrorAt(position,
                       "Group by functions are only supported on clustering columns, got ",
                       column->name);
      }
      THOLOS_ASSIGN_OR_RETURN(const AnalyzedSelector function, analysis.Analyze(term));
      grouping.function_ = function.expression;
    }
    next = place + 1;
  }
  while (next < partition_size && is_fixed(next)) ++next;
  if (next < partition_size) {
    return ErrorAt(terms[0].position(),
                   "Group by is not supported on only a part of the partition key");
  }
  grouping.clustering_columns_ = next - partition_size - (grouping.function_ ? 1 : 0);
  grouping.operands_ = analysis.TakeOperands();
  return grouping;
}

absl::StatusOr<Evaluation> Grouping::Bind(Request& request) const {
  Evaluation evaluation{
      .functions = {request.wall_micros, request.services->random, request.services->time_uuids}};
  for (const Operand& operand : operands_) {
    THOLOS_ASSIGN_OR_RETURN(Argument argument, operand.Take(request));
    evaluation.operands.push_back(std::move(argument.value));
  }
  return evaluation;
}

absl::StatusOr<std::string> Grouping::KeyOf(Evaluation& evaluation) const {
  std::string key;
  const RowView& view = *evaluation.view;
  if (view.clustering == nullptr) return key;
  key.push_back('r');  // a row's key is never a static row's
  for (size_t i = 0; i < clustering_columns_; ++i) base::PutBytes(&key, (*view.clustering)[i]);
  if (!function_) return key;
  absl::StatusOr<data::Value> value = function_->Evaluate(evaluation);
  if (!value.ok()) return base::InvalidRequest(base::ToStd(value.status().message()));
  base::PutU8(&key, value->has_value() ? 1 : 0);
  if (*value) base::PutBytes(&key, **value);
  return key;
}

}  // namespace tholos::cql
