#include "data/types/varint.h"

#include "base/coding.h"
#include "base/strings.h"
#include "data/types/big_integer.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr uint8_t kZero = 0x80;
constexpr size_t kShortMax = 61;
constexpr uint8_t kLongPositive = 0xBF;
constexpr uint8_t kLongNegative = 0x41;
// So many digits may fit, more cannot.
constexpr size_t kDigitsMax = kVarintBytesMax * 5 / 2;

bool IsNegative(std::string_view bytes) { return !bytes.empty() && (bytes[0] & 0x80) != 0; }

absl::Status Malformed() { return absl::DataLossError("malformed key component"); }

}  // namespace

std::string_view MinimalVarint(std::string_view bytes) {
  while (bytes.size() > 1 && (bytes[0] == '\0' || bytes[0] == '\xFF') &&
         ((bytes[0] ^ bytes[1]) & 0x80) == 0) {
    bytes.remove_prefix(1);
  }
  return bytes;
}

int CompareVarints(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() ? (b.empty() ? 0 : -1) : 1;
  a = MinimalVarint(a);
  b = MinimalVarint(b);
  if (IsNegative(a) != IsNegative(b)) return IsNegative(a) ? -1 : 1;
  if (a.size() != b.size()) return (a.size() < b.size()) != IsNegative(a) ? -1 : 1;
  return a.compare(b);
}

void AppendComparableVarint(std::string_view bytes, std::string* out) {
  bytes = MinimalVarint(bytes);
  const auto size = static_cast<uint16_t>(bytes.size());
  if (IsNegative(bytes)) {
    if (size <= kShortMax) {
      out->push_back(static_cast<char>(kZero - size));
    } else {
      out->push_back(static_cast<char>(kLongNegative));
      base::PutBigEndian16(out, static_cast<uint16_t>(~size));
    }
  } else if (size <= kShortMax) {
    out->push_back(static_cast<char>(kZero + size));
  } else {
    out->push_back(static_cast<char>(kLongPositive));
    base::PutBigEndian16(out, size);
  }
  out->append(bytes);
}

absl::StatusOr<std::string> TakeComparableVarint(std::string_view* in, char flip) {
  if (in->empty()) return Malformed();
  const auto head = static_cast<uint8_t>(in->front() ^ flip);
  in->remove_prefix(1);
  size_t size = 0;
  if (head == kLongPositive || head == kLongNegative) {
    if (in->size() < 2) return Malformed();
    size =
        size_t{static_cast<uint8_t>((*in)[0] ^ flip)} << 8 | static_cast<uint8_t>((*in)[1] ^ flip);
    if (head == kLongNegative) size = static_cast<uint16_t>(~size);
    if (size <= kShortMax) return Malformed();
    in->remove_prefix(2);
  } else {
    size = head >= kZero ? head - kZero : kZero - head;
    if (size > kShortMax) return Malformed();
  }
  if (size == 0 || size > kVarintBytesMax || in->size() < size) return Malformed();
  std::string bytes(in->substr(0, size));
  in->remove_prefix(size);
  for (char& c : bytes) c ^= flip;
  if (IsNegative(bytes) != (head < kZero) || MinimalVarint(bytes).size() != size) {
    return Malformed();
  }
  return bytes;
}

absl::StatusOr<std::string> ParseVarint(std::string_view text) {
  if (text.size() > kDigitsMax) {
    return absl::InvalidArgumentError(
        base::StrCat("an integer of ", text.size(), " digits exceeds the limit of varint"));
  }
  const std::optional<BigInteger> v = BigInteger::FromDecimal(text);
  if (!v.has_value() || text.starts_with('+')) {
    return absl::InvalidArgumentError(base::StrCat("expected an integer, not ", Shown(text)));
  }
  std::string bytes = v->ToTwosComplement();
  if (bytes.size() > kVarintBytesMax) {
    return absl::InvalidArgumentError(
        base::StrCat("an integer of ", text.size(), " digits exceeds the limit of varint"));
  }
  return bytes;
}

std::string FormatVarint(std::string_view bytes) {
  return BigInteger::FromTwosComplement(bytes).ToDecimal();
}

}  // namespace tholos::data
