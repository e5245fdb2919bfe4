#include "cql/analysis/literal.h"

#include <charconv>
#include <limits>

#include "absl/strings/numbers.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using data::TypeId;

std::string_view KindName(Literal::Kind kind) {
  switch (kind) {
    case Literal::Kind::kString:
      return "string";
    case Literal::Kind::kInteger:
      return "integer";
    case Literal::Kind::kFloat:
      return "number";
    case Literal::Kind::kBoolean:
      return "boolean";
    case Literal::Kind::kUuid:
      return "uuid";
    case Literal::Kind::kBlob:
      return "blob";
    case Literal::Kind::kDuration:
      return "duration";
  }
  return "";
}

template <typename Int>
std::optional<Int> ParseInteger(std::string_view text) {
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(const Literal& literal) {
  if (literal.text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (literal.text == "Infinity") return std::numeric_limits<double>::infinity();
  if (literal.text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  if (!absl::SimpleAtod(literal.text, &value)) return std::nullopt;
  return value;
}

std::string Unhex(std::string_view digits) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(nibble(digits[i]) << 4 | nibble(digits[i + 1])));
  }
  return bytes;
}

// Whether a literal of the kind may stand for a value of the type, which reads its text.
bool FitsAsText(Literal::Kind kind, TypeId type) {
  using Kind = Literal::Kind;
  switch (type) {
    case TypeId::kAscii:
    case TypeId::kInet:
      return kind == Kind::kString;
    case TypeId::kDate:
    case TypeId::kTime:
      return kind == Kind::kString || kind == Kind::kInteger;
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kVarint:
      return kind == Kind::kInteger;
    case TypeId::kDecimal:
    case TypeId::kFloat:
      return kind == Kind::kInteger || kind == Kind::kFloat;
    case TypeId::kTimeuuid:
      return kind == Kind::kUuid;
    case TypeId::kDuration:
      return kind == Kind::kDuration;
    default:
      return false;
  }
}

}  // namespace

std::string ShowLiteral(const Literal& literal) {
  return base::StrCat(KindName(literal.kind), " ", Abbreviate(ToCql(Term{literal})));
}

absl::StatusOr<std::optional<std::string>> ConvertLiteral(const Literal& literal,
                                                          const data::DataType& type) {
  using Kind = Literal::Kind;
  using Bytes = std::optional<std::string>;
  const Kind kind = literal.kind;
  switch (type.id()) {
    case TypeId::kText:
      if (kind == Kind::kString) return Bytes(literal.text);
      break;
    case TypeId::kBlob:
      if (kind == Kind::kBlob) return Bytes(Unhex(literal.text));
      break;
    case TypeId::kBoolean:
      if (kind == Kind::kBoolean) return Bytes(data::EncodeBoolean(literal.text == "true"));
      break;
    case TypeId::kInt:
      if (kind != Kind::kInteger) break;
      if (const auto v = ParseInteger<int32_t>(literal.text)) return Bytes(data::EncodeInt(*v));
      return absl::InvalidArgumentError("out of range");
    case TypeId::kTimestamp:
      if (kind == Kind::kString) {
        const absl::StatusOr<int64_t> millis = data::ParseTimestampMillis(literal.text);
        if (!millis.ok()) return millis.status();
        return Bytes(data::EncodeBigint(*millis));
      }
      [[fallthrough]];
    case TypeId::kCounter:
    case TypeId::kBigint:
      if (kind != Kind::kInteger) break;
      if (const auto v = ParseInteger<int64_t>(literal.text)) return Bytes(data::EncodeBigint(*v));
      return absl::InvalidArgumentError("out of range");
    case TypeId::kDouble:
      if (kind != Kind::kInteger && kind != Kind::kFloat) break;
      if (const auto v = ParseDouble(literal)) return Bytes(data::EncodeDouble(*v));
      return absl::InvalidArgumentError("not a number");
    case TypeId::kUuid: {
      if (kind != Kind::kUuid) break;
      const absl::StatusOr<base::Uuid> uuid = base::Uuid::Parse(literal.text);
      if (!uuid.ok()) return uuid.status();
      return Bytes(std::string(uuid->AsBytes()));
    }
    default: {
      if (!FitsAsText(kind, type.id())) break;
      absl::StatusOr<std::string> bytes = type.FromText(literal.text);
      if (!bytes.ok()) return bytes.status();
      return Bytes(*std::move(bytes));
    }
  }
  return Bytes();
}

}  // namespace tholos::cql
