// The SSTable format, version 2. docs/format-sstable.md draws the same for people.
//
// An SSTable is one immutable file `<generation>.sst` of partitions in (token, key) order. While it
// is written it is called `<generation>.tmp`; then it is synced, renamed, and its directory synced:
// a file that ends in .sst is whole. Integers are little-endian, varints as in base/coding.h.
//
//   +------------+-----+------------+------------+-----+------------+-----+--------+------------+------+--------+
//   | data block | ... | data block | index page | ... | index page | ... | filter | statistics |
//   root | footer |
//   +------------+-----+------------+------------+-----+------------+-----+--------+------------+------+--------+
//   0                                                                     body_bytes 116 bytes
//
// A dictionary, if the data blocks are compressed with one, stands between filter and statistics.
//
// An index page follows the data blocks that it lists, so a writer needs to hold no more than one
// page.
//
// Everything but the footer is a sealed block:
//
//   payload, stored_bytes - 13   as compressed
//   raw_size     u32             bytes of the payload once decompressed
//   compression  u8              0: none, 1: LZ4 block format, 2: Zstandard frame, 3: Zstandard
//                                frame that needs the file's dictionary; none if it does not shrink
//   checksum     u64             XXH3 of all before it, seeded with file_id + offset *
//   0x9E3779B97F4A7C15
//
// The seed binds a block to its file and place: one that was written or read elsewhere is found.
//
// Data blocks, index pages and the root are sorted runs of entries (block.h), keys
// prefix-compressed:
//
//   data    entry key (below)                -> partition header, or row and change
//   index   entry key of a block's first entry -> handle of the block, header of the partition that
//           it begins inside of
//   root    entry key of a page's first entry  -> handle of the page
//
// A data block is closed when it passes block_bytes (16 KiB before compression), so it holds many
// partitions, or a part of one, or a single large row. A cold lookup reads one index page and one
// data block; the root, which has an entry for each 4 KiB of index (so about 1/5000 of the data:
// 200 KiB a GiB), stays in memory, and so does the filter.
//
// Entry keys compare by memcmp:
//
//   token, 8 bytes big-endian, sign bit flipped
//   partition key with 0x00 escaped as 0x00 0xFF, then 0x00 0x00
//   0x00                    the partition's header: deletion, flag, static row
//   0x01 clustering key     a row, a change of the range tombstone in effect from this key on, or
//                           both
//
// Values (encodings of data/codec.h):
//
//   header  u8 flags (0x01 deletion, 0x02 static row), Deletion, row body of the static row
//   row     [change: u8 0x80: none is in effect, or 0x81 and the Deletion that is] [row body]
//   index   varint offset, varint stored_bytes, value of a header (in index pages: where the block
//           begins inside a partition whose header takes at most 256 bytes)
//
// A block that begins inside a partition is complete in itself: its first entry has a change if a
// range tombstone is in effect there, and the index has the partition's header.
//
// Filter: a blocked Bloom filter over partition keys (filter.h). Statistics: statistics.h.
//
// Footer, 116 bytes:
//
//    0  root: offset u64, stored_bytes u32
//   12  filter: the same
//   24  statistics: the same
//   36  dictionary: the same; both 0 if there is none
//   48  file_id u64          random; seeds the checksums, names the file's blocks in caches
//   56  generation u64       the number in the file's name when it was written
//   64  table id, 16 bytes
//   80  body_bytes u64
//   88  digest u64           XXH3 of all bytes before the footer
//   96  version u32          2; here, as checksum and magic, in every version
//  100  checksum u64         XXH3 of the 100 bytes before it, seeded with the footer's offset
//  108  magic u64            "THOLOSST"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/uuid.h"
#include "data/key.h"
#include "sstable/compression.h"

namespace tholos::sstable {

inline constexpr uint32_t kFormatVersion = 2;
inline constexpr size_t kFooterBytes = 116;
inline constexpr size_t kBlockTrailerBytes = 13;
// A block holds at most this many bytes before compression; so does a row.
inline constexpr uint64_t kBlockBytesMax = uint64_t{1} << 30;

// Where a sealed block is; `stored_bytes` includes its trailer.
struct BlockHandle {
  uint64_t offset = 0;
  uint32_t stored_bytes = 0;
  uint64_t end() const { return offset + stored_bytes; }
  friend bool operator==(const BlockHandle&, const BlockHandle&) = default;
};

void EncodeHandle(const BlockHandle& handle, std::string* out);
absl::StatusOr<BlockHandle> DecodeHandle(std::string_view bytes);

struct Footer {
  BlockHandle root;
  BlockHandle filter;
  BlockHandle statistics;
  BlockHandle dictionary;
  uint64_t file_id = 0;
  uint64_t generation = 0;
  base::Uuid table;
  uint64_t body_bytes = 0;
  uint64_t digest = 0;
  friend bool operator==(const Footer&, const Footer&) = default;
};

std::string EncodeFooter(const Footer& footer, uint64_t footer_offset);
// kDataLoss if it is not a footer, is damaged, or its sections do not tile [body_bytes,
// footer_offset); kFailedPrecondition for another version, if the checksum holds.
absl::StatusOr<Footer> DecodeFooter(std::string_view bytes, uint64_t footer_offset);

// Appends the sealed block of `payload` that will stand at `offset`; returns its handle.
BlockHandle SealBlock(std::string_view payload, BlockCompressor& compressor, uint64_t file_id,
                      uint64_t offset, std::string* out);
BlockHandle SealBlock(std::string_view payload, Compression compression, uint64_t file_id,
                      uint64_t offset, std::string* out);
// A sealed block whose checksum holds and whose size is possible; `data` is still compressed.
struct SealedBlock {
  std::string_view data;
  uint32_t raw_size = 0;
  Compression compression = Compression::kNone;
};
absl::StatusOr<SealedBlock> CheckSeal(std::string_view stored, uint64_t file_id, uint64_t offset);
// The payload. kDataLoss says what is wrong, without naming the place. `decompressor` has the
// file's dictionary; nullptr: it has none.
absl::StatusOr<std::string> UnsealBlock(std::string_view stored, uint64_t file_id, uint64_t offset,
                                        BlockDecompressor* decompressor = nullptr);

// Entry keys. A partition's prefix is everything before the 0x00 or 0x01.
inline constexpr char kHeaderKind = '\x00';
inline constexpr char kRowKind = '\x01';
std::string PartitionPrefix(const data::DecoratedKey& key);
// Behind `*out`, any container of bytes.
template <typename Bytes>
void AppendPartitionPrefix(data::Token token, std::string_view key, Bytes* out) {
  const uint64_t ordered = __builtin_bswap64(static_cast<uint64_t>(token) ^ (uint64_t{1} << 63));
  const char* bytes = reinterpret_cast<const char*>(&ordered);
  out->insert(out->end(), bytes, bytes + sizeof(ordered));
  std::string_view rest = key;
  for (size_t zero = rest.find('\x00'); zero != rest.npos; zero = rest.find('\x00')) {
    out->insert(out->end(), rest.begin(), rest.begin() + zero + 1);
    out->push_back('\xFF');
    rest.remove_prefix(zero + 1);
  }
  out->insert(out->end(), rest.begin(), rest.end());
  out->push_back('\x00');
  out->push_back('\x00');
}
absl::StatusOr<data::DecoratedKey> DecodePartitionPrefix(std::string_view prefix);
// FilterHash (filter.h) of the key of a whole prefix.
uint64_t FilterHashOfPrefix(std::string_view prefix);
// The bytes of `entry_key` that are its partition's prefix; kDataLoss if there is no whole one.
absl::StatusOr<size_t> PartitionPrefixLength(std::string_view entry_key);

// "00000000000000000042.sst", ".tmp".
std::string FileName(uint64_t generation);
std::string TemporaryFileName(uint64_t generation);
// The generation of a name of FileName's form; nothing for other names.
std::optional<uint64_t> ParseFileName(std::string_view name);

}  // namespace tholos::sstable
