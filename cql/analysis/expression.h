// Values that are made when a statement runs: of functions, casts and arithmetic, and of literals
// that hold bind markers or such calls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

//   kind        parts
//   kFunction   the arguments
//   kMap        keys and values in turns
//   kTuple      the fields, also of a user type; those at the end may be missing
//   others      the elements
struct Expression {
  enum class Kind : uint8_t { kFunction, kList, kSet, kMap, kTuple, kVector };
  Kind kind = Kind::kFunction;
  data::DataType type;
  FunctionPtr function;  // of kFunction
  std::vector<Operand> parts;
};

// kInvalid: null or unset inside a collection, or what the function says.
absl::StatusOr<data::Value> Evaluate(const Expression& expression, Request& request);

// A literal's value from its parts', which are null only in tuples.
std::string Compose(const Expression& expression, const std::vector<data::Value>& parts);

// Whether the term has a type whatever its place wants: a call, a cast, a type hint, arithmetic.
bool HasOwnType(const Term& term);

struct TypedOperand {
  Operand operand;
  data::DataType type;
  std::string description;  // "function system.now", for messages
};

// Requires HasOwnType. `receiver` is where the value goes to; some functions depend on its type.
// The caller checks that the type fits there.
absl::StatusOr<TypedOperand> AnalyzeTyped(const Term& term, const Receiver& receiver,
                                          AnalysisContext* context);

}  // namespace tholos::cql
