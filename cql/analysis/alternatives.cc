#include "cql/analysis/alternatives.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status_macros.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;

}  // namespace

std::string Alternatives::Names() const {
  if (width_ == 1) return names_[0];
  std::string names = "(";
  for (const std::string& name : names_) {
    base::StrAppend(&names, names.size() == 1 ? "" : ",", name);
  }
  return names + ")";
}

absl::StatusOr<Alternatives::Tuple> Alternatives::AnalyzeTuple(const Term& term,
                                                               AnalysisContext* context) const {
  Tuple tuple;
  const auto* literal = std::get_if<TupleLiteral>(&term.value);
  // (a) = (1) is a = 1, but a = (1) too.
  if (width_ == 1 && (literal == nullptr || literal->elements.size() != 1)) {
    THOLOS_ASSIGN_OR_RETURN(
        Operand operand,
        Operand::Analyze(term, Receiver{types_[0], names_[0], keyspace_, table_}, context));
    tuple.operands.push_back(std::move(operand));
    return tuple;
  }
  if (std::holds_alternative<BindMarker>(term.value)) {
    THOLOS_ASSIGN_OR_RETURN(
        tuple.whole,
        Operand::Analyze(term, Receiver{whole_type_, Names(), keyspace_, table_}, context));
    return tuple;
  }
  if (literal == nullptr) {
    return ErrorAt(term.position(), "expected a tuple of ", width_, " values or a bind marker");
  }
  if (literal->elements.size() != width_) {
    return ErrorAt(literal->position, "Expected ", width_, " elements in value tuple, but got ",
                   literal->elements.size());
  }
  for (size_t i = 0; i < width_; ++i) {
    THOLOS_ASSIGN_OR_RETURN(
        Operand operand,
        Operand::Analyze(literal->elements[i], Receiver{types_[i], names_[i], keyspace_, table_},
                         context));
    tuple.operands.push_back(std::move(operand));
  }
  return tuple;
}

absl::StatusOr<Alternatives> Alternatives::Analyze(const Relation& relation,
                                                   const data::TableSchema& table, size_t first,
                                                   size_t width, AnalysisContext* context) {
  Alternatives result;
  result.width_ = width;
  result.keyspace_ = table.keyspace;
  result.table_ = table.name;
  for (size_t i = first; i < first + width; ++i) {
    result.names_.push_back(table.columns[i].name);
    result.types_.push_back(table.columns[i].type);
  }
  result.whole_type_ = width == 1 ? result.types_[0] : DataType::Tuple(result.types_);
  if (const auto* list = std::get_if<TermList>(&relation.right)) {
    for (const Term& term : list->terms) {
      THOLOS_ASSIGN_OR_RETURN(Tuple tuple, result.AnalyzeTuple(term, context));
      result.tuples_.push_back(std::move(tuple));
    }
    return result;
  }
  const Term& term = std::get<Term>(relation.right);
  if (relation.op == Operator::kIn) {
    const Receiver receiver{DataType::List(result.whole_type_, true),
                            base::StrCat("in(", result.Names(), ")"), table.keyspace, table.name};
    THOLOS_ASSIGN_OR_RETURN(result.list_, Operand::Analyze(term, receiver, context));
    return result;
  }
  THOLOS_ASSIGN_OR_RETURN(Tuple tuple, result.AnalyzeTuple(term, context));
  result.tuples_.push_back(std::move(tuple));
  return result;
}

Alternatives Alternatives::Of(Operand operand, const data::TableSchema& table, size_t column) {
  Alternatives result;
  result.keyspace_ = table.keyspace;
  result.table_ = table.name;
  result.names_ = {table.columns[column].name};
  result.types_ = {table.columns[column].type};
  result.whole_type_ = result.types_[0];
  result.tuples_.emplace_back().operands.push_back(std::move(operand));
  return result;
}

absl::StatusOr<Alternatives> Alternatives::Of(const Term& term, const data::TableSchema& table,
                                              size_t column, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(
      Operand operand, Operand::Analyze(term, Receiver::Of(table, table.columns[column]), context));
  return Of(std::move(operand), table, column);
}

std::optional<uint16_t> Alternatives::marker() const {
  if (!IsOne() || tuples_[0].operands.size() != 1) return std::nullopt;
  return tuples_[0].operands[0].marker();
}

absl::StatusOr<Alternatives::Values> Alternatives::Split(std::string_view tuple) const {
  if (width_ == 1) return Values{std::string(tuple)};
  Values values;
  const auto parts = data::PartsOf(whole_type_, tuple);
  for (size_t i = 0; i < width_; ++i) {
    if (i >= parts.size() || !parts[i]) {
      return base::InvalidRequest(
          base::StrCat("Invalid null value in condition for column ", names_[i]));
    }
    values.emplace_back(*parts[i]);
  }
  return values;
}

absl::StatusOr<Alternatives::Values> Alternatives::TakeTuple(const Tuple& tuple,
                                                             Request& request) const {
  if (tuple.whole) {
    THOLOS_ASSIGN_OR_RETURN(const std::string value, tuple.whole->TakeValue(request, Names()));
    return Split(value);
  }
  Values values;
  values.reserve(width_);
  for (size_t i = 0; i < width_; ++i) {
    THOLOS_ASSIGN_OR_RETURN(std::string value, tuple.operands[i].TakeValue(request, names_[i]));
    values.push_back(std::move(value));
  }
  return values;
}

absl::Status Alternatives::TakeOne(Request& request, Values* out) const {
  if (tuples_[0].whole) {
    THOLOS_ASSIGN_OR_RETURN(Values values, TakeTuple(tuples_[0], request));
    std::move(values.begin(), values.end(), std::back_inserter(*out));
    return absl::OkStatus();
  }
  for (size_t i = 0; i < width_; ++i) {
    THOLOS_RETURN_IF_ERROR(
        tuples_[0].operands[i].TakeValue(request, names_[i], &out->emplace_back()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Alternatives::Values>> Alternatives::Take(Request& request) const {
  std::vector<Values> all;
  if (list_) {
    THOLOS_ASSIGN_OR_RETURN(const std::string list, list_->TakeValue(request, Names()));
    const DataType type = DataType::List(whole_type_, true);
    for (const std::string_view element : data::ElementsOf(type, list)) {
      THOLOS_ASSIGN_OR_RETURN(Values values, Split(element));
      all.push_back(std::move(values));
    }
    return all;
  }
  all.reserve(tuples_.size());
  for (const Tuple& tuple : tuples_) {
    THOLOS_ASSIGN_OR_RETURN(Values values, TakeTuple(tuple, request));
    all.push_back(std::move(values));
  }
  return all;
}

}  // namespace tholos::cql
