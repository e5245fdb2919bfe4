// Segments: how frames of version 5 travel after the handshake.
//
//   plain       | header: 17 bits length, 1 bit self-contained, 6 bits zero | CRC24 | payload |
//   CRC32 |
//                 3 bytes                                                      3                 4
//   with LZ4    | header: 17 bits length on the wire, 17 bits decompressed length, |
//               |         1 bit self-contained, 5 bits zero                     5 bytes | | CRC24 3
//               | payload | CRC32 4 |
//
// Headers and checksums are little-endian; bits count from the lowest. CRC24 covers the header,
// CRC32 the payload as it is on the wire. A decompressed length of 0 says that the payload is not
// compressed. A self-contained segment holds one or more whole frames; a frame that is longer than
// a segment is cut into segments that hold parts of it and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::cql::protocol {

inline constexpr size_t kSegmentPayloadBytesMax = (1u << 17) - 1;

uint32_t SegmentCrc24(std::string_view header);
uint32_t SegmentCrc32(std::string_view payload);

// One segment, taken from the wire.
struct Segment {
  std::string_view payload;  // in the input, or in `scratch` if it was compressed
  bool self_contained = false;
  size_t wire_bytes = 0;  // to be taken off the input
};

// Nothing if the input does not hold a whole segment yet; kDataLoss if a checksum is wrong or the
// payload cannot be decompressed: what follows then has no meaning.
absl::StatusOr<std::optional<Segment>> TakeSegment(std::string_view input, bool lz4,
                                                   std::string* scratch);

// Appends the segments of `frames`: any number of whole frames, back to back.
void AppendSegments(std::string_view frames, bool lz4, std::string* out);

}  // namespace tholos::cql::protocol
