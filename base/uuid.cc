#include "base/uuid.h"

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/strings.h"

namespace tholos::base {
namespace {

constexpr size_t kTextLength = 36;

bool IsDash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

absl::Status Malformed(std::string_view text) {
  return absl::InvalidArgumentError(
      StrCat("not a UUID: \"", absl::CHexEscape(ToAbsl(text.substr(0, kTextLength + 4))), "\""));
}

}  // namespace

Uuid Uuid::Random(RandomStream& random) {
  Uuid uuid;
  const uint64_t words[2] = {random.Next(), random.Next()};
  std::memcpy(uuid.bytes.data(), words, sizeof(words));
  uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x40;
  uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
  return uuid;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != kTextLength) return Malformed(text);
  Uuid uuid;
  size_t digit = 0;
  for (size_t i = 0; i < kTextLength; ++i) {
    if (IsDash(i)) {
      if (text[i] != '-') return Malformed(text);
      continue;
    }
    const int value = HexValue(text[i]);
    if (value < 0) return Malformed(text);
    uuid.bytes[digit / 2] = static_cast<uint8_t>(uuid.bytes[digit / 2] << 4 | value);
    ++digit;
  }
  return uuid;
}

absl::StatusOr<Uuid> Uuid::FromBytes(std::string_view bytes) {
  if (bytes.size() != 16) {
    return absl::InvalidArgumentError(StrCat("a UUID has 16 bytes, not ", bytes.size()));
  }
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes.data(), 16);
  return uuid;
}

std::string Uuid::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextLength);
  for (const uint8_t byte : bytes) {
    if (IsDash(text.size())) text.push_back('-');
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace tholos::base
