// CQL types and their values.
//
// A value is the bytes that the CQL native protocol (version 3 and later) sends for it; null is the
// absence of bytes. The types marked * also have the empty value of no bytes, which Cassandra keeps
// for historical reasons: it is no null, and sorts before every other value. (The Decode functions
// below read it as zero.)
//
//   type         bytes                                      byte-comparable key component
//   ascii        7-bit characters                           escaped: 0x00 as 0x00 0xFF, then 0x00
//                                                           0x00
//   text         UTF-8                                      escaped
//   blob         any                                        escaped
//   boolean*     1: 0 or 1                                  the byte
//   tinyint      1, two's complement                        the same with the sign bit flipped
//   smallint     2, big-endian, two's complement            the same with the sign bit flipped
//   int*         4                                          the same with the sign bit flipped
//   bigint*      8                                          the same with the sign bit flipped
//   counter*     8                                          the same with the sign bit flipped
//   timestamp*   8, milliseconds since 1970                 the same with the sign bit flipped
//   time         8, nanoseconds since midnight              the same with the sign bit flipped
//   date         4, days, 1970-01-01 is 2^31                the same
//   float*       4, IEEE 754 big-endian                     sign flipped if positive, all bits
//   double*      8                                          flipped if negative; NaN sorts last,
//                                                           -0.0 before 0.0
//   varint*      two's complement, big-endian               length and sign, then the bytes
//                                                           (varint.h)
//   decimal*     scale (4), then the unscaled varint        sign, exponent, digits (decimal.h)
//   duration     months, days, nanoseconds as vints         escaped (it has no order: bytewise)
//                (duration.h)
//   inet         4 or 16, or none (the empty value)         escaped
//   uuid*        16                                         version nibble first, then: version 1
//                                                           by its time, others bytewise
//   timeuuid*    16, version 1                              by its time, then by signed bytes
//   list, set    count (4), elements as length (4), bytes   0x40 and the component of each element
//   map          count (4), keys and values likewise        (0x3F alone: the empty one), then 0x00
//   tuple, UDT   fields as length (4; negative: null),      the same, a null field as 0x3E, nulls
//                bytes; those at the end may be missing     at the end left out
//   vector       elements without lengths where their       the components of the elements, as in a
//                size is fixed; else each as its length     list where their size is not fixed
//                (unsigned vint) and bytes
//
// The values of sets and maps are sorted, each element or key once: Validate insists on it, and
// Normalize brings what a client sent into that form.
//
// Compare agrees with memcmp of the key components, which are prefix-free but for the empty value
// of the types marked *: that has no bytes, so whoever joins components writes the marks above.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"

namespace tholos::data {

// The option ids of the CQL native protocol; stored on disk, never reused.
enum class TypeId : uint16_t {
  kVector = 0x0000,  // "custom" there, with the name of Cassandra's class
  kAscii = 0x0001,
  kBigint = 0x0002,
  kBlob = 0x0003,
  kBoolean = 0x0004,
  kCounter = 0x0005,
  kDecimal = 0x0006,
  kDouble = 0x0007,
  kFloat = 0x0008,
  kInt = 0x0009,
  kTimestamp = 0x000B,
  kUuid = 0x000C,
  kText = 0x000D,  // varchar
  kVarint = 0x000E,
  kTimeuuid = 0x000F,
  kInet = 0x0010,
  kDate = 0x0011,
  kTime = 0x0012,
  kSmallint = 0x0013,
  kTinyint = 0x0014,
  kDuration = 0x0015,
  kList = 0x0020,
  kMap = 0x0021,
  kSet = 0x0022,
  kUdt = 0x0030,
  kTuple = 0x0031,
};

// The types without parameters, counter included.
inline constexpr TypeId kSimpleTypes[] = {
    TypeId::kAscii,   TypeId::kBigint, TypeId::kBlob,     TypeId::kBoolean,  TypeId::kCounter,
    TypeId::kDecimal, TypeId::kDouble, TypeId::kFloat,    TypeId::kInt,      TypeId::kTimestamp,
    TypeId::kUuid,    TypeId::kText,   TypeId::kVarint,   TypeId::kTimeuuid, TypeId::kInet,
    TypeId::kDate,    TypeId::kTime,   TypeId::kSmallint, TypeId::kTinyint,  TypeId::kDuration};

using Value = std::optional<std::string>;

struct UserType;

// A regular value, cheap to copy: parameters are shared and immutable. The constructors of types
// with parameters make any combination; type_rules.h knows which ones CQL allows.
class DataType {
 public:
  DataType() = default;          // blob
  explicit DataType(TypeId id);  // one of kSimpleTypes

  // What is inside a frozen type, a tuple or a vector is frozen too.
  static DataType List(DataType element, bool frozen);
  static DataType Set(DataType element, bool frozen);
  static DataType Map(DataType key, DataType value, bool frozen);
  static DataType Tuple(std::vector<DataType> fields);  // always frozen
  static DataType Udt(UserType definition, bool frozen);
  static DataType Vector(DataType element, uint32_t dimension);

  // A simple type by its CQL name ("varchar" is text) or its option id. kInvalidArgument names it
  // otherwise. Any type from its text: type_parser.h.
  static absl::StatusOr<DataType> FromName(std::string_view name);
  static absl::StatusOr<DataType> FromId(uint16_t id);

  TypeId id() const { return id_; }
  // As CQL writes it: "map<text, frozen<list<int>>>", "frozen<address>". Valid as long as this or a
  // copy is.
  std::string_view name() const;

  bool is_simple() const { return parameters_ == nullptr; }
  bool is_collection() const {
    return id_ == TypeId::kList || id_ == TypeId::kSet || id_ == TypeId::kMap;
  }
  // A collection or UDT that is declared frozen, and every tuple. (False for the others: a simple
  // value and a vector are always of one piece.)
  bool frozen() const { return frozen_; }
  // A collection or UDT that is not frozen: a column of the type has a cell for each element.
  bool multi_cell() const { return !frozen_ && (is_collection() || id_ == TypeId::kUdt); }
  // The same type, frozen; of a simple type or a vector, itself.
  DataType Frozen() const;

  // Element; key and value; fields. None for simple types.
  const std::vector<DataType>& arguments() const;
  uint32_t dimension() const;         // vectors
  const UserType& user_type() const;  // UDTs: fields as they were declared
  // 1 for simple types; with all arguments and fields counted, saturating.
  uint32_t depth() const;
  uint32_t nodes() const;
  // Bytes of every value but the empty one, or 0 if they differ.
  size_t fixed_size() const;
  // As fixed_size, but 0 for the types that Cassandra declares to be of variable length, although
  // they are not (date, time, smallint, tinyint): a vector has lengths before those.
  size_t packed_size() const;
  bool has_empty_value() const;      // the types marked * above
  bool References(TypeId id) const;  // this type or one inside it
  bool ReferencesUserType(std::string_view keyspace, std::string_view name) const;

  // OK if `bytes` are a value of this type; kInvalidArgument says what is wrong.
  absl::Status Validate(std::string_view bytes) const;
  // The value that a client's bytes stand for: elements of sets and maps sorted, the last of equal
  // ones kept. kInvalidArgument if they are none.
  absl::StatusOr<std::string> Normalize(std::string bytes) const;
  // Order of two valid values: negative, zero, positive. Agrees with the encoded key components.
  int Compare(std::string_view a, std::string_view b) const;

  // The value as CQL writes it ('it''s', 42, 0xcafe, ['a', 'b'], {x: 1, y: null}, ...).
  std::string ToCqlLiteral(std::string_view bytes) const;
  // The value for people and CSV files: a simple one without quotes. The empty value is "".
  std::string ToDisplay(std::string_view bytes) const;
  // From the text of a CSV field or a quoted literal; for types with parameters, the literal.
  // kInvalidArgument says what was expected.
  absl::StatusOr<std::string> FromText(std::string_view text) const;

  // Key components; see the table above. `descending` complements every byte of the encoding.
  void AppendComparable(std::string_view bytes, bool descending, std::string* out) const;
  // Takes one component from the front of `*in`, and gives the value back. kDataLoss if malformed.
  // No bytes at all are the empty value, where the type has one. Equal values have one form here:
  // the decimals 1.0 and 1.00 come back as 1.
  absl::StatusOr<std::string> TakeComparable(std::string_view* in, bool descending) const;

  // The compact encoding of the type itself, user types with their definitions (type_codec.cc).
  void AppendTo(std::string* out) const;
  // Fails the reader if it is malformed, or breaks kTypeDepthMax or kTypeNodesMax.
  static DataType TakeFrom(base::Reader* in);

  friend bool operator==(const DataType& a, const DataType& b) {
    return a.id_ == b.id_ && a.frozen_ == b.frozen_ &&
           (a.parameters_ == b.parameters_ || SameParameters(a, b));
  }

 private:
  struct Parameters;
  DataType(TypeId id, bool frozen, Parameters parameters);
  static bool SameParameters(const DataType& a, const DataType& b);

  TypeId id_ = TypeId::kBlob;
  bool frozen_ = false;
  std::shared_ptr<const Parameters> parameters_;
};

// list<list<list<...>>>: what a statement or another node may nest.
inline constexpr uint32_t kTypeDepthMax = 32;
// A user type counts with all its fields, wherever it is used: so that few definitions do not
// expand to a type of any size.
inline constexpr uint32_t kTypeNodesMax = 16384;
inline constexpr uint32_t kVectorDimensionMax = 65535;

// The definition of a user type.
struct UserType {
  std::string keyspace;
  std::string name;
  std::vector<std::string> field_names;
  std::vector<DataType> field_types;

  std::optional<size_t> FindField(std::string_view field) const;
  friend bool operator==(const UserType&, const UserType&) = default;
};

// Native values to bytes and back. Those that decode require valid bytes of the type's size, or
// none: zero.
std::string EncodeTinyint(int8_t v);
std::string EncodeSmallint(int16_t v);
std::string EncodeInt(int32_t v);
std::string EncodeBigint(int64_t v);  // timestamp, time and counter too
std::string EncodeBoolean(bool v);
std::string EncodeFloat(float v);
std::string EncodeDouble(double v);
int8_t DecodeTinyint(std::string_view bytes);
int16_t DecodeSmallint(std::string_view bytes);
int32_t DecodeInt(std::string_view bytes);
int64_t DecodeBigint(std::string_view bytes);
bool DecodeBoolean(std::string_view bytes);
float DecodeFloat(std::string_view bytes);
double DecodeDouble(std::string_view bytes);
// "2026-01-31", "2026-01-31 10:00[:00[.000]][+0100]", "2026-01-31T10:00:00Z" or milliseconds.
absl::StatusOr<int64_t> ParseTimestampMillis(std::string_view text);
bool IsValidUtf8(std::string_view bytes);

}  // namespace tholos::data
