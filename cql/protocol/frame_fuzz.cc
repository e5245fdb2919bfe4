// libFuzzer: bytes of a connection to frames and requests. The first byte chooses version 5's
// segments and the compression, the second how the rest is cut into pieces.
#include <cstdint>
#include <string>
#include <string_view>

#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"

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
