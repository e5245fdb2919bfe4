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
#include "data/types/shown.h"
#include "data/types/timestamp.h"

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

absl::StatusOr<double> ParseDouble(std::string_view text) {
  const bool negative = text.starts_with('-');
  const absl::string_view word = base::ToAbsl(text.substr(negative ? 1 : 0));
  if (!negative && absl::EqualsIgnoreCase(word, "nan")) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (absl::EqualsIgnoreCase(word, "infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  double v = 0;
  const std::errc error = ParseNumber(text, &v);
  if (error == std::errc::result_out_of_range) {
    return absl::InvalidArgumentError(base::StrCat(Shown(text), " is out of the range of double"));
  }
  // Not "inf" and the like, which from_chars takes.
  if (error != std::errc() || !std::isfinite(v)) {
    return Expected("a number, NaN, Infinity or -Infinity", text);
  }
  return v;
}

std::string DoubleText(double v) {
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

std::string QuoteString(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out.push_back(c);
    out.push_back(c);
  }
  return out + "'";
}

}  // namespace

std::string DataType::ToDisplay(std::string_view bytes) const {
  switch (id_) {
    case TypeId::kText:
      return std::string(bytes);
    case TypeId::kBlob:
      return base::StrCat("0x", absl::BytesToHexString(base::ToAbsl(bytes)));
    case TypeId::kInt:
      return base::StrCat(DecodeInt(bytes));
    case TypeId::kBigint:
      return base::StrCat(DecodeBigint(bytes));
    case TypeId::kBoolean:
      return DecodeBoolean(bytes) ? "true" : "false";
    case TypeId::kDouble:
      return DoubleText(DecodeDouble(bytes));
    case TypeId::kTimestamp:
      return FormatTimestampMillis(DecodeBigint(bytes));
    case TypeId::kUuid:
      return base::Uuid::FromBytes(bytes).value().ToString();
  }
  __builtin_unreachable();
}

std::string DataType::ToCqlLiteral(std::string_view bytes) const {
  std::string text = ToDisplay(bytes);
  if (id_ == TypeId::kText || id_ == TypeId::kTimestamp) return QuoteString(text);
  return text;
}

absl::StatusOr<std::string> DataType::FromText(std::string_view text) const {
  const auto encoded = [](const auto& parsed, auto encode) -> absl::StatusOr<std::string> {
    if (!parsed.ok()) return parsed.status();
    return encode(*parsed);
  };
  switch (id_) {
    case TypeId::kText:
      if (!IsValidUtf8(text)) return Expected("valid UTF-8", text);
      return std::string(text);
    case TypeId::kBlob:
      return ParseBlob(text);
    case TypeId::kInt:
      return encoded(ParseInteger<int32_t>(text), EncodeInt);
    case TypeId::kBigint:
      return encoded(ParseInteger<int64_t>(text), EncodeBigint);
    case TypeId::kBoolean:
      return encoded(ParseBoolean(text), EncodeBoolean);
    case TypeId::kDouble:
      return encoded(ParseDouble(text), EncodeDouble);
    case TypeId::kTimestamp:
      return encoded(ParseTimestampMillis(text), EncodeBigint);
    case TypeId::kUuid: {
      const absl::StatusOr<base::Uuid> uuid = base::Uuid::Parse(text);
      if (!uuid.ok()) {
        return Expected("a UUID as 8-4-4-4-12 hexadecimal digits", text);
      }
      return std::string(uuid->AsBytes());
    }
  }
  __builtin_unreachable();
}

}  // namespace tholos::data
