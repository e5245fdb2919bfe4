// CQL types and their values.
//
// A value is the bytes that the CQL native protocol sends for it (big-endian integers, UTF-8 text,
// ...); null is the absence of bytes. Empty bytes are a value of text and blob, and an error for
// the others.
//
//   type       bytes                           byte-comparable key component (ascending)
//   text       UTF-8                           bytes with 0x00 escaped as 0x00 0xFF, then 0x00 0x00
//   blob       any                             the same
//   int        4, big-endian, two's complement the same with the sign bit flipped
//   bigint     8, big-endian                   the same with the sign bit flipped
//   timestamp  8, milliseconds since 1970      the same with the sign bit flipped
//   boolean    1: 0 or 1                       the byte
//   double     8, IEEE 754 big-endian          sign flipped if positive, all bits flipped if
//   negative;
//                                              NaN sorts last; -0.0 before 0.0
//   uuid       16                              version nibble first, then: version 1 by its time,
//   others bytewise
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::data {

// The option ids of the CQL native protocol; stored on disk, never reused.
enum class TypeId : uint16_t {
  kBigint = 0x0002,
  kBlob = 0x0003,
  kBoolean = 0x0004,
  kDouble = 0x0007,
  kInt = 0x0009,
  kTimestamp = 0x000B,
  kUuid = 0x000C,
  kText = 0x000D,
};

using Value = std::optional<std::string>;

// A regular value; parametrised types will carry their parameters here.
class DataType {
 public:
  constexpr DataType() = default;
  constexpr explicit DataType(TypeId id) : id_(id) {}

  // A type by its CQL name ("varchar" is text). kInvalidArgument names it otherwise.
  static absl::StatusOr<DataType> FromName(std::string_view name);
  static absl::StatusOr<DataType> FromId(uint16_t id);

  TypeId id() const { return id_; }
  std::string_view name() const;

  // OK if `bytes` are a value of this type; kInvalidArgument says what is wrong.
  absl::Status Validate(std::string_view bytes) const;
  // Order of two valid values: negative, zero, positive. Agrees with the encoded key components.
  int Compare(std::string_view a, std::string_view b) const;

  // The value as CQL writes it ('it''s', 42, 0xcafe, 2026-01-31 10:00:00.000+0000 in quotes, ...).
  std::string ToCqlLiteral(std::string_view bytes) const;
  // The value for people and CSV files: as above, without quotes.
  std::string ToDisplay(std::string_view bytes) const;
  // From the text of a CSV field or a quoted literal. kInvalidArgument says what was expected.
  absl::StatusOr<std::string> FromText(std::string_view text) const;

  // Key components; see the table above. `descending` complements every byte of the encoding.
  void AppendComparable(std::string_view bytes, bool descending, std::string* out) const;
  // Takes one component from the front of `*in`, and gives the value back. kDataLoss if malformed.
  absl::StatusOr<std::string> TakeComparable(std::string_view* in, bool descending) const;

  friend bool operator==(DataType, DataType) = default;

 private:
  TypeId id_ = TypeId::kBlob;
};

// Native values to bytes and back. The From functions require valid bytes of the type's size.
std::string EncodeInt(int32_t v);
std::string EncodeBigint(int64_t v);  // timestamp too
std::string EncodeBoolean(bool v);
std::string EncodeDouble(double v);
int32_t DecodeInt(std::string_view bytes);
int64_t DecodeBigint(std::string_view bytes);
bool DecodeBoolean(std::string_view bytes);
double DecodeDouble(std::string_view bytes);
// "2026-01-31", "2026-01-31 10:00[:00[.000]][+0100]", "2026-01-31T10:00:00Z" or milliseconds.
absl::StatusOr<int64_t> ParseTimestampMillis(std::string_view text);
bool IsValidUtf8(std::string_view bytes);

}  // namespace tholos::data
