// Fixed-size numbers to bytes and back.
#include <bit>

#include "base/check.h"
#include "data/types/data_type.h"

namespace tholos::data {
namespace {

// The empty value reads as zero.
bool HasBytes(std::string_view bytes, size_t size) {
  THOLOS_CHECK(bytes.size() == size || bytes.empty()) << bytes.size();
  return !bytes.empty();
}

}  // namespace

std::string EncodeTinyint(int8_t v) { return std::string(1, static_cast<char>(v)); }

std::string EncodeSmallint(int16_t v) {
  std::string out;
  base::PutBigEndian16(&out, static_cast<uint16_t>(v));
  return out;
}

std::string EncodeInt(int32_t v) {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(v));
  return out;
}

std::string EncodeBigint(int64_t v) {
  std::string out;
  base::PutBigEndian64(&out, static_cast<uint64_t>(v));
  return out;
}

std::string EncodeBoolean(bool v) { return std::string(1, v ? '\1' : '\0'); }
std::string EncodeFloat(float v) { return EncodeInt(std::bit_cast<int32_t>(v)); }
std::string EncodeDouble(double v) { return EncodeBigint(std::bit_cast<int64_t>(v)); }

int8_t DecodeTinyint(std::string_view bytes) {
  return HasBytes(bytes, 1) ? static_cast<int8_t>(bytes[0]) : int8_t{0};
}

int16_t DecodeSmallint(std::string_view bytes) {
  if (!HasBytes(bytes, 2)) return 0;
  return static_cast<int16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
}

int32_t DecodeInt(std::string_view bytes) {
  return HasBytes(bytes, 4) ? static_cast<int32_t>(base::LoadBigEndian32(bytes.data())) : 0;
}

int64_t DecodeBigint(std::string_view bytes) {
  return HasBytes(bytes, 8) ? static_cast<int64_t>(base::LoadBigEndian64(bytes.data())) : 0;
}

bool DecodeBoolean(std::string_view bytes) { return HasBytes(bytes, 1) && bytes[0] != 0; }
float DecodeFloat(std::string_view bytes) { return std::bit_cast<float>(DecodeInt(bytes)); }
double DecodeDouble(std::string_view bytes) { return std::bit_cast<double>(DecodeBigint(bytes)); }

}  // namespace tholos::data
