// A term whose place says which type it must have: the value of a column, one side of a condition,
// a limit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cql/analysis/context.h"
#include "cql/plan.h"

namespace tholos::cql {

// The place a term's value goes to.
struct Receiver {
  data::DataType type;
  std::string name;      // of a bind marker there: the column's, or "[limit]", "[ttl]", ...
  std::string keyspace;  // of the table
  std::string table;
  std::string shown = "";  // in messages, if the name does not say it

  static Receiver Of(const data::TableSchema& table, const data::ColumnSchema& column) {
    return {column.type, column.name, table.keyspace, table.name};
  }
  // For messages: "column 'a'", or "[limit]".
  std::string Describe() const;
};

// A value when the statement runs.
struct Argument {
  data::Value value;  // nothing: null, or unset
  bool unset = false;
};

struct Expression;  // expression.h

// A regular value. A collection, tuple, vector or UDT comes as its bytes, also for a multi-cell
// column.
class Operand {
 public:
  Operand() = default;  // null
  // Checks the term against the receiver's type; a literal becomes its bytes, a marker's type
  // becomes known, a function is chosen. "line 1:30 expected int for column 'a', found string 'x'".
  static absl::StatusOr<Operand> Analyze(const Term& term, const Receiver& receiver,
                                         AnalysisContext* context);
  static Operand Constant(data::Value value);
  static Operand Of(Expression expression);
  // Of INSERT JSON: the value of Request::json_values with this index.
  static Operand OfJson(uint16_t place);

  // A marker's value moves out of the request: only once for each execution. kInvalid: what a
  // function says, null or unset inside a collection.
  absl::StatusOr<Argument> Take(Request& request) const;
  // The same into `*out`, which is null and not unset.
  absl::Status Take(Request& request, Argument* out) const {
    if (kind_ != Kind::kMarker) return TakeMade(request, out);
    BoundValue& bound = request.values[index_];
    out->value = std::move(bound.value);
    out->unset = bound.unset;
    return absl::OkStatus();
  }
  // For conditions: a value that is there, or kInvalid "Invalid null value in condition for column
  // a".
  absl::StatusOr<std::string> TakeValue(Request& request, std::string_view column) const;
  // The same into `*out`.
  absl::Status TakeValue(Request& request, std::string_view column, std::string* out) const;

  std::optional<uint16_t> marker() const {
    return kind_ == Kind::kMarker ? std::optional<uint16_t>(index_) : std::nullopt;
  }
  // A literal, null included.
  bool is_constant() const { return kind_ == Kind::kNull || kind_ == Kind::kConstant; }
  // Requires is_constant().
  data::Value constant_value() const {
    return kind_ == Kind::kNull ? data::Value() : data::Value(constant_);
  }

 private:
  enum class Kind : uint8_t { kNull, kConstant, kMarker, kJson, kExpression };
  // Take of what is no marker.
  absl::Status TakeMade(Request& request, Argument* out) const;
  static absl::StatusOr<Operand> OfLiteral(const Literal& literal, const Receiver& receiver);
  static absl::StatusOr<Operand> OfMarker(const BindMarker& marker, const Receiver& receiver,
                                          AnalysisContext* context);

  Kind kind_ = Kind::kNull;
  uint16_t index_ = 0;  // of the marker, or in Request::json_values
  std::string constant_;
  std::shared_ptr<const Expression> expression_;
};

// The term is a literal integer or a marker (the parser saw to it).
absl::StatusOr<Operand> AnalyzeInteger(const Term& term, std::string_view name, data::TypeId type,
                                       const data::TableSchema& table, AnalysisContext* context);

}  // namespace tholos::cql
