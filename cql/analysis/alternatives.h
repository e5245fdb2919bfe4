// The right side of a condition: values for one column, or for several side by side.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/ast.h"

namespace tholos::cql {

//   c = 1                        one alternative
//   c IN (1, ?)                  several
//   c IN ?                       as many as the marker's list has
//   (a, b) = (1, 2)              one alternative of two operands
//   (a, b) IN ((1, 2), ?)        a marker can stand for a whole tuple
//   (a, b) IN ?                  a list of tuples
class Alternatives {
 public:
  // For the columns [first, first + width) of the table.
  static absl::StatusOr<Alternatives> Analyze(const Relation& relation,
                                              const data::TableSchema& table, size_t first,
                                              size_t width, AnalysisContext* context);
  // Of terms that were picked out of a relation, one alternative.
  static absl::StatusOr<Alternatives> Of(const Term& term, const data::TableSchema& table,
                                         size_t column, AnalysisContext* context);
  static Alternatives Of(Operand operand, const data::TableSchema& table, size_t column);

  size_t width() const { return width_; }
  // Exactly one, whatever the values of the markers are.
  bool IsOne() const { return !list_ && tuples_.size() == 1; }
  // The marker, if it is all there is.
  std::optional<uint16_t> marker() const;

  using Values = std::vector<std::string>;
  // kInvalid for null and unset values, "Invalid null value in condition for column c".
  absl::StatusOr<std::vector<Values>> Take(Request& request) const;
  // Requires IsOne(): appends its values.
  absl::Status TakeOne(Request& request, Values* out) const;

 private:
  struct Tuple {
    std::vector<Operand> operands;  // one for each column, or
    std::optional<Operand> whole;   // one for all
  };
  absl::StatusOr<Tuple> AnalyzeTuple(const Term& term, AnalysisContext* context) const;
  absl::StatusOr<Values> TakeTuple(const Tuple& tuple, Request& request) const;
  absl::StatusOr<Values> Split(std::string_view tuple) const;
  std::string Names() const;  // "(a,b)", or "a"

  size_t width_ = 1;
  std::string keyspace_;
  std::string table_;
  std::vector<std::string> names_;
  std::vector<data::DataType> types_;
  data::DataType whole_type_;  // of the tuple; with one column, its type
  std::vector<Tuple> tuples_;
  std::optional<Operand> list_;
};

}  // namespace tholos::cql
