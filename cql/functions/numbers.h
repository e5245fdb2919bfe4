// Values of the numeric types, for arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "cql/functions/big_decimal.h"
#include "data/types/data_type.h"

namespace tholos::cql {

//   tinyint, smallint, int, bigint, counter   int64_t
//   float, double                             the same
//   varint                                    BigInteger
//   decimal                                   Decimal
using Number = std::variant<int64_t, float, double, BigInteger, Decimal>;

inline constexpr data::TypeId kNumericTypes[] = {
    data::TypeId::kTinyint, data::TypeId::kSmallint, data::TypeId::kInt,
    data::TypeId::kBigint,  data::TypeId::kFloat,    data::TypeId::kDouble,
    data::TypeId::kDecimal, data::TypeId::kVarint,   data::TypeId::kCounter};

bool IsNumeric(data::TypeId type);

// `bytes` are a value of the type; empty ones are zero.
Number DecodeNumber(data::TypeId type, std::string_view bytes);
// Requires the type's alternative. Integers lose the bits that the type has not.
std::string EncodeNumber(data::TypeId type, const Number& number);

// The number as one of a type that is at least as wide: what arithmetic does with its operands.
// kInvalidArgument for NaN and infinity as a decimal.
absl::StatusOr<Number> Widen(const Number& number, data::TypeId type);
// The number as one of any type, as CAST does: fractions are cut off, floats beyond the range of an
// integer become its nearest value, integers and decimals lose their upper bits.
absl::StatusOr<Number> Convert(data::TypeId from, const Number& number, data::TypeId to);

// The type of `left op right`: the wider one; a float beside an integer that is wider makes a
// double, beside a varint a decimal.
data::TypeId ResultType(data::TypeId left, data::TypeId right);
// Operands of type `type`'s alternative; integers wrap around. kInvalidArgument "/ by zero".
absl::StatusOr<Number> Calculate(char op, const Number& left, const Number& right);

}  // namespace tholos::cql
