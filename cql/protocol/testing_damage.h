// Damaged messages for tests: of the parser alone, and of a server behind a socket.
#pragma once

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "base/random.h"
#include "cql/protocol/compression.h"
#include "cql/protocol/frame.h"
#include "cql/protocol/request.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/testing.h"

namespace tholos::cql::protocol {

inline void PatchBigEndian(std::string* bytes, size_t at, uint32_t value, size_t width) {
  for (size_t i = 0; i < width && at + i < bytes->size(); ++i) {
    (*bytes)[at + i] = static_cast<char>(value >> (8 * (width - 1 - i)));
  }
}

// One damage that a length, a count, an opcode or a flag could have.
inline void Mutate(base::RandomStream& random, std::string* bytes) {
  constexpr uint32_t kNasty[] = {0,          1,          0x7F,       0x80,       0xFF,
                                 0x7FFF,     0x8000,     0xFFFF,     0x10000,    0x7FFFFFFF,
                                 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 1000};
  if (bytes->empty()) return;
  const size_t at = random.Below(bytes->size());
  switch (random.Below(8)) {
    case 0:
      (*bytes)[at] = static_cast<char>(random.Next());
      break;
    case 1:
      (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << random.Below(8)));
      break;
    case 2:
      PatchBigEndian(bytes, at, kNasty[random.Below(std::size(kNasty))], 4);
      break;
    case 3:
      PatchBigEndian(bytes, at, kNasty[random.Below(std::size(kNasty))], 2);
      break;
    case 4:
      bytes->resize(at);
      break;
    case 5:
      bytes->erase(at, 1 + random.Below(8));
      break;
    case 6:
      bytes->insert(at, RandomBytes(random, 12));
      break;
    default:
      bytes->insert(at, bytes->substr(random.Below(bytes->size()), 16));
      break;
  }
}

inline std::string Compress(std::string frame, Compression compression) {
  std::string body;
  CompressBody(compression, std::string_view(frame).substr(kFrameHeaderBytes), &body);
  FrameHeader header = DecodeFrameHeader(frame);
  header.flags |= kFlagCompressed;
  header.length = static_cast<uint32_t>(body.size());
  EncodeFrameHeader(header, frame.data());
  frame.resize(kFrameHeaderBytes);
  return frame + body;
}

// Segments of arbitrary payloads with right checksums: damage gets behind them.
inline std::string RawSegments(base::RandomStream& random, std::string_view bytes, bool lz4) {
  std::string out;
  while (!bytes.empty()) {
    const size_t take = 1 + random.Below(bytes.size());
    const std::string_view payload = bytes.substr(0, take);
    bytes.remove_prefix(take);
    const bool self_contained = random.Below(2) == 0;
    std::string compressed;
    uint64_t header = payload.size();
    std::string_view body = payload;
    if (lz4 && CompressBlock(payload, &compressed)) {
      header = compressed.size() | payload.size() << 17;
      if (random.Below(4) == 0) header = compressed.size() | random.Below(1 << 17) << 17;
      body = compressed;
    }
    header |= uint64_t{self_contained} << (lz4 ? 34 : 17);
    const size_t width = lz4 ? 5 : 3;
    const size_t start = out.size();
    for (size_t i = 0; i < width; ++i) out.push_back(static_cast<char>(header >> (8 * i)));
    const uint32_t crc = SegmentCrc24(std::string_view(out).substr(start));
    for (int i = 0; i < 3; ++i) out.push_back(static_cast<char>(crc >> (8 * i)));
    out.append(body);
    base::PutFixed32(&out, SegmentCrc32(body));
  }
  return out;
}

// One to three requests, most of them damaged: before compression, as frames, as bytes.
inline std::string DamagedRequests(base::RandomStream& random, uint8_t version, bool segments,
                                   Compression compression) {
  std::string frames;
  for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
    std::string frame;
    EncodeRequest(version, 1, 0, RandomRequest(random, version), &frame);
    if (random.Below(2) == 0) {
      std::string body = frame.substr(kFrameHeaderBytes);
      Mutate(random, &body);
      FrameHeader header = DecodeFrameHeader(frame);
      header.length = static_cast<uint32_t>(body.size());
      frame.resize(kFrameHeaderBytes);
      EncodeFrameHeader(header, frame.data());
      frame += body;
    }
    if (compression != Compression::kNone && !segments) {
      frame = Compress(std::move(frame), compression);
    }
    frames += frame;
  }
  if (random.Below(3) == 0) Mutate(random, &frames);
  std::string wire =
      segments ? RawSegments(random, frames, compression == Compression::kLz4) : frames;
  if (random.Below(3) == 0) Mutate(random, &wire);
  return wire;
}

}  // namespace tholos::cql::protocol
