#include "data/types/decimal.h"

#include <charconv>
#include <limits>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/shown.h"
#include "data/types/varint.h"

namespace tholos::data {
namespace {

constexpr size_t kScaleBytes = 4;
constexpr int64_t kPlainScaleMax = 100;
constexpr size_t kDigitsMax = kUnscaledBytesMax * 5 / 2;
constexpr size_t kPlainIntegerDigits = 40;

constexpr uint8_t kNegative = 0x40;
constexpr uint8_t kZero = 0x80;
constexpr uint8_t kPositive = 0xC0;
constexpr int64_t kShortExponent = 0x40;  // |E| below it
constexpr int64_t kLongBias = int64_t{1} << 39;
constexpr size_t kLongBytes = 5;

// +-0.DIGITS * 10^exponent without zeros at either end; 0 has no digits.
struct Normal {
  bool negative = false;
  int64_t exponent = 0;
  std::string digits;
};

Normal NormalOf(const Decimal& v) {
  Normal out;
  out.negative = v.unscaled.IsNegative();
  if (v.unscaled.IsZero()) return out;
  out.digits = v.unscaled.ToDecimal();
  if (out.negative) out.digits.erase(0, 1);
  out.exponent = static_cast<int64_t>(out.digits.size()) - v.scale;
  out.digits.resize(out.digits.find_last_not_of('0') + 1);
  return out;
}

int Sign(const BigInteger& v) { return v.IsZero() ? 0 : v.IsNegative() ? -1 : 1; }

absl::Status Malformed() { return absl::DataLossError("malformed key component"); }

absl::Status OutOfRange(std::string_view text) {
  return absl::InvalidArgumentError(base::StrCat(Shown(text), " is out of the range of decimal"));
}

}  // namespace

Decimal Decimal::FromBytes(std::string_view bytes) {
  if (bytes.size() < kScaleBytes) return {};
  return {BigInteger::FromTwosComplement(bytes.substr(kScaleBytes)),
          static_cast<int32_t>(base::LoadBigEndian32(bytes.data()))};
}

std::string Decimal::ToBytes() const {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(scale));
  out += unscaled.ToTwosComplement();
  return out;
}

absl::StatusOr<Decimal> ParseDecimal(std::string_view text) {
  const auto expected = [text] {
    return absl::InvalidArgumentError(base::StrCat("expected a decimal number, not ", Shown(text)));
  };
  const size_t e = text.find_first_of("eE");
  std::string digits(text.substr(0, e));
  int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view rest = text.substr(e + 1);
    if (rest.starts_with('+') && rest.size() > 1 && rest[1] != '-') rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (error == std::errc::result_out_of_range) return OutOfRange(text);
    if (error != std::errc() || end != rest.data() + rest.size()) return expected();
    if (exponent > int64_t{1} << 40 || exponent < -(int64_t{1} << 40)) return OutOfRange(text);
  }
  if (digits.starts_with('+')) return expected();
  int64_t scale = -exponent;
  if (const size_t dot = digits.find('.'); dot != std::string::npos) {
    scale += static_cast<int64_t>(digits.size() - dot - 1);
    digits.erase(dot, 1);
  }
  if (digits.size() > kDigitsMax) return OutOfRange(text);
  std::optional<BigInteger> unscaled = BigInteger::FromDecimal(digits);
  if (!unscaled.has_value()) return expected();
  if (scale < std::numeric_limits<int32_t>::min() || scale > std::numeric_limits<int32_t>::max()) {
    return OutOfRange(text);
  }
  Decimal v{*std::move(unscaled), static_cast<int32_t>(scale)};
  if (v.unscaled.ToTwosComplement().size() > kUnscaledBytesMax) return OutOfRange(text);
  return v;
}

std::string FormatDecimal(const Decimal& v) {
  std::string digits = v.unscaled.ToDecimal();
  const std::string_view sign = v.unscaled.IsNegative() ? "-" : "";
  if (!sign.empty()) digits.erase(0, 1);
  const int64_t scale = v.scale;
  const auto size = static_cast<int64_t>(digits.size());
  if (scale > kPlainScaleMax || scale < -kPlainScaleMax) {
    const int64_t exponent = size - 1 - scale;
    if (digits.size() > 1) digits.insert(1, ".");
    if (exponent == 0) return base::StrCat(sign, digits);
    return base::StrCat(sign, digits, exponent < 0 ? "E" : "E+", exponent);
  }
  if (scale <= 0) {
    if (!v.unscaled.IsZero()) digits.append(static_cast<size_t>(-scale), '0');
    return base::StrCat(sign, digits);
  }
  if (size <= scale) digits.insert(0, static_cast<size_t>(scale - size + 1), '0');
  digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return base::StrCat(sign, digits);
}

absl::Status ValidateDecimal(std::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (bytes.size() <= kScaleBytes) {
    return absl::InvalidArgumentError(
        base::StrCat("decimal takes 5 bytes or more, not ", bytes.size()));
  }
  if (bytes.size() > kScaleBytes + kUnscaledBytesMax) {
    return absl::InvalidArgumentError(base::StrCat(
        "decimal takes ", kScaleBytes + kUnscaledBytesMax, " bytes at most, not ", bytes.size()));
  }
  return absl::OkStatus();
}

int CompareDecimals(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() ? (b.empty() ? 0 : -1) : 1;
  if (a.substr(0, kScaleBytes) == b.substr(0, kScaleBytes)) {
    return CompareVarints(a.substr(kScaleBytes), b.substr(kScaleBytes));
  }
  const Decimal x = Decimal::FromBytes(a);
  const Decimal y = Decimal::FromBytes(b);
  if (const int sign = Sign(x.unscaled); sign != Sign(y.unscaled) || sign == 0) {
    return sign - Sign(y.unscaled);
  }
  const Normal m = NormalOf(x);
  const Normal n = NormalOf(y);
  const int order =
      m.exponent != n.exponent ? (m.exponent < n.exponent ? -1 : 1) : m.digits.compare(n.digits);
  return m.negative ? -order : order;
}

void AppendComparableDecimal(std::string_view bytes, std::string* out) {
  const Normal v = NormalOf(Decimal::FromBytes(bytes));
  if (v.digits.empty()) {
    out->push_back(static_cast<char>(kZero));
    return;
  }
  out->push_back(static_cast<char>(v.negative ? kNegative : kPositive));
  const size_t start = out->size();
  if (v.exponent > -kShortExponent && v.exponent < kShortExponent) {
    out->push_back(static_cast<char>(0x80 + v.exponent));
  } else {
    out->push_back(v.exponent < 0 ? '\0' : '\xFF');
    std::string biased;
    base::PutBigEndian64(&biased, static_cast<uint64_t>(v.exponent + kLongBias));
    out->append(biased, 8 - kLongBytes);
  }
  for (size_t i = 0; i < v.digits.size(); i += 2) {
    const int tens = v.digits[i] - '0';
    const int ones = i + 1 < v.digits.size() ? v.digits[i + 1] - '0' : 0;
    out->push_back(static_cast<char>(1 + 10 * tens + ones));
  }
  out->push_back('\0');
  if (!v.negative) return;
  for (size_t i = start; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
}

namespace {

// The exponent of a component; nothing if it is cut short, or would have been written otherwise.
std::optional<int64_t> TakeExponent(std::string_view* in, char flip) {
  if (in->empty()) return std::nullopt;
  const auto head = static_cast<uint8_t>(in->front() ^ flip);
  in->remove_prefix(1);
  if (head != 0 && head != 0xFF) {
    const int64_t exponent = int64_t{head} - 0x80;
    if (exponent <= -kShortExponent || exponent >= kShortExponent) return std::nullopt;
    return exponent;
  }
  if (in->size() < kLongBytes) return std::nullopt;
  int64_t exponent = 0;
  for (size_t i = 0; i < kLongBytes; ++i) {
    exponent = exponent << 8 | static_cast<uint8_t>((*in)[i] ^ flip);
  }
  in->remove_prefix(kLongBytes);
  exponent -= kLongBias;
  const bool as_written = head == 0 ? exponent <= -kShortExponent : exponent >= kShortExponent;
  return as_written ? std::optional<int64_t>(exponent) : std::nullopt;
}

// Up to the 0x00, without zeros at their ends; nothing if they are not as they should be.
std::optional<std::string> TakeDigits(std::string_view* in, char flip) {
  std::string digits;
  while (!in->empty()) {
    const auto pair = static_cast<uint8_t>(in->front() ^ flip);
    in->remove_prefix(1);
    if (pair == 0) {
      if (digits.empty() || digits.front() == '0') return std::nullopt;
      if (digits.ends_with("00")) return std::nullopt;
      if (digits.back() == '0') digits.pop_back();
      return digits;
    }
    if (pair > 100 || digits.size() > kDigitsMax) return std::nullopt;
    digits.push_back(static_cast<char>('0' + (pair - 1) / 10));
    digits.push_back(static_cast<char>('0' + (pair - 1) % 10));
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::string> TakeComparableDecimal(std::string_view* in, char flip) {
  if (in->empty()) return Malformed();
  const auto head = static_cast<uint8_t>(in->front() ^ flip);
  in->remove_prefix(1);
  if (head == kZero) return Decimal().ToBytes();
  if (head != kPositive && head != kNegative) return Malformed();
  if (head == kNegative) flip = static_cast<char>(~flip);
  const std::optional<int64_t> exponent = TakeExponent(in, flip);
  if (!exponent.has_value()) return Malformed();
  std::optional<std::string> digits = TakeDigits(in, flip);
  if (!digits.has_value()) return Malformed();
  int64_t scale = static_cast<int64_t>(digits->size()) - *exponent;
  if (scale < 0 && *exponent <= static_cast<int64_t>(kPlainIntegerDigits)) {
    digits->append(static_cast<size_t>(-scale), '0');
    scale = 0;
  }
  if (scale < std::numeric_limits<int32_t>::min()) {
    // 10^(2^31) and 10 * 10^(2^31 - 1) are one value: zeros bring the scale into its range.
    const int64_t zeros = std::numeric_limits<int32_t>::min() - scale;
    if (zeros > static_cast<int64_t>(kDigitsMax)) return Malformed();
    digits->append(static_cast<size_t>(zeros), '0');
    scale += zeros;
  }
  if (scale > std::numeric_limits<int32_t>::max()) return Malformed();
  if (head == kNegative) digits->insert(0, "-");
  std::string bytes =
      Decimal{*BigInteger::FromDecimal(*digits), static_cast<int32_t>(scale)}.ToBytes();
  if (!ValidateDecimal(bytes).ok()) return Malformed();
  return bytes;
}

}  // namespace tholos::data
