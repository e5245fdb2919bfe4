// FrameStream: the bytes of one connection, in pieces as they come, to frames.
//
//   stream.Feed(bytes);
//   while (auto next = stream.Next(); next.kind == kFrame) Handle(next.header, next.body);
//
// Versions 3 and 4: frames back to back, bodies decompressed here. Version 5: the same until
// EnterSegments(), then frames in segments. Nothing is reserved that did not arrive: what is kept
// is bounded by one frame (`frame_bytes_max`) and one segment, whatever a length field says.
//
// Used by the server for requests and by clients for responses. Confined to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cql/protocol/compression.h"
#include "cql/protocol/frame.h"

namespace tholos::cql::protocol {

class FrameStream {
 public:
  enum class Role : uint8_t { kServer, kClient };  // who reads: a server expects requests
  // `frame_bytes_max`: of a body, on the wire and decompressed.
  FrameStream(Role role, size_t frame_bytes_max) : role_(role), frame_bytes_max_(frame_bytes_max) {}

  enum class Kind : uint8_t {
    kNeedMore,  // Feed() what comes next
    kFrame,     // `header` and `body`
    kTooLarge,  // `header` of a frame whose body is being skipped; `message`. Answer and go on.
    kBroken,    // `message`: a protocol error; nothing more can be understood
  };
  struct Result {
    Kind kind = Kind::kNeedMore;
    FrameHeader header;
    std::string_view body;  // until the next call of Next() or Feed()
    std::string message;
  };

  // `bytes` must stay as they are until Next() says kNeedMore.
  void Feed(std::string_view bytes);
  Result Next();

  // After STARTUP. All later frames must be of `version`; their bodies may be compressed.
  void SetVersion(uint8_t version) { version_ = version; }
  void SetCompression(Compression compression) { compression_ = compression; }
  // After the first response of the handshake, version 5: whatever is left of the input is
  // segments.
  void EnterSegments() { segmented_ = true; }

  // Of a frame whose end has not come yet.
  size_t unfinished_bytes() const { return buffer_.size() + large_.size(); }
  // Bytes kept between calls.
  size_t buffered_bytes() const { return buffer_.size() + large_.size() + scratch_.capacity(); }

 private:
  Result NextPlain();
  Result NextSegmented();
  Result AppendPart(std::string_view payload);
  // Reads a header from the front of `bytes`; false after `*result` became an error.
  bool CheckHeader(std::string_view bytes, Result* result);
  Result Deliver(const FrameHeader& header, std::string_view body);
  void Take(size_t bytes) { input_.remove_prefix(bytes); }
  Result NeedMore();

  const Role role_;
  const size_t frame_bytes_max_;
  uint8_t version_ = 0;  // 0: not known yet
  Compression compression_ = Compression::kNone;
  bool segmented_ = false;

  std::string_view input_;       // not yet consumed: in the caller's bytes, or in buffer_
  std::string buffer_;           // what was left over by the Feed() before
  std::string_view payload_;     // not yet consumed part of a self-contained segment
  std::string scratch_;          // of a decompressed body or segment
  std::string large_;            // parts of a frame that spans segments
  bool large_complete_ = false;  // large_ was delivered and can be dropped
  uint64_t skip_ = 0;            // bytes of a body that is too large
};

}  // namespace tholos::cql::protocol
