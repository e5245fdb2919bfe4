// abs, exp, log, log10, round: of every numeric type, with results of the same type.
#include <cmath>
#include <limits>

#include "base/status_macros.h"
#include "cql/functions/function_set.h"
#include "cql/functions/numbers.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

enum class Operation : uint8_t { kAbs, kExp, kLog, kLog10, kRound };

template <typename Float>
Float OfFloat(Operation operation, Float v) {
  switch (operation) {
    case Operation::kAbs:
      return std::abs(v);
    case Operation::kExp:
      return static_cast<Float>(std::exp(static_cast<double>(v)));
    case Operation::kLog:
      return static_cast<Float>(std::log(static_cast<double>(v)));
    case Operation::kLog10:
      return static_cast<Float>(std::log10(static_cast<double>(v)));
    case Operation::kRound:
      break;
  }
  // Half up, as Java's Math.round, which gives an integer: NaN is 0, and large numbers saturate.
  constexpr bool kSingle = sizeof(Float) == sizeof(float);
  constexpr double kBound = kSingle ? 0x1p31 : 0x1p63;
  const double rounded = std::floor(static_cast<double>(v) + 0.5);
  if (std::isnan(rounded)) return 0;
  return static_cast<Float>(std::min(std::max(rounded, -kBound), kBound));
}

absl::StatusOr<Number> OfInteger(TypeId type, Operation operation, int64_t v) {
  if (operation == Operation::kRound) return v;
  if (operation == Operation::kAbs) {
    return v < 0 ? static_cast<int64_t>(-static_cast<uint64_t>(v)) : v;
  }
  return Convert(TypeId::kDouble, OfFloat(operation, static_cast<double>(v)), type);
}

absl::StatusOr<Decimal> OfDecimal(Operation operation, const Decimal& v) {
  switch (operation) {
    case Operation::kAbs:
      return Decimal{Magnitude(v.unscaled), v.scale};
    case Operation::kExp:
      return Exp(v);
    case Operation::kLog:
      return Log(v);
    case Operation::kLog10:
      return Log10(v);
    case Operation::kRound:
      break;
  }
  return DivideTo(v, Decimal{BigInteger(1), 0}, 0);
}

absl::StatusOr<Number> Apply(TypeId type, Operation operation, const Number& number) {
  if (const auto* v = std::get_if<int64_t>(&number)) return OfInteger(type, operation, *v);
  if (const auto* v = std::get_if<float>(&number)) return OfFloat(operation, *v);
  if (const auto* v = std::get_if<double>(&number)) return OfFloat(operation, *v);
  if (const auto* v = std::get_if<BigInteger>(&number)) {
    THOLOS_ASSIGN_OR_RETURN(const Decimal result, OfDecimal(operation, DecimalOf(*v)));
    THOLOS_ASSIGN_OR_RETURN(BigInteger whole, ToInteger(result));
    return whole;
  }
  THOLOS_ASSIGN_OR_RETURN(Decimal result, OfDecimal(operation, std::get<Decimal>(number)));
  return result;
}

}  // namespace

void AddMathFunctions(FunctionSet* set) {
  constexpr std::pair<std::string_view, Operation> kOperations[] = {
      {"abs", Operation::kAbs},     {"exp", Operation::kExp},     {"log", Operation::kLog},
      {"log10", Operation::kLog10}, {"round", Operation::kRound},
  };
  for (const auto& [name, operation] : kOperations) {
    for (const TypeId type : kNumericTypes) {
      Function function;
      function.name = name;
      function.arguments = {DataType(type)};
      function.result = DataType(type);
      function.call = OfOne(
          [type, operation = operation](std::string_view bytes) -> absl::StatusOr<data::Value> {
            if (bytes.empty()) return data::Value();
            THOLOS_ASSIGN_OR_RETURN(const Number result,
                                    Apply(type, operation, DecodeNumber(type, bytes)));
            return data::Value(EncodeNumber(type, result));
          });
      set->Add(std::move(function));
    }
  }
}

}  // namespace tholos::cql
