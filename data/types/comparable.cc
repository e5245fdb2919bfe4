// Byte-comparable key components and the order that they encode (table in data_type.h).
//
// Every encoding is prefix-free: fixed in size, or ended by 0x00 0x00, which escaped bytes cannot
// contain. So components may follow one another, and complementing every byte exactly reverses the
// order.
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "data/types/data_type.h"

namespace tholos::data {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint64_t kCanonicalNan = 0x7FF8000000000000;

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

int CompareUuids(std::string_view a, std::string_view b) {
  THOLOS_CHECK(a.size() == 16 && b.size() == 16);
  const uint64_t head_a = ComparableUuidHead(base::LoadBigEndian64(a.data()));
  const uint64_t head_b = ComparableUuidHead(base::LoadBigEndian64(b.data()));
  if (head_a != head_b) return CompareNumbers(head_a, head_b);
  return CompareNumbers(base::LoadBigEndian64(a.data() + 8), base::LoadBigEndian64(b.data() + 8));
}

}  // namespace

int DataType::Compare(std::string_view a, std::string_view b) const {
  switch (id_) {
    case TypeId::kText:
    case TypeId::kBlob:
      return CompareNumbers(a, b);
    case TypeId::kInt:
      return CompareNumbers(DecodeInt(a), DecodeInt(b));
    case TypeId::kBigint:
    case TypeId::kTimestamp:
      return CompareNumbers(DecodeBigint(a), DecodeBigint(b));
    case TypeId::kBoolean:
      return CompareNumbers(DecodeBoolean(a), DecodeBoolean(b));
    case TypeId::kDouble:
      return CompareNumbers(OrderedBits(DecodeDouble(a)), OrderedBits(DecodeDouble(b)));
    case TypeId::kUuid:
      return CompareUuids(a, b);
  }
  __builtin_unreachable();
}

void DataType::AppendComparable(std::string_view bytes, bool descending, std::string* out) const {
  const size_t start = out->size();
  switch (id_) {
    case TypeId::kText:
    case TypeId::kBlob:
      AppendEscaped(bytes, out);
      break;
    case TypeId::kInt:
      base::PutBigEndian32(out, static_cast<uint32_t>(DecodeInt(bytes)) ^ 0x80000000u);
      break;
    case TypeId::kBigint:
    case TypeId::kTimestamp:
      base::PutBigEndian64(out, static_cast<uint64_t>(DecodeBigint(bytes)) ^ kSignBit);
      break;
    case TypeId::kBoolean:
      out->push_back(DecodeBoolean(bytes) ? '\1' : '\0');
      break;
    case TypeId::kDouble:
      base::PutBigEndian64(out, OrderedBits(DecodeDouble(bytes)));
      break;
    case TypeId::kUuid:
      THOLOS_CHECK(bytes.size() == 16) << bytes.size();
      base::PutBigEndian64(out, ComparableUuidHead(base::LoadBigEndian64(bytes.data())));
      out->append(bytes.substr(8));
      break;
  }
  if (descending) Complement(out->data() + start, out->data() + out->size());
}

absl::StatusOr<std::string> DataType::TakeComparable(std::string_view* in, bool descending) const {
  const char flip = descending ? '\xFF' : '\0';
  absl::StatusOr<std::string> value;
  switch (id_) {
    case TypeId::kText:
    case TypeId::kBlob:
      value = TakeEscaped(in, flip);
      break;
    case TypeId::kInt:
      value = TakeFixed(in, 4, flip);
      if (value.ok()) (*value)[0] ^= '\x80';
      break;
    case TypeId::kBigint:
    case TypeId::kTimestamp:
      value = TakeFixed(in, 8, flip);
      if (value.ok()) (*value)[0] ^= '\x80';
      break;
    case TypeId::kBoolean:
      value = TakeFixed(in, 1, flip);
      break;
    case TypeId::kDouble: {
      value = TakeFixed(in, 8, flip);
      if (!value.ok()) break;
      const uint64_t ordered = base::LoadBigEndian64(value->data());
      const double number = FromOrderedBits(ordered);
      // A NaN that is not the canonical one has no encoding of its own.
      if (OrderedBits(number) != ordered) return Malformed();
      value = EncodeDouble(number);
      break;
    }
    case TypeId::kUuid: {
      value = TakeFixed(in, 16, flip);
      if (!value.ok()) break;
      std::string uuid;
      base::PutBigEndian64(&uuid, UuidHeadFromComparable(base::LoadBigEndian64(value->data())));
      value->replace(0, 8, uuid);
      break;
    }
  }
  if (!value.ok()) return value;
  if (!Validate(*value).ok()) return Malformed();
  return value;
}

}  // namespace tholos::data
