// Compression of frame bodies (versions 3 and 4) and of segment payloads (version 5).
//
//   body, LZ4      [int] length when decompressed, then one LZ4 block
//   body, Snappy   Snappy's own format
//   segment, LZ4   one LZ4 block; both lengths are in the segment's header
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tholos::cql::protocol {

enum class Compression : uint8_t { kNone, kLz4, kSnappy };

// By the name of the STARTUP option; nothing if there is no such algorithm.
std::optional<Compression> CompressionFromName(std::string_view name);

// Appends the compressed body.
void CompressBody(Compression compression, std::string_view body, std::string* out);
// Sets `*out`. kDataLoss if the bytes are malformed or would decompress to more than `bytes_max`;
// never reserves more than LZ4 or Snappy could make of the input.
absl::Status DecompressBody(Compression compression, std::string_view compressed, size_t bytes_max,
                            std::string* out);

// Appends one LZ4 block; false if that is not smaller than `bytes` (nothing is appended).
bool CompressBlock(std::string_view bytes, std::string* out);
// Sets `*out` to exactly `length` bytes, or kDataLoss.
absl::Status DecompressBlock(std::string_view block, size_t length, std::string* out);

}  // namespace tholos::cql::protocol
