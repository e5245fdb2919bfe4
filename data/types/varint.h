// The values of varint: two's complement, big-endian, in any number of bytes up to a bound.
// Clients may send more bytes than the number needs; they are equal to the minimal ones.
//
// Key component, with n the number of minimal bytes:
//
//   negative    0x80 - n (n <= 61), or 0x41 and the complement of n (2, big-endian); the bytes
//   others      0x80 + n (n <= 61), or 0xBF and n (2, big-endian); the bytes
//
// Of two numbers of one sign, the longer is the further from zero; two of one length and sign
// compare as their bytes do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::data {

// 9,800 decimal digits. Decimal digits cost quadratic time: this keeps them below some
// milliseconds.
inline constexpr size_t kVarintBytesMax = 4096;

// Without the leading bytes that only repeat the sign; no bytes stay none.
std::string_view MinimalVarint(std::string_view bytes);
int CompareVarints(std::string_view a, std::string_view b);
void AppendComparableVarint(std::string_view bytes, std::string* out);
// `flip` is 0xFF where the encoding is complemented, 0 elsewhere. kDataLoss if malformed.
absl::StatusOr<std::string> TakeComparableVarint(std::string_view* in, char flip);
// An integer in decimal digits.
absl::StatusOr<std::string> ParseVarint(std::string_view text);
std::string FormatVarint(std::string_view bytes);

}  // namespace tholos::data
