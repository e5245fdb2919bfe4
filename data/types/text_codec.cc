// Values as text: CQL literals, display, and the strict way back.
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "data/types/data_type.h"
#include "data/types/date.h"
#include "data/types/decimal.h"
#include "data/types/duration.h"
#include "data/types/inet.h"
#include "data/types/literal.h"
#include "data/types/quote_name.h"
#include "data/types/shown.h"
#include "data/types/timestamp.h"
#include "data/types/varint.h"

namespace tholos::data {
namespace {

absl::Status Expected(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(base::StrCat("expected ", what, ", not ", Shown(text)));
}

// The whole text as one number.
template <typename T>
std::errc ParseNumber(std::string_view text, T* v) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *v);
  if (error == std::errc() && end != text.data() + text.size()) return std::errc::invalid_argument;
  return error;
}

template <typename Int>
absl::StatusOr<Int> ParseInteger(std::string_view text) {
  Int v = 0;
  if (ParseNumber(text, &v) != std::errc()) {
    return Expected(base::StrCat("an integer from ", std::numeric_limits<Int>::min(), " to ",
                                 std::numeric_limits<Int>::max()),
                    text);
  }
  return v;
}

// double or float
template <typename T>
absl::StatusOr<T> ParseFloating(std::string_view text, std::string_view type) {
  const bool negative = text.starts_with('-');
  const absl::string_view word = base::ToAbsl(text.substr(negative ? 1 : 0));
  if (!negative && absl::EqualsIgnoreCase(word, "nan")) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  if (absl::EqualsIgnoreCase(word, "infinity")) {
    const T infinity = std::numeric_limits<T>::infinity();
    return negative ? -infinity : infinity;
  }
  T v = 0;
  const std::errc error = ParseNumber(text, &v);
  if (error == std::errc::result_out_of_range) {
    return absl::InvalidArgumentError(base::StrCat(Shown(text), " is out of the range of ", type));
  }
  // Not "inf" and the like, which from_chars takes.
  if (error != std::errc() || !std::isfinite(v)) {
    return Expected("a number, NaN, Infinity or -Infinity", text);
  }
  return v;
}

template <typename T>
std::string FloatingText(T v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), v);
  THOLOS_CHECK(error == std::errc());
  return std::string(buffer, end);
}

absl::StatusOr<std::string> ParseBlob(std::string_view text) {
  constexpr std::string_view kWhat = "0x and an even number of hexadecimal digits";
  if (text.size() % 2 != 0 || !(text.starts_with("0x") || text.starts_with("0X"))) {
    return Expected(kWhat, text);
  }
  std::string bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (size_t i = 2; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return Expected(kWhat, text);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

absl::StatusOr<bool> ParseBoolean(std::string_view text) {
  if (absl::EqualsIgnoreCase(base::ToAbsl(text), "true")) return true;
  if (absl::EqualsIgnoreCase(base::ToAbsl(text), "false")) return false;
  return Expected("true or false", text);
}

absl::StatusOr<base::Uuid> ParseUuid(std::string_view text) {
  absl::StatusOr<base::Uuid> uuid = base::Uuid::Parse(text);
  if (!uuid.ok()) return Expected("a UUID as 8-4-4-4-12 hexadecimal digits", text);
  return uuid;
}

absl::StatusOr<std::string> ParseString(std::string_view text) {
  if (!IsValidUtf8(text)) return Expected("valid UTF-8", text);
  return std::string(text);
}

std::string UuidBytes(const base::Uuid& uuid) { return std::string(uuid.AsBytes()); }

template <typename Parsed, typename Encode>
absl::StatusOr<std::string> Encoded(const Parsed& parsed, Encode encode) {
  if (!parsed.ok()) return parsed.status();
  return encode(*parsed);
}

// Not yet validated.
absl::StatusOr<std::string> BytesOf(const DataType& type, std::string_view text) {
  switch (type.id()) {
    case TypeId::kText:
    case TypeId::kAscii:
      return ParseString(text);
    case TypeId::kBlob:
      return ParseBlob(text);
    case TypeId::kTinyint:
      return Encoded(ParseInteger<int8_t>(text), EncodeTinyint);
    case TypeId::kSmallint:
      return Encoded(ParseInteger<int16_t>(text), EncodeSmallint);
    case TypeId::kInt:
      return Encoded(ParseInteger<int32_t>(text), EncodeInt);
    case TypeId::kBigint:
    case TypeId::kCounter:
      return Encoded(ParseInteger<int64_t>(text), EncodeBigint);
    case TypeId::kVarint:
      return ParseVarint(text);
    case TypeId::kDecimal:
      return Encoded(ParseDecimal(text), [](const Decimal& v) { return v.ToBytes(); });
    case TypeId::kBoolean:
      return Encoded(ParseBoolean(text), EncodeBoolean);
    case TypeId::kFloat:
      return Encoded(ParseFloating<float>(text, "float"), EncodeFloat);
    case TypeId::kDouble:
      return Encoded(ParseFloating<double>(text, "double"), EncodeDouble);
    case TypeId::kTimestamp:
      return Encoded(ParseTimestampMillis(text), EncodeBigint);
    case TypeId::kDate:
      return Encoded(ParseDate(text), EncodeDate);
    case TypeId::kTime:
      return Encoded(ParseTime(text), EncodeBigint);
    case TypeId::kDuration:
      return Encoded(ParseDuration(text), EncodeDuration);
    case TypeId::kInet:
      return ParseInet(text);
    case TypeId::kUuid:
    case TypeId::kTimeuuid:
      return Encoded(ParseUuid(text), UuidBytes);
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      return ParseLiteral(type, text);
  }
  __builtin_unreachable();
}

}  // namespace

std::string DataType::ToDisplay(std::string_view bytes) const {
  if (bytes.empty() && id_ != TypeId::kBlob && is_simple()) return "";
  switch (id_) {
    case TypeId::kText:
    case TypeId::kAscii:
      return std::string(bytes);
    case TypeId::kBlob:
      return base::StrCat("0x", absl::BytesToHexString(base::ToAbsl(bytes)));
    case TypeId::kTinyint:
      return base::StrCat(int{DecodeTinyint(bytes)});
    case TypeId::kSmallint:
      return base::StrCat(DecodeSmallint(bytes));
    case TypeId::kInt:
      return base::StrCat(DecodeInt(bytes));
    case TypeId::kBigint:
    case TypeId::kCounter:
      return base::StrCat(DecodeBigint(bytes));
    case TypeId::kVarint:
      return FormatVarint(bytes);
    case TypeId::kDecimal:
      return FormatDecimal(Decimal::FromBytes(bytes));
    case TypeId::kBoolean:
      return DecodeBoolean(bytes) ? "true" : "false";
    case TypeId::kFloat:
      return FloatingText(DecodeFloat(bytes));
    case TypeId::kDouble:
      return FloatingText(DecodeDouble(bytes));
    case TypeId::kTimestamp:
      return FormatTimestampMillis(DecodeBigint(bytes));
    case TypeId::kDate:
      return FormatDate(DecodeDate(bytes));
    case TypeId::kTime:
      return FormatTime(DecodeBigint(bytes));
    case TypeId::kDuration:
      return FormatDuration(DecodeDuration(bytes).value());
    case TypeId::kInet:
      return FormatInet(bytes);
    case TypeId::kUuid:
    case TypeId::kTimeuuid:
      return base::Uuid::FromBytes(bytes).value().ToString();
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      return FormatLiteral(*this, bytes);
  }
  __builtin_unreachable();
}

std::string DataType::ToCqlLiteral(std::string_view bytes) const {
  std::string text = ToDisplay(bytes);
  return IsQuoted(*this) || text.empty() ? QuoteString(text) : text;
}

absl::StatusOr<std::string> DataType::FromText(std::string_view text) const {
  absl::StatusOr<std::string> bytes = BytesOf(*this, text);
  if (!bytes.ok()) return bytes;
  if (absl::Status valid = Validate(*bytes); !valid.ok()) return valid;
  return bytes;
}

}  // namespace tholos::data
