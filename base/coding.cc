#include "base/coding.h"

#include <algorithm>

#include "base/strings.h"

namespace tholos::base {
namespace {

template <typename T>
void Append(std::string* out, T v) {
  out->append(reinterpret_cast<const char*>(&v), sizeof(v));
}

constexpr int kVarintBytesMax = 10;

}  // namespace

void PutU8(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }
void PutFixed16(std::string* out, uint16_t v) { Append(out, v); }
void PutFixed32(std::string* out, uint32_t v) { Append(out, v); }
void PutFixed64(std::string* out, uint64_t v) { Append(out, v); }
void PutBigEndian16(std::string* out, uint16_t v) { Append(out, __builtin_bswap16(v)); }
void PutBigEndian32(std::string* out, uint32_t v) { Append(out, __builtin_bswap32(v)); }
void PutBigEndian64(std::string* out, uint64_t v) { Append(out, __builtin_bswap64(v)); }

void PutVarint(std::string* out, uint64_t v) {
  char buffer[kVarintBytesMax];
  size_t length = 0;
  while (v >= 0x80) {
    buffer[length++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  buffer[length++] = static_cast<char>(v);
  out->append(buffer, length);
}

void PutSignedVarint(std::string* out, int64_t v) {
  PutVarint(out, (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
}

void PutBytes(std::string* out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out->append(bytes);
}

uint16_t Reader::Fixed16() {
  const std::string_view bytes = Raw(2);
  return bytes.empty() ? 0 : LoadFixed16(bytes.data());
}

uint32_t Reader::Fixed32() {
  const std::string_view bytes = Raw(4);
  return bytes.empty() ? 0 : LoadFixed32(bytes.data());
}

uint64_t Reader::Fixed64() {
  const std::string_view bytes = Raw(8);
  return bytes.empty() ? 0 : LoadFixed64(bytes.data());
}

uint64_t Reader::LongVarint() {
  if (!ok_) return 0;
  uint64_t value = 0;
  const size_t bytes_max = std::min<size_t>(data_.size(), kVarintBytesMax);
  for (size_t i = 0; i < bytes_max; ++i) {
    const auto byte = static_cast<uint8_t>(data_[i]);
    // The tenth byte holds the one bit that is left.
    if (i == kVarintBytesMax - 1 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      data_.remove_prefix(i + 1);
      return value;
    }
  }
  ok_ = false;
  return 0;
}

size_t Reader::Count(size_t bytes_each) {
  const uint64_t count = Varint();
  if (ok_ && count <= data_.size() / bytes_each) return count;
  ok_ = false;
  return 0;
}

absl::Status Reader::status(std::string_view what) const {
  if (ok_) return absl::OkStatus();
  return absl::DataLossError(StrCat("malformed ", what));
}

}  // namespace tholos::base
