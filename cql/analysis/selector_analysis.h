// From the terms of a selection to expressions: names to columns, calls to overloads, types from
// the leaves up and, for literals and markers, from their place down.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/context.h"
#include "cql/analysis/operand.h"
#include "cql/analysis/row_expression.h"
#include "cql/ast.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

// A call of an aggregate: its arguments of each row go into an accumulator, the result into the
// slot of its number.
struct AggregateCall {
  FunctionPtr function;
  std::vector<RowExpressionPtr> arguments;
};

struct AnalyzedSelector {
  RowExpressionPtr expression;
  data::DataType type;
  std::string name;                 // of the result, without an alias
  std::optional<ColumnRef> column;  // it is just this column
  bool aggregate = false;           // or has an aggregate inside
};

// Over all selectors of one statement: operands and aggregates are numbered through.
class SelectorAnalysis {
 public:
  SelectorAnalysis(const data::TableSchema& table, AnalysisContext* context)
      : table_(table), context_(context) {}

  absl::StatusOr<AnalyzedSelector> Analyze(const Selector& selector);
  AnalyzedSelector Column(const data::ColumnSchema& column);

  std::vector<Operand> TakeOperands() { return std::move(operands_); }
  std::vector<AggregateCall> TakeAggregates() { return std::move(aggregates_); }
  // Columns that are read, in the order of their first use.
  const std::vector<ColumnRef>& columns() const { return columns_; }

 private:
  // A selector that may still wait for a type from outside (then `pending`).
  struct Draft {
    const Term* pending = nullptr;
    AnalyzedSelector analyzed;
  };
  using Drafted = absl::StatusOr<Draft>;

  Drafted Drafting(const Term& term);
  Drafted OfColumn(const Identifier& name);
  Drafted OfCall(const FunctionCall& call);
  Drafted Call(Position position, std::string_view keyspace, std::string_view name,
               std::vector<Draft> arguments);
  Drafted OfCellProperty(const FunctionCall& call, CellProperty property);
  absl::Status CellPath(const PathStep& step, CellSelector* selector);
  Drafted OfCast(const Cast& cast);
  Drafted OfTypeHint(const TypeHint& hint);
  Drafted OfArithmetic(const Arithmetic& arithmetic);
  Drafted OfNegation(const Negation& negation);
  Drafted OfPath(const Path& path);
  absl::Status ApplyStep(const PathStep& step, AnalyzedSelector* base);
  Drafted OfTuple(const Term& term, const TupleLiteral& tuple);
  // A list, set, map or tuple literal: pending unless a part has a type.
  Drafted OfLiteral(const Term& term);

  absl::StatusOr<AnalyzedSelector> Finish(Draft draft, const data::DataType* expected);
  absl::StatusOr<AnalyzedSelector> Build(const Term& term, const data::DataType& type);
  absl::StatusOr<RowExpressionPtr> BuildPart(const Term& term, const data::DataType& type);
  absl::StatusOr<RowExpressionPtr> BuildLiteral(const Term& term, const data::DataType& type);
  absl::StatusOr<RowExpressionPtr> OperandOf(const Term& term, const data::DataType& type);
  ArgumentProbe ProbeOf(const Draft& draft) const;

  const data::TableSchema& table_;
  AnalysisContext* context_;
  std::vector<Operand> operands_;
  std::vector<AggregateCall> aggregates_;
  std::vector<ColumnRef> columns_;
  int literal_depth_ = 0;  // collection literals of columns inside each other, up to here
};

}  // namespace tholos::cql
