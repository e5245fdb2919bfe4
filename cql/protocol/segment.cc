#include "cql/protocol/segment.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/coding.h"
#include "cql/protocol/compression.h"
#include "cql/protocol/frame.h"

namespace tholos::cql::protocol {
namespace {

constexpr uint32_t kCrc24Seed = 0x875060;
constexpr uint32_t kCrc24Polynomial = 0x1974F0B;
constexpr uint32_t kLengthMask = kSegmentPayloadBytesMax;
constexpr int kLengthBits = 17;
constexpr size_t kCrc24Bytes = 3;
constexpr size_t kCrc32Bytes = 4;
// The CRC32 starts as if these had come before the payload: an empty or zero payload has a checksum
// that is not zero.
constexpr std::string_view kCrc32Prefix = "\xFA\x2D\x55\xCA";

// Eight tables of the reflected polynomial 0xEDB88320: a step takes eight bytes.
using Crc32Tables = std::array<std::array<uint32_t, 256>, 8>;
constexpr Crc32Tables MakeCrc32Tables() {
  Crc32Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t t = 1; t < 8; ++t) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
    }
  }
  return tables;
}
constexpr Crc32Tables kCrc32 = MakeCrc32Tables();

constexpr std::array<uint32_t, 256> MakeCrc24Table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i << 16;
    for (int bit = 0; bit < 8; ++bit) {
      crc <<= 1;
      if ((crc & 0x1000000) != 0) crc ^= kCrc24Polynomial;
    }
    table[i] = crc & 0xFFFFFF;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrc24 = MakeCrc24Table();

uint32_t ExtendCrc32(uint32_t crc, std::string_view bytes) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    const uint32_t low = base::LoadFixed32(p) ^ crc;
    const uint32_t high = base::LoadFixed32(p + 4);
    crc = kCrc32[7][low & 0xFF] ^ kCrc32[6][(low >> 8) & 0xFF] ^ kCrc32[5][(low >> 16) & 0xFF] ^
          kCrc32[4][low >> 24] ^ kCrc32[3][high & 0xFF] ^ kCrc32[2][(high >> 8) & 0xFF] ^
          kCrc32[1][(high >> 16) & 0xFF] ^ kCrc32[0][high >> 24];
  }
  for (; left > 0; --left, ++p)
    crc = (crc >> 8) ^ kCrc32[0][(crc ^ static_cast<uint8_t>(*p)) & 0xFF];
  return crc;
}

uint64_t LoadLittle(std::string_view bytes) {
  uint64_t v = 0;
  for (size_t i = bytes.size(); i > 0; --i) v = v << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return v;
}

void StoreLittle(uint64_t v, size_t bytes, char* out) {
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(v >> (8 * i));
}

size_t HeaderBytes(bool lz4) { return lz4 ? 5 : 3; }

void AppendSegment(std::string_view payload, bool self_contained, bool lz4, std::string* out) {
  const size_t start = out->size();
  const size_t header_bytes = HeaderBytes(lz4);
  const size_t body = start + header_bytes + kCrc24Bytes;
  out->resize(body);
  uint64_t header = 0;
  if (lz4 && CompressBlock(payload, out)) {
    header = (out->size() - body) | payload.size() << kLengthBits |
             uint64_t{self_contained} << (2 * kLengthBits);
  } else {
    out->append(payload);
    const int flag_bit = lz4 ? 2 * kLengthBits : kLengthBits;
    header = payload.size() | uint64_t{self_contained} << flag_bit;
  }
  char* p = out->data() + start;
  StoreLittle(header, header_bytes, p);
  StoreLittle(SegmentCrc24({p, header_bytes}), kCrc24Bytes, p + header_bytes);
  base::PutFixed32(out, SegmentCrc32(std::string_view(*out).substr(body)));
}

}  // namespace

uint32_t SegmentCrc24(std::string_view header) {
  uint32_t crc = kCrc24Seed;
  for (const char byte : header) {
    crc = ((crc << 8) ^ kCrc24[((crc >> 16) ^ static_cast<uint8_t>(byte)) & 0xFF]) & 0xFFFFFF;
  }
  return crc;
}

uint32_t SegmentCrc32(std::string_view payload) {
  return ~ExtendCrc32(ExtendCrc32(0xFFFFFFFFu, kCrc32Prefix), payload);
}

absl::StatusOr<std::optional<Segment>> TakeSegment(std::string_view input, bool lz4,
                                                   std::string* scratch) {
  const size_t header_bytes = HeaderBytes(lz4);
  if (input.size() < header_bytes + kCrc24Bytes) return std::optional<Segment>();
  const uint64_t header = LoadLittle(input.substr(0, header_bytes));
  const uint64_t crc24 = LoadLittle(input.substr(header_bytes, kCrc24Bytes));
  if (crc24 != SegmentCrc24(input.substr(0, header_bytes))) {
    return absl::DataLossError("a segment's header has a wrong checksum");
  }
  const auto length = static_cast<size_t>(header & kLengthMask);
  const size_t decompressed = lz4 ? static_cast<size_t>((header >> kLengthBits) & kLengthMask) : 0;
  Segment segment;
  segment.self_contained = (header >> (lz4 ? 2 * kLengthBits : kLengthBits) & 1) != 0;
  segment.wire_bytes = header_bytes + kCrc24Bytes + length + kCrc32Bytes;
  if (input.size() < segment.wire_bytes) return std::optional<Segment>();
  segment.payload = input.substr(header_bytes + kCrc24Bytes, length);
  if (base::LoadFixed32(input.data() + header_bytes + kCrc24Bytes + length) !=
      SegmentCrc32(segment.payload)) {
    return absl::DataLossError("a segment's payload has a wrong checksum");
  }
  if (decompressed > 0) {
    if (const absl::Status status = DecompressBlock(segment.payload, decompressed, scratch);
        !status.ok()) {
      return status;
    }
    segment.payload = *scratch;
  }
  return std::optional<Segment>(segment);
}

void AppendSegments(std::string_view frames, bool lz4, std::string* out) {
  while (!frames.empty()) {
    // As many whole frames as fit, or one that does not.
    size_t taken = 0;
    while (taken < frames.size()) {
      const std::string_view rest = frames.substr(taken);
      THOLOS_CHECK(rest.size() >= kFrameHeaderBytes);
      const size_t bytes = kFrameHeaderBytes + base::LoadBigEndian32(rest.data() + 5);
      THOLOS_CHECK(rest.size() >= bytes);
      if (taken > 0 && taken + bytes > kSegmentPayloadBytesMax) break;
      taken += bytes;
      if (taken > kSegmentPayloadBytesMax) break;
    }
    std::string_view payload = frames.substr(0, taken);
    frames.remove_prefix(taken);
    if (payload.size() <= kSegmentPayloadBytesMax) {
      AppendSegment(payload, true, lz4, out);
      continue;
    }
    while (!payload.empty()) {
      AppendSegment(payload.substr(0, kSegmentPayloadBytesMax), false, lz4, out);
      payload.remove_prefix(std::min(payload.size(), kSegmentPayloadBytesMax));
    }
  }
}

}  // namespace tholos::cql::protocol
