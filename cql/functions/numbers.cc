#include "cql/functions/numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"

namespace tholos::cql {

using data::TypeId;

bool IsNumeric(TypeId type) {
  return std::ranges::find(kNumericTypes, type) != std::end(kNumericTypes);
}

Number DecodeNumber(TypeId type, std::string_view bytes) {
  switch (type) {
    case TypeId::kTinyint:
      return int64_t{data::DecodeTinyint(bytes)};
    case TypeId::kSmallint:
      return int64_t{data::DecodeSmallint(bytes)};
    case TypeId::kInt:
      return int64_t{data::DecodeInt(bytes)};
    case TypeId::kBigint:
    case TypeId::kCounter:
      return data::DecodeBigint(bytes);
    case TypeId::kFloat:
      return data::DecodeFloat(bytes);
    case TypeId::kDouble:
      return data::DecodeDouble(bytes);
    case TypeId::kVarint:
      return BigInteger::FromTwosComplement(bytes);
    default:
      THOLOS_CHECK(type == TypeId::kDecimal);
      return Decimal::FromBytes(bytes);
  }
}

std::string EncodeNumber(TypeId type, const Number& number) {
  switch (type) {
    case TypeId::kTinyint:
      return data::EncodeTinyint(static_cast<int8_t>(std::get<int64_t>(number)));
    case TypeId::kSmallint:
      return data::EncodeSmallint(static_cast<int16_t>(std::get<int64_t>(number)));
    case TypeId::kInt:
      return data::EncodeInt(static_cast<int32_t>(std::get<int64_t>(number)));
    case TypeId::kBigint:
    case TypeId::kCounter:
      return data::EncodeBigint(std::get<int64_t>(number));
    case TypeId::kFloat:
      return data::EncodeFloat(std::get<float>(number));
    case TypeId::kDouble:
      return data::EncodeDouble(std::get<double>(number));
    case TypeId::kVarint:
      return std::get<BigInteger>(number).ToTwosComplement();
    default:
      THOLOS_CHECK(type == TypeId::kDecimal);
      return std::get<Decimal>(number).ToBytes();
  }
}

namespace {

double AsDouble(const Number& number) {
  struct Visitor {
    double operator()(int64_t v) const { return static_cast<double>(v); }
    double operator()(float v) const { return v; }
    double operator()(double v) const { return v; }
    double operator()(const BigInteger& v) const { return v.ToDouble(); }
    double operator()(const Decimal& v) const { return cql::ToDouble(v); }
  };
  return std::visit(Visitor(), number);
}

absl::StatusOr<Decimal> AsDecimal(const Number& number) {
  struct Visitor {
    absl::StatusOr<Decimal> operator()(int64_t v) const { return Decimal{BigInteger(v), 0}; }
    absl::StatusOr<Decimal> operator()(float v) const { return DecimalOf(static_cast<double>(v)); }
    absl::StatusOr<Decimal> operator()(double v) const { return DecimalOf(v); }
    absl::StatusOr<Decimal> operator()(const BigInteger& v) const { return Decimal{v, 0}; }
    absl::StatusOr<Decimal> operator()(const Decimal& v) const { return v; }
  };
  return std::visit(Visitor(), number);
}

// As Java converts: NaN is 0, what is out of range the nearest value.
int64_t Saturated(double v, double min, double max) {
  if (std::isnan(v)) return 0;
  if (v <= min) return static_cast<int64_t>(min);
  // 2^63 itself is beyond the largest.
  if (v >= max) {
    return max >= 0x1p63 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(max);
  }
  return static_cast<int64_t>(v);
}

int64_t AsInteger(const Number& number, TypeId to) {
  struct Visitor {
    bool wide;
    int64_t operator()(int64_t v) const { return v; }
    int64_t operator()(float v) const { return (*this)(static_cast<double>(v)); }
    int64_t operator()(double v) const {
      return wide ? Saturated(v, -0x1p63, 0x1p63) : Saturated(v, -0x1p31, 0x1p31 - 1);
    }
    int64_t operator()(const BigInteger& v) const { return LowBits(v); }
    int64_t operator()(const Decimal& v) const {
      return LowBits(ToInteger(v).value_or(BigInteger()));
    }
  };
  return std::visit(Visitor{to == TypeId::kBigint || to == TypeId::kCounter}, number);
}

}  // namespace

absl::StatusOr<Number> Widen(const Number& number, TypeId type) {
  switch (type) {
    case TypeId::kFloat:
      return static_cast<float>(AsDouble(number));
    case TypeId::kDouble:
      return AsDouble(number);
    case TypeId::kVarint:
      if (const auto* v = std::get_if<int64_t>(&number)) return BigInteger(*v);
      return number;
    case TypeId::kDecimal: {
      THOLOS_ASSIGN_OR_RETURN(Decimal v, AsDecimal(number));
      return v;
    }
    default:
      return number;
  }
}

absl::StatusOr<Number> Convert(TypeId from, const Number& number, TypeId to) {
  switch (to) {
    case TypeId::kFloat:
      return static_cast<float>(AsDouble(number));
    case TypeId::kDouble:
      return AsDouble(number);
    case TypeId::kVarint:
      if (from == TypeId::kVarint) return number;
      if (const auto* v = std::get_if<Decimal>(&number)) {
        THOLOS_ASSIGN_OR_RETURN(BigInteger whole, ToInteger(*v));
        return whole;
      }
      return BigInteger(AsInteger(number, TypeId::kBigint));
    case TypeId::kDecimal: {
      if (const auto* v = std::get_if<float>(&number)) {
        THOLOS_ASSIGN_OR_RETURN(Decimal decimal, DecimalOf(*v));
        return decimal;
      }
      THOLOS_ASSIGN_OR_RETURN(Decimal v, AsDecimal(number));
      return v;
    }
    default:
      return AsInteger(number, to);
  }
}

namespace {

// Bytes, or more than any number has.
size_t SizeOf(TypeId type) {
  switch (type) {
    case TypeId::kTinyint:
      return 1;
    case TypeId::kSmallint:
      return 2;
    case TypeId::kInt:
    case TypeId::kFloat:
      return 4;
    case TypeId::kBigint:
    case TypeId::kCounter:
    case TypeId::kDouble:
      return 8;
    default:
      return 16;
  }
}

bool IsFloating(TypeId type) {
  return type == TypeId::kFloat || type == TypeId::kDouble || type == TypeId::kDecimal;
}

}  // namespace

TypeId ResultType(TypeId left, TypeId right) {
  const size_t size = std::max(SizeOf(left), SizeOf(right));
  if (IsFloating(left) || IsFloating(right)) {
    return size <= 4 ? TypeId::kFloat : size == 8 ? TypeId::kDouble : TypeId::kDecimal;
  }
  switch (size) {
    case 1:
      return TypeId::kTinyint;
    case 2:
      return TypeId::kSmallint;
    case 4:
      return TypeId::kInt;
    case 8:
      return TypeId::kBigint;
    default:
      return TypeId::kVarint;
  }
}

namespace {

absl::Status ByZero() { return absl::InvalidArgumentError("/ by zero"); }

absl::StatusOr<Number> OfIntegers(char op, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  switch (op) {
    case '+':
      return static_cast<int64_t>(x + y);
    case '-':
      return static_cast<int64_t>(x - y);
    case '*':
      return static_cast<int64_t>(x * y);
    case '/':
      if (b == 0) return ByZero();
      return b == -1 ? static_cast<int64_t>(0 - x) : a / b;
    default:
      if (b == 0) return ByZero();
      return b == -1 ? int64_t{0} : a % b;
  }
}

template <typename Float>
Float OfFloats(char op, Float a, Float b) {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return std::fmod(a, b);
  }
}

absl::StatusOr<Number> OfBigIntegers(char op, const BigInteger& a, const BigInteger& b) {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*': {
      THOLOS_ASSIGN_OR_RETURN(BigInteger product, Multiply(a, b));
      return product;
    }
    default: {
      if (b.IsZero()) return absl::InvalidArgumentError("BigInteger divide by zero");
      auto [quotient, remainder] = BigInteger::DivMod(a, b);
      return op == '/' ? std::move(quotient) : std::move(remainder);
    }
  }
}

absl::StatusOr<Decimal> OfDecimals(char op, const Decimal& a, const Decimal& b) {
  switch (op) {
    case '+':
      return Add(a, b);
    case '-':
      return Subtract(a, b);
    case '*':
      return Multiply(a, b);
    case '/':
      return Divide(a, b);
    default:
      return Remainder(a, b);
  }
}

}  // namespace

absl::StatusOr<Number> Calculate(char op, const Number& left, const Number& right) {
  THOLOS_CHECK(left.index() == right.index());
  if (const auto* a = std::get_if<int64_t>(&left)) {
    return OfIntegers(op, *a, std::get<int64_t>(right));
  }
  if (const auto* a = std::get_if<float>(&left)) return OfFloats(op, *a, std::get<float>(right));
  if (const auto* a = std::get_if<double>(&left)) return OfFloats(op, *a, std::get<double>(right));
  if (const auto* a = std::get_if<BigInteger>(&left)) {
    return OfBigIntegers(op, *a, std::get<BigInteger>(right));
  }
  THOLOS_ASSIGN_OR_RETURN(Decimal result,
                          OfDecimals(op, std::get<Decimal>(left), std::get<Decimal>(right)));
  return result;
}

}  // namespace tholos::cql
