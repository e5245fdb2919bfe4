// A term whose place says which type it must have: the value of a column, one side of a condition,
// a limit.
#pragma once

#include <cstdint>
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

class Operand {
 public:
  // Checks the term against the receiver's type; a literal becomes its bytes, a marker's type
  // becomes known. "line 1:30 expected int for column 'a', found string 'x'".
  static absl::StatusOr<Operand> Analyze(const Term& term, const Receiver& receiver,
                                         AnalysisContext* context);

  // A marker's value moves out of the request: only once for each execution.
  Argument Take(Request& request) const;
  // For conditions: a value that is there, or kInvalid "invalid null value for column 'a' in a
  // condition".
  absl::StatusOr<std::string> TakeValue(Request& request, std::string_view column) const;

  std::optional<uint16_t> marker() const {
    return kind_ == Kind::kMarker ? std::optional<uint16_t>(marker_) : std::nullopt;
  }

 private:
  enum class Kind : uint8_t { kNull, kConstant, kMarker, kRandomUuid, kCurrentTimestamp };
  static absl::StatusOr<Operand> OfLiteral(const Literal& literal, const Receiver& receiver);
  static absl::StatusOr<Operand> OfMarker(const BindMarker& marker, const Receiver& receiver,
                                          AnalysisContext* context);
  static absl::StatusOr<Operand> OfCall(const FunctionCall& call, const Receiver& receiver);

  Kind kind_ = Kind::kNull;
  uint16_t marker_ = 0;
  std::string constant_;
};

// The term is a literal integer or a marker (the parser saw to it).
absl::StatusOr<Operand> AnalyzeInteger(const Term& term, std::string_view name, data::TypeId type,
                                       const data::TableSchema& table, AnalysisContext* context);

// The functions without arguments that a value and a selector may call.
enum class ValueFunction : uint8_t { kRandomUuid, kCurrentTimestamp };
struct ValueFunctionInfo {
  ValueFunction function;
  data::DataType type;
};
// `arguments` are the names of the functions called as arguments; a call of another kind has "".
// kInvalid names what is unknown or not supported yet.
absl::StatusOr<ValueFunctionInfo> FindValueFunction(const QualifiedName& name,
                                                    const std::vector<std::string>& arguments);
std::string CallValueFunction(ValueFunction function, Request& request);

}  // namespace tholos::cql
