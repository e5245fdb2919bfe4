// The values of decimal: scale (4 bytes, two's complement), then an unscaled integer as varint.
// The value is unscaled * 10^-scale; 1.0 and 1.00 are two values that compare equal.
//
// Key component. A number that is not 0 is +-0.d1d2d3... * 10^E, with d1 and the last digit not 0:
//
//   zero        0x80
//   positive    0xC0 | exponent | digits | 0x00
//   negative    0x40 | the complement of exponent, digits, 0x00
//   exponent    0x80 + E (1 byte, |E| < 0x40), or for a smaller or larger one 0x00 or 0xFF and
//               E + 2^39 (5, big-endian)
//   digits      a byte for each two: 1 + their number (0 to 99), the last filled up with a 0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/types/big_integer.h"

namespace tholos::data {

// 2,400 digits: comparing two decimals of different scales goes through decimal digits, at
// quadratic cost.
inline constexpr size_t kUnscaledBytesMax = 1024;

struct Decimal {
  BigInteger unscaled;
  int32_t scale = 0;

  // Valid bytes; none are 0.
  static Decimal FromBytes(std::string_view bytes);
  std::string ToBytes() const;
};

// "-1.50", ".5", "15e-1", "1E+3". kInvalidArgument if it is something else, or out of range.
absl::StatusOr<Decimal> ParseDecimal(std::string_view text);
// 1.50; with an exponent (1.5E+300) where the scale is beyond +-100, as Cassandra does.
std::string FormatDecimal(const Decimal& v);

absl::Status ValidateDecimal(std::string_view bytes);
int CompareDecimals(std::string_view a, std::string_view b);
void AppendComparableDecimal(std::string_view bytes, std::string* out);
// `flip` is 0xFF where the encoding is complemented, 0 elsewhere. kDataLoss if malformed. Gives the
// value without zeros at its end; an integer of up to 40 digits in plain digits.
absl::StatusOr<std::string> TakeComparableDecimal(std::string_view* in, char flip);

}  // namespace tholos::data
