#include "cql/protocol/compression.h"

#include <lz4.h>
#include <snappy.h>

#include "base/coding.h"

namespace tholos::cql::protocol {
namespace {

// A byte of an LZ4 block stands for at most 255 bytes; Snappy's copies make 64 of 3.
constexpr size_t kExpansionMax = 255;
constexpr size_t kExpansionSlack = 64;

absl::Status Malformed(const char* what) { return absl::DataLossError(what); }

bool CanExpandTo(size_t compressed, size_t length) {
  return length <= compressed * kExpansionMax + kExpansionSlack;
}

}  // namespace

std::optional<Compression> CompressionFromName(std::string_view name) {
  if (name == "lz4" || name == "LZ4") return Compression::kLz4;
  if (name == "snappy" || name == "SNAPPY") return Compression::kSnappy;
  return std::nullopt;
}

void CompressBody(Compression compression, std::string_view body, std::string* out) {
  const size_t start = out->size();
  if (compression == Compression::kSnappy) {
    size_t length = snappy::MaxCompressedLength(body.size());
    out->resize(start + length);
    snappy::RawCompress(body.data(), body.size(), out->data() + start, &length);
    out->resize(start + length);
    return;
  }
  base::PutBigEndian32(out, static_cast<uint32_t>(body.size()));
  const int bound = LZ4_compressBound(static_cast<int>(body.size()));
  out->resize(start + 4 + static_cast<size_t>(bound));
  const int length = LZ4_compress_default(body.data(), out->data() + start + 4,
                                          static_cast<int>(body.size()), bound);
  out->resize(start + 4 + static_cast<size_t>(length));
}

absl::Status DecompressBody(Compression compression, std::string_view compressed, size_t bytes_max,
                            std::string* out) {
  if (compression == Compression::kLz4) {
    if (compressed.size() < 4) return Malformed("a compressed body without its length");
    const size_t length = base::LoadBigEndian32(compressed.data());
    if (length > bytes_max) return Malformed("a compressed body is too large when decompressed");
    return DecompressBlock(compressed.substr(4), length, out);
  }
  size_t length = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &length)) {
    return Malformed("a compressed body without its length");
  }
  if (length > bytes_max) return Malformed("a compressed body is too large when decompressed");
  if (!CanExpandTo(compressed.size(), length)) return Malformed("a compressed body is malformed");
  out->resize(length);
  if (!snappy::RawUncompress(compressed.data(), compressed.size(), out->data())) {
    return Malformed("a compressed body is malformed");
  }
  return absl::OkStatus();
}

bool CompressBlock(std::string_view bytes, std::string* out) {
  if (bytes.size() < 2) return false;
  const size_t start = out->size();
  const auto room = static_cast<int>(bytes.size() - 1);
  out->resize(start + static_cast<size_t>(room));
  const int length =
      LZ4_compress_default(bytes.data(), out->data() + start, static_cast<int>(bytes.size()), room);
  out->resize(start + static_cast<size_t>(length));
  return length > 0;
}

absl::Status DecompressBlock(std::string_view block, size_t length, std::string* out) {
  if (!CanExpandTo(block.size(), length)) return Malformed("a compressed block is malformed");
  out->resize(length);
  const int got = LZ4_decompress_safe(block.data(), out->data(), static_cast<int>(block.size()),
                                      static_cast<int>(length));
  if (got < 0 || static_cast<size_t>(got) != length) {
    return Malformed("a compressed block is malformed");
  }
  return absl::OkStatus();
}

}  // namespace tholos::cql::protocol
