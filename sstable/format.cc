#include "sstable/format.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/filter.h"

namespace tholos::sstable {
namespace {

constexpr uint64_t kMagic = 0x5453534f4c4f4854;  // "THOLOSST"
constexpr size_t kVersionOffset = 96;
constexpr size_t kChecksumOffset = 100;
constexpr size_t kMagicOffset = 108;
constexpr size_t kTokenBytes = 8;
constexpr size_t kFileNameDigits = 20;
constexpr std::string_view kFileSuffix = ".sst";

uint64_t BlockSeed(uint64_t file_id, uint64_t offset) {
  return file_id + offset * 0x9E3779B97F4A7C15;
}

void PutHandle(const BlockHandle& handle, std::string* out) {
  base::PutFixed64(out, handle.offset);
  base::PutFixed32(out, handle.stored_bytes);
}

BlockHandle TakeHandle(base::Reader* in) {
  BlockHandle handle;
  handle.offset = in->Fixed64();
  handle.stored_bytes = in->Fixed32();
  return handle;
}

}  // namespace

void EncodeHandle(const BlockHandle& handle, std::string* out) {
  base::PutVarint(out, handle.offset);
  base::PutVarint(out, handle.stored_bytes);
}

absl::StatusOr<BlockHandle> DecodeHandle(std::string_view bytes) {
  base::Reader in(bytes);
  BlockHandle handle;
  handle.offset = in.Varint();
  const uint64_t stored_bytes = in.Varint();
  constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();
  if (!in.AtEnd() || handle.offset > kOffsetMax || stored_bytes < kBlockTrailerBytes ||
      stored_bytes > std::numeric_limits<uint32_t>::max()) {
    return absl::DataLossError("malformed block handle");
  }
  handle.stored_bytes = static_cast<uint32_t>(stored_bytes);
  return handle;
}

std::string EncodeFooter(const Footer& footer, uint64_t footer_offset) {
  std::string out;
  PutHandle(footer.root, &out);
  PutHandle(footer.filter, &out);
  PutHandle(footer.statistics, &out);
  PutHandle(footer.dictionary, &out);
  base::PutFixed64(&out, footer.file_id);
  base::PutFixed64(&out, footer.generation);
  out.append(footer.table.AsBytes());
  base::PutFixed64(&out, footer.body_bytes);
  base::PutFixed64(&out, footer.digest);
  base::PutFixed32(&out, kFormatVersion);
  THOLOS_CHECK(out.size() == kChecksumOffset);
  base::PutFixed64(&out, base::Checksum64(out, footer_offset));
  base::PutFixed64(&out, kMagic);
  THOLOS_CHECK(out.size() == kFooterBytes);
  return out;
}

absl::StatusOr<Footer> DecodeFooter(std::string_view bytes, uint64_t footer_offset) {
  if (bytes.size() != kFooterBytes || base::LoadFixed64(bytes.data() + kMagicOffset) != kMagic) {
    return absl::DataLossError("not an SSTable, or cut short: it does not end in the magic number");
  }
  if (base::LoadFixed64(bytes.data() + kChecksumOffset) !=
      base::Checksum64(bytes.substr(0, kChecksumOffset), footer_offset)) {
    return absl::DataLossError("checksum mismatch");
  }
  // Only of a sound footer: a flipped bit is damage of this file, not another version.
  const uint32_t version = base::LoadFixed32(bytes.data() + kVersionOffset);
  if (version != kFormatVersion) {
    return absl::FailedPreconditionError(
        base::StrCat("format version ", version, "; this program reads ", kFormatVersion));
  }
  base::Reader in(bytes);
  Footer footer;
  footer.root = TakeHandle(&in);
  footer.filter = TakeHandle(&in);
  footer.statistics = TakeHandle(&in);
  footer.dictionary = TakeHandle(&in);
  footer.file_id = in.Fixed64();
  footer.generation = in.Fixed64();
  THOLOS_ASSIGN_OR_RETURN(footer.table, base::Uuid::FromBytes(in.Raw(16)));
  footer.body_bytes = in.Fixed64();
  footer.digest = in.Fixed64();
  const bool has_dictionary = footer.dictionary != BlockHandle();
  const BlockHandle& before_statistics = has_dictionary ? footer.dictionary : footer.filter;
  const bool dictionary_placed =
      !has_dictionary || (footer.dictionary.offset == footer.filter.end() &&
                          footer.dictionary.stored_bytes >= kBlockTrailerBytes);
  const bool tiled = dictionary_placed && footer.filter.offset == footer.body_bytes &&
                     footer.statistics.offset == before_statistics.end() &&
                     footer.root.offset == footer.statistics.end() &&
                     footer.root.end() == footer_offset &&
                     std::min({footer.root.stored_bytes, footer.filter.stored_bytes,
                               footer.statistics.stored_bytes}) >= kBlockTrailerBytes;
  if (!tiled) return absl::DataLossError("sections do not follow each other");
  return footer;
}

BlockHandle SealBlock(std::string_view payload, Compression compression, uint64_t file_id,
                      uint64_t offset, std::string* out) {
  BlockCompressor compressor(compression, CompressionOptions().level);
  return SealBlock(payload, compressor, file_id, offset, out);
}

BlockHandle SealBlock(std::string_view payload, BlockCompressor& compressor, uint64_t file_id,
                      uint64_t offset, std::string* out) {
  THOLOS_CHECK(payload.size() <= kBlockBytesMax);
  const size_t start = out->size();
  const Compression compression = compressor.Append(payload, out);
  base::PutFixed32(out, static_cast<uint32_t>(payload.size()));
  base::PutU8(out, static_cast<uint8_t>(compression));
  const std::string_view sealed = std::string_view(*out).substr(start);
  base::PutFixed64(out, base::Checksum64(sealed, BlockSeed(file_id, offset)));
  return {offset, static_cast<uint32_t>(out->size() - start)};
}

absl::StatusOr<SealedBlock> CheckSeal(std::string_view stored, uint64_t file_id, uint64_t offset) {
  if (stored.size() < kBlockTrailerBytes) return absl::DataLossError("cut short");
  const std::string_view sealed = stored.substr(0, stored.size() - sizeof(uint64_t));
  if (base::LoadFixed64(sealed.data() + sealed.size()) !=
      base::Checksum64(sealed, BlockSeed(file_id, offset))) {
    return absl::DataLossError("checksum mismatch");
  }
  SealedBlock block;
  block.data = stored.substr(0, stored.size() - kBlockTrailerBytes);
  block.raw_size = base::LoadFixed32(block.data.data() + block.data.size());
  block.compression = static_cast<Compression>(sealed.back());
  THOLOS_RETURN_IF_ERROR(
      BlockDecompressor::CheckSize(block.compression, block.data, block.raw_size));
  return block;
}

absl::StatusOr<std::string> UnsealBlock(std::string_view stored, uint64_t file_id, uint64_t offset,
                                        BlockDecompressor* decompressor) {
  THOLOS_ASSIGN_OR_RETURN(const SealedBlock block, CheckSeal(stored, file_id, offset));
  if (decompressor != nullptr) {
    return decompressor->Decompress(block.compression, block.data, block.raw_size);
  }
  return BlockDecompressor().Decompress(block.compression, block.data, block.raw_size);
}

std::string PartitionPrefix(const data::DecoratedKey& key) {
  std::string prefix;
  prefix.reserve(kTokenBytes + key.key.size() + 2);
  AppendPartitionPrefix(key.token, key.key, &prefix);
  return prefix;
}

absl::StatusOr<size_t> PartitionPrefixLength(std::string_view entry_key) {
  size_t zero = entry_key.find('\x00', kTokenBytes);
  while (zero != entry_key.npos && zero + 1 < entry_key.size()) {
    if (entry_key[zero + 1] == '\x00') return zero + 2;
    if (entry_key[zero + 1] != '\xFF') break;
    zero = entry_key.find('\x00', zero + 2);
  }
  return absl::DataLossError("malformed partition key");
}

absl::StatusOr<data::DecoratedKey> DecodePartitionPrefix(std::string_view prefix) {
  THOLOS_ASSIGN_OR_RETURN(const size_t length, PartitionPrefixLength(prefix));
  if (length != prefix.size()) return absl::DataLossError("malformed partition key");
  data::DecoratedKey key;
  key.token = static_cast<int64_t>(base::LoadBigEndian64(prefix.data()) ^ (uint64_t{1} << 63));
  const std::string_view escaped = prefix.substr(kTokenBytes, length - kTokenBytes - 2);
  key.key.reserve(escaped.size());
  for (size_t i = 0; i < escaped.size(); ++i) {
    key.key.push_back(escaped[i]);
    if (escaped[i] == '\x00') ++i;
  }
  return key;
}

uint64_t FilterHashOfPrefix(std::string_view prefix) {
  const std::string_view escaped = prefix.substr(kTokenBytes, prefix.size() - kTokenBytes - 2);
  if (escaped.find('\x00') == escaped.npos) return FilterHash(escaped);
  return FilterHash(DecodePartitionPrefix(prefix).value().key);
}

namespace {
std::string NumberedName(uint64_t generation, std::string_view suffix) {
  std::string digits = std::to_string(generation);
  return base::StrCat(std::string(kFileNameDigits - digits.size(), '0'), digits, suffix);
}
}  // namespace

std::string FileName(uint64_t generation) { return NumberedName(generation, kFileSuffix); }
std::string TemporaryFileName(uint64_t generation) { return NumberedName(generation, ".tmp"); }

std::optional<uint64_t> ParseFileName(std::string_view name) {
  if (name.size() != kFileNameDigits + kFileSuffix.size() || !name.ends_with(kFileSuffix)) {
    return std::nullopt;
  }
  uint64_t generation = 0;
  for (const char c : name.substr(0, kFileNameDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    generation = generation * 10 + static_cast<uint64_t>(c - '0');
  }
  if (FileName(generation) != name) return std::nullopt;  // beyond 64 bits
  return generation;
}

}  // namespace tholos::sstable
