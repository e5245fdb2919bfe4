// The operators: + - * / % and the unary minus on numbers; + and - of durations on dates and
// timestamps.
#include <limits>

#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/calendar.h"
#include "cql/functions/function_set.h"
#include "cql/functions/numbers.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

absl::StatusOr<data::Value> Operate(char op, TypeId left, TypeId right,
                                    std::span<const data::Value> arguments) {
  const TypeId type = ResultType(left, right);
  THOLOS_ASSIGN_OR_RETURN(const Number a, Widen(DecodeNumber(left, *arguments[0]), type));
  THOLOS_ASSIGN_OR_RETURN(const Number b, Widen(DecodeNumber(right, *arguments[1]), type));
  THOLOS_ASSIGN_OR_RETURN(const Number result, Calculate(op, a, b));
  return data::Value(EncodeNumber(type, result));
}

// Null and empty operands give null; an error names the operation.
Function::Call Operation(char op, DataType left, DataType right, Function::Call call) {
  return [op, left, right, call = std::move(call)](
             FunctionContext& context,
             std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
    for (const data::Value& argument : arguments) {
      if (!argument || argument->empty()) return data::Value();
    }
    absl::StatusOr<data::Value> result = call(context, arguments);
    if (result.ok()) return result;
    return absl::InvalidArgumentError(base::StrCat("the operation '", left.name(), " ",
                                                   std::string(1, op), " ", right.name(),
                                                   "' failed: ", result.status().message()));
  };
}

Function OnNumbers(char op, TypeId left, TypeId right) {
  Function function;
  function.name = OperatorFunction(op);
  function.arguments = {DataType(left), DataType(right)};
  function.result = DataType(ResultType(left, right));
  function.call = Operation(op, DataType(left), DataType(right),
                            [=](FunctionContext&, std::span<const data::Value> arguments) {
                              return Operate(op, left, right, arguments);
                            });
  return function;
}

Function OnTime(char op, TypeId type) {
  Function function;
  function.name = OperatorFunction(op);
  function.arguments = {DataType(type), DataType(TypeId::kDuration)};
  function.result = DataType(type);
  function.call = Operation(op, DataType(type), DataType(TypeId::kDuration),
                            [=](FunctionContext&, std::span<const data::Value> arguments) {
                              return AddDuration(type, *arguments[0], *arguments[1], op == '-');
                            });
  return function;
}

Function Negate(TypeId type) {
  Function function;
  function.name = kNegate;
  function.arguments = {DataType(type)};
  function.result = DataType(type);
  function.call = OfOne([type](std::string_view bytes) -> absl::StatusOr<data::Value> {
    if (bytes.empty()) return data::Value();
    struct Visitor {
      Number operator()(int64_t v) const { return static_cast<int64_t>(-static_cast<uint64_t>(v)); }
      Number operator()(float v) const { return -v; }
      Number operator()(double v) const { return -v; }
      Number operator()(const BigInteger& v) const { return -v; }
      Number operator()(const Decimal& v) const { return Decimal{-v.unscaled, v.scale}; }
    };
    return data::Value(EncodeNumber(type, std::visit(Visitor(), DecodeNumber(type, bytes))));
  });
  return function;
}

}  // namespace

void AddArithmetic(FunctionSet* set) {
  for (const TypeId left : kNumericTypes) {
    for (const TypeId right : kNumericTypes) {
      for (const char op : {'+', '-', '*', '/', '%'}) set->Add(OnNumbers(op, left, right));
    }
    set->Add(Negate(left));
  }
  for (const char op : {'+', '-'}) {
    set->Add(OnTime(op, TypeId::kTimestamp));
    set->Add(OnTime(op, TypeId::kDate));
  }
}

}  // namespace tholos::cql
