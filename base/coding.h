// Byte encoding for every format of our own, on disk and on the wire. Fixed-width integers are
// little-endian unless the name says BigEndian; varints are LEB128 of at most 10 bytes; signed
// varints are zigzag. Writers append to a string; `Reader` takes from a view and never trusts a
// length.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tholos::base {

void PutU8(std::string* out, uint8_t v);
void PutFixed16(std::string* out, uint16_t v);
void PutFixed32(std::string* out, uint32_t v);
void PutFixed64(std::string* out, uint64_t v);
void PutBigEndian16(std::string* out, uint16_t v);
void PutBigEndian32(std::string* out, uint32_t v);
void PutBigEndian64(std::string* out, uint64_t v);
void PutVarint(std::string* out, uint64_t v);
void PutSignedVarint(std::string* out, int64_t v);
// A varint length and the bytes.
void PutBytes(std::string* out, std::string_view bytes);

static_assert(std::endian::native == std::endian::little,
              "fixed-width integers are stored as they are");

template <typename T>
T LoadNative(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
inline uint16_t LoadFixed16(const char* p) { return LoadNative<uint16_t>(p); }
inline uint32_t LoadFixed32(const char* p) { return LoadNative<uint32_t>(p); }
inline uint64_t LoadFixed64(const char* p) { return LoadNative<uint64_t>(p); }
inline uint32_t LoadBigEndian32(const char* p) {
  return __builtin_bswap32(LoadNative<uint32_t>(p));
}
inline uint64_t LoadBigEndian64(const char* p) {
  return __builtin_bswap64(LoadNative<uint64_t>(p));
}

// Reads a buffer front to back. The first read past the end or of a malformed varint makes it fail;
// from then on every read returns zero or empty. Check `ok()` once after a group of reads, and
// before a decoded count is used to reserve memory compare it with `remaining()`.
class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}

  uint8_t U8() {
    const std::string_view bytes = Raw(1);
    return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
  }
  uint16_t Fixed16();
  uint32_t Fixed32();
  uint64_t Fixed64();
  uint64_t Varint() {
    // Most are of one byte.
    if (!ok_ || data_.empty() || static_cast<uint8_t>(data_[0]) >= 0x80) return LongVarint();
    const auto value = static_cast<uint8_t>(data_[0]);
    data_.remove_prefix(1);
    return value;
  }
  int64_t SignedVarint() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  // A view into the buffer; valid as long as the buffer is.
  std::string_view Bytes() { return Raw(Varint()); }
  // Exactly n bytes.
  std::string_view Raw(size_t n) {
    if (!ok_ || n > data_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view result(data_.data(), n);
    data_.remove_prefix(n);
    return result;
  }
  // A count of things of which each takes at least `bytes_each` (>= 1): fails if they cannot all
  // follow.
  size_t Count(size_t bytes_each);

  bool ok() const { return ok_; }
  void Fail() { ok_ = false; }
  size_t remaining() const { return data_.size(); }
  std::string_view rest() const { return data_; }
  bool AtEnd() const { return ok_ && data_.empty(); }
  // OK, or kDataLoss "malformed <what>".
  absl::Status status(std::string_view what) const;

 private:
  uint64_t LongVarint();

  std::string_view data_;
  bool ok_ = true;
};

}  // namespace tholos::base
