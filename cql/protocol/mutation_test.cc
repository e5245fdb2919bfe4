// Damaged input: every message of every version, both compressions, segments; a byte, a length, a
// count, a piece of it changed. Nothing may crash, hang or take memory that did not arrive. Run
// under ASan and UBSan by tests/run asan.
#include <algorithm>

#include "base/coding.h"
#include "base/random.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/testing.h"
#include "gtest/gtest.h"

namespace tholos::cql::protocol {
namespace {

constexpr int kMutations = 50'000;
constexpr size_t kFrameMax = 64 << 10;

void PatchBigEndian(std::string* bytes, size_t at, uint32_t value, size_t width) {
  for (size_t i = 0; i < width && at + i < bytes->size(); ++i) {
    (*bytes)[at + i] = static_cast<char>(value >> (8 * (width - 1 - i)));
  }
}

// One damage that a length, a count, an opcode or a flag could have.
void Mutate(base::RandomStream& random, std::string* bytes) {
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

std::string Compress(std::string frame, Compression compression) {
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
std::string RawSegments(base::RandomStream& random, std::string_view bytes, bool lz4) {
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

struct Tally {
  int frames = 0;
  int decoded = 0;
  int refused = 0;
  int broken = 0;
};

void FeedAll(base::RandomStream& random, FrameStream* stream, std::string_view wire, Tally* tally) {
  while (!wire.empty()) {
    const std::string piece(wire.substr(0, 1 + random.Below(wire.size())));
    wire.remove_prefix(piece.size());
    stream->Feed(piece);
    while (true) {
      const auto next = stream->Next();
      ASSERT_LE(stream->buffered_bytes(), 2 * (kFrameMax + 2 * kSegmentPayloadBytesMax));
      if (next.kind == FrameStream::Kind::kNeedMore) break;
      if (next.kind == FrameStream::Kind::kBroken) {
        ++tally->broken;
        EXPECT_FALSE(next.message.empty());
        return;
      }
      if (next.kind == FrameStream::Kind::kTooLarge) continue;
      ++tally->frames;
      const auto request = DecodeRequest(next.header, next.body);
      ++(request.ok() ? tally->decoded : tally->refused);
      if (!request.ok()) EXPECT_EQ(request.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

TEST(ProtocolMutation, DamagedInputIsRefusedOrDecoded) {
  base::RandomStream random(20261122);
  Tally tally;
  for (int i = 0; i < kMutations; ++i) {
    const auto version = static_cast<uint8_t>(3 + random.Below(3));
    const bool segments = version == 5 && random.Below(2) == 0;
    const auto compression = static_cast<Compression>(random.Below(segments ? 2 : 3));
    std::string frames;
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      std::string frame;
      EncodeRequest(version, 1, 0, RandomRequest(random, version), &frame);
      // Before compression: the damage is inside.
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
    FrameStream stream(FrameStream::Role::kServer, kFrameMax);
    stream.SetCompression(compression);
    if (segments) stream.EnterSegments();
    FeedAll(random, &stream, wire, &tally);
    if (HasFatalFailure()) FAIL() << "mutation " << i;
  }
  // Each outcome is reached.
  EXPECT_GT(tally.decoded, kMutations / 20);
  EXPECT_GT(tally.refused, kMutations / 50);
  EXPECT_GT(tally.broken, kMutations / 20);
}

}  // namespace
}  // namespace tholos::cql::protocol
