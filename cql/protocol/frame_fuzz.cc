// libFuzzer: bytes of a connection to frames and requests. The first byte chooses version 5's
// segments and the compression, the second how the rest is cut into pieces.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/testing.h"
#include "cql/protocol/testing_damage.h"

// Requests of every version, compressed in every way, as frames and in segments.
std::vector<std::string> FuzzSeeds() {
  using namespace tholos::cql::protocol;
  tholos::base::RandomStream random(1);
  std::vector<std::string> seeds;
  for (int i = 0; i < 96; ++i) {
    const auto version = static_cast<uint8_t>(3 + i % 3);
    const bool segments = version == 5 && i % 2 == 0;
    const int compression = (i / 6) % (segments ? 2 : 3);
    std::string frame;
    EncodeRequest(version, 1, 0, RandomRequest(random, version), &frame);
    if (segments) {
      frame = RawSegments(random, frame, compression == 1);
    } else if (compression != 0) {
      frame = Compress(std::move(frame), static_cast<Compression>(compression));
    }
    seeds.push_back(static_cast<char>(compression | (segments ? 4 : 0)) + ('\x7F' + frame));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::cql::protocol;
  if (size < 2) return 0;
  FrameStream stream((data[0] & 8) != 0 ? FrameStream::Role::kClient : FrameStream::Role::kServer,
                     1 << 20);
  stream.SetCompression(static_cast<Compression>((data[0] & 3) % 3));
  if ((data[0] & 4) != 0) stream.EnterSegments();
  const size_t piece = 1 + data[1];
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  while (!rest.empty()) {
    const std::string bytes(rest.substr(0, piece));
    rest.remove_prefix(bytes.size());
    stream.Feed(bytes);
    while (true) {
      const auto next = stream.Next();
      if (next.kind == FrameStream::Kind::kNeedMore) break;
      if (next.kind == FrameStream::Kind::kBroken) return 0;
      if (next.kind == FrameStream::Kind::kFrame) (void)DecodeRequest(next.header, next.body);
    }
  }
  return 0;
}
