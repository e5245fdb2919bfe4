// Byte-comparable key components and the order that they encode (table in data_type.h).
//
// Every encoding is prefix-free: fixed in size, with its length in front, or ended by what it
// cannot contain (0x00 0x00 after escaped bytes, 0x00 where a mark would stand). So components may
// follow one another, and complementing every byte exactly reverses the order.
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "data/types/comparable_parts.h"
#include "data/types/data_type.h"
#include "data/types/decimal.h"
#include "data/types/type_info.h"
#include "data/types/varint.h"

namespace tholos::data {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint64_t kSignBits = 0x8080808080808080;  // of each byte
constexpr uint32_t kFloatSignBit = uint32_t{1} << 31;
constexpr uint64_t kCanonicalNan = 0x7FF8000000000000;
constexpr uint32_t kCanonicalFloatNan = 0x7FC00000;

void Complement(char* begin, char* end) {
  for (char* p = begin; p != end; ++p) *p = static_cast<char>(~*p);
}

// Doubles as unsigned numbers of the same order. All NaNs are one value: the largest.
uint64_t OrderedBits(double v) {
  const uint64_t bits = v != v ? kCanonicalNan : std::bit_cast<uint64_t>(v);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

double FromOrderedBits(uint64_t ordered) {
  return std::bit_cast<double>((ordered & kSignBit) != 0 ? ordered ^ kSignBit : ~ordered);
}

uint32_t OrderedBits(float v) {
  const uint32_t bits = v != v ? kCanonicalFloatNan : std::bit_cast<uint32_t>(v);
  return (bits & kFloatSignBit) != 0 ? ~bits : bits | kFloatSignBit;
}

float FromOrderedBits(uint32_t ordered) {
  return std::bit_cast<float>((ordered & kFloatSignBit) != 0 ? ordered ^ kFloatSignBit : ~ordered);
}

// The first half of a UUID, bits in network order:
//
//   as stored    time_low 32 | time_mid 16 | version 4 | time_high 12
//   comparable   version 4 | time_high 12 | time_mid 16 | time_low 32    version 1
//                version 4 | time_low 32 | time_mid 16 | time_high 12    others
constexpr uint64_t kTimeUuid = 1;
constexpr uint64_t kPayloadMask = ~uint64_t{0} >> 4;

uint64_t ComparableUuidHead(uint64_t head) {
  const uint64_t version = (head >> 12) & 0xF;
  const uint64_t time_low = head >> 32;
  const uint64_t time_mid = (head >> 16) & 0xFFFF;
  const uint64_t time_high = head & 0xFFF;
  const uint64_t payload = version == kTimeUuid ? time_high << 48 | time_mid << 32 | time_low
                                                : time_low << 28 | time_mid << 12 | time_high;
  return version << 60 | payload;
}

uint64_t UuidHeadFromComparable(uint64_t comparable) {
  const uint64_t version = comparable >> 60;
  const uint64_t payload = comparable & kPayloadMask;
  if (version == kTimeUuid) {
    return (payload & 0xFFFFFFFF) << 32 | ((payload >> 32) & 0xFFFF) << 16 | version << 12 |
           payload >> 48;
  }
  return (payload >> 28) << 32 | ((payload >> 12) & 0xFFFF) << 16 | version << 12 |
         (payload & 0xFFF);
}

void AppendEscaped(std::string_view bytes, std::string* out) {
  while (true) {
    const size_t zero = bytes.find('\0');
    out->append(bytes.substr(0, zero));
    if (zero == std::string_view::npos) break;
    out->append("\0\xFF", 2);
    bytes.remove_prefix(zero + 1);
  }
  out->append("\0\0", 2);
}

absl::Status Malformed() { return absl::DataLossError("malformed key component"); }

// `flip` is 0xFF where the encoding is complemented, 0 elsewhere.
absl::StatusOr<std::string> TakeEscaped(std::string_view* in, char flip) {
  std::string value;
  for (size_t i = 0; i + 1 < in->size();) {
    const char c = (*in)[i] ^ flip;
    if (c != '\0') {
      value.push_back(c);
      ++i;
      continue;
    }
    const char next = (*in)[i + 1] ^ flip;
    i += 2;
    if (next == '\0') {
      in->remove_prefix(i);
      return value;
    }
    if (next != '\xFF') return Malformed();
    value.push_back('\0');
  }
  return Malformed();
}

absl::StatusOr<std::string> TakeFixed(std::string_view* in, size_t size, char flip) {
  if (in->size() < size) return Malformed();
  std::string bytes(in->substr(0, size));
  in->remove_prefix(size);
  if (flip != 0) Complement(bytes.data(), bytes.data() + size);
  return bytes;
}

int Sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

template <typename T>
int CompareNumbers(T a, T b) {
  return Sign(a < b, b < a);
}

uint64_t LowHalf(std::string_view uuid, bool signed_bytes) {
  return base::LoadBigEndian64(uuid.data() + 8) ^ (signed_bytes ? kSignBits : 0);
}

// Of 16 bytes each. The second half of a timeuuid compares by signed bytes.
int CompareUuids(std::string_view a, std::string_view b, bool time) {
  THOLOS_CHECK(a.size() == 16 && b.size() == 16);
  const uint64_t head_a = ComparableUuidHead(base::LoadBigEndian64(a.data()));
  const uint64_t head_b = ComparableUuidHead(base::LoadBigEndian64(b.data()));
  if (head_a != head_b) return CompareNumbers(head_a, head_b);
  return CompareNumbers(LowHalf(a, time), LowHalf(b, time));
}

void AppendComparableUuid(std::string_view bytes, bool time, std::string* out) {
  THOLOS_CHECK(bytes.size() == 16) << bytes.size();
  base::PutBigEndian64(out, ComparableUuidHead(base::LoadBigEndian64(bytes.data())));
  base::PutBigEndian64(out, LowHalf(bytes, time));
}

absl::StatusOr<std::string> TakeComparableUuid(std::string_view* in, bool time, char flip) {
  absl::StatusOr<std::string> value = TakeFixed(in, 16, flip);
  if (!value.ok()) return value;
  std::string uuid;
  base::PutBigEndian64(&uuid, UuidHeadFromComparable(base::LoadBigEndian64(value->data())));
  base::PutBigEndian64(&uuid, LowHalf(*value, time));
  return uuid;
}

// A number whose sign bit is flipped.
absl::StatusOr<std::string> TakeSigned(std::string_view* in, size_t size, char flip) {
  absl::StatusOr<std::string> value = TakeFixed(in, size, flip);
  if (value.ok()) (*value)[0] ^= '\x80';
  return value;
}

// A NaN that is not the canonical one has no encoding of its own.
absl::StatusOr<std::string> TakeDouble(std::string_view* in, char flip) {
  absl::StatusOr<std::string> value = TakeFixed(in, 8, flip);
  if (!value.ok()) return value;
  const uint64_t ordered = base::LoadBigEndian64(value->data());
  const double number = FromOrderedBits(ordered);
  if (OrderedBits(number) != ordered) return Malformed();
  return EncodeDouble(number);
}

absl::StatusOr<std::string> TakeFloat(std::string_view* in, char flip) {
  absl::StatusOr<std::string> value = TakeFixed(in, 4, flip);
  if (!value.ok()) return value;
  const uint32_t ordered = base::LoadBigEndian32(value->data());
  const float number = FromOrderedBits(ordered);
  if (OrderedBits(number) != ordered) return Malformed();
  return EncodeFloat(number);
}

}  // namespace

int DataType::Compare(std::string_view a, std::string_view b) const {
  if (a.empty() || b.empty()) {
    // Of a tuple, no bytes are fields that are all null.
    if (id_ == TypeId::kTuple || id_ == TypeId::kUdt) return CompareParts(*this, a, b);
    return CompareNumbers(a.size(), b.size());
  }
  switch (id_) {
    case TypeId::kText:
    case TypeId::kBlob:
    case TypeId::kAscii:
    case TypeId::kInet:
    case TypeId::kDate:
    case TypeId::kDuration:
      return CompareNumbers(a, b);
    case TypeId::kInt:
      return CompareNumbers(DecodeInt(a), DecodeInt(b));
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTime:
    case TypeId::kCounter:
      return CompareNumbers(DecodeBigint(a), DecodeBigint(b));
    case TypeId::kSmallint:
      return CompareNumbers(DecodeSmallint(a), DecodeSmallint(b));
    case TypeId::kTinyint:
      return CompareNumbers(DecodeTinyint(a), DecodeTinyint(b));
    case TypeId::kBoolean:
      return CompareNumbers(DecodeBoolean(a), DecodeBoolean(b));
    case TypeId::kFloat:
      return CompareNumbers(OrderedBits(DecodeFloat(a)), OrderedBits(DecodeFloat(b)));
    case TypeId::kDouble:
      return CompareNumbers(OrderedBits(DecodeDouble(a)), OrderedBits(DecodeDouble(b)));
    case TypeId::kUuid:
      return CompareUuids(a, b, false);
    case TypeId::kTimeuuid:
      return CompareUuids(a, b, true);
    case TypeId::kVarint:
      return CompareVarints(a, b);
    case TypeId::kDecimal:
      return CompareDecimals(a, b);
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      return CompareParts(*this, a, b);
  }
  __builtin_unreachable();
}

void DataType::AppendComparable(std::string_view bytes, bool descending, std::string* out) const {
  if (bytes.empty() && has_empty_value()) return;
  const size_t start = out->size();
  switch (id_) {
    case TypeId::kText:
    case TypeId::kBlob:
    case TypeId::kAscii:
    case TypeId::kInet:
    case TypeId::kDuration:
      AppendEscaped(bytes, out);
      break;
    case TypeId::kInt:
      base::PutBigEndian32(out, static_cast<uint32_t>(DecodeInt(bytes)) ^ 0x80000000u);
      break;
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTime:
    case TypeId::kCounter:
      base::PutBigEndian64(out, static_cast<uint64_t>(DecodeBigint(bytes)) ^ kSignBit);
      break;
    case TypeId::kSmallint:
      base::PutBigEndian16(out, static_cast<uint16_t>(DecodeSmallint(bytes) ^ 0x8000));
      break;
    case TypeId::kTinyint:
      out->push_back(static_cast<char>(DecodeTinyint(bytes) ^ 0x80));
      break;
    case TypeId::kDate:
      out->append(bytes);
      break;
    case TypeId::kBoolean:
      out->push_back(DecodeBoolean(bytes) ? '\1' : '\0');
      break;
    case TypeId::kFloat:
      base::PutBigEndian32(out, OrderedBits(DecodeFloat(bytes)));
      break;
    case TypeId::kDouble:
      base::PutBigEndian64(out, OrderedBits(DecodeDouble(bytes)));
      break;
    case TypeId::kUuid:
      AppendComparableUuid(bytes, false, out);
      break;
    case TypeId::kTimeuuid:
      AppendComparableUuid(bytes, true, out);
      break;
    case TypeId::kVarint:
      AppendComparableVarint(bytes, out);
      break;
    case TypeId::kDecimal:
      AppendComparableDecimal(bytes, out);
      break;
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      AppendComparableParts(*this, bytes, out);
      break;
  }
  if (descending) Complement(out->data() + start, out->data() + out->size());
}

namespace {

// Of any type; not yet validated.
absl::StatusOr<std::string> TakeUnchecked(const DataType& type, std::string_view* in, char flip) {
  switch (type.id()) {
    case TypeId::kText:
    case TypeId::kBlob:
    case TypeId::kAscii:
    case TypeId::kInet:
    case TypeId::kDuration:
      return TakeEscaped(in, flip);
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTime:
    case TypeId::kCounter:
    case TypeId::kSmallint:
    case TypeId::kTinyint:
      return TakeSigned(in, type.fixed_size(), flip);
    case TypeId::kDate:
    case TypeId::kBoolean:
      return TakeFixed(in, type.fixed_size(), flip);
    case TypeId::kFloat:
      return TakeFloat(in, flip);
    case TypeId::kDouble:
      return TakeDouble(in, flip);
    case TypeId::kUuid:
      return TakeComparableUuid(in, false, flip);
    case TypeId::kTimeuuid:
      return TakeComparableUuid(in, true, flip);
    case TypeId::kVarint:
      return TakeComparableVarint(in, flip);
    case TypeId::kDecimal:
      return TakeComparableDecimal(in, flip);
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      return TakeComparableParts(type, in, flip);
  }
  __builtin_unreachable();
}

}  // namespace

absl::StatusOr<std::string> DataType::TakeComparable(std::string_view* in, bool descending) const {
  if (in->empty() && has_empty_value()) return std::string();
  absl::StatusOr<std::string> value = TakeUnchecked(*this, in, descending ? '\xFF' : '\0');
  if (!value.ok()) return value;
  if (!Validate(*value).ok()) return Malformed();
  return value;
}

}  // namespace tholos::data
