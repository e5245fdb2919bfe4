// Damaged input: every message of every version, both compressions, segments; a byte, a length, a
// count, a piece of it changed. Nothing may crash, hang or take memory that did not arrive. Run
// under ASan and UBSan by tests/run asan.
#include <algorithm>

#include "base/random.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/testing.h"
#include "cql/protocol/testing_damage.h"
#include "gtest/gtest.h"

namespace tholos::cql::protocol {
namespace {

constexpr int kMutations = 50'000;
constexpr size_t kFrameMax = 64 << 10;

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
    const std::string wire = DamagedRequests(random, version, segments, compression);
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
