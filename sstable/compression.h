// How the blocks of an SSTable are compressed, and what a table's option says about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::sstable {

// As the trailer of a block has it.
enum class Compression : uint8_t {
  kNone = 0,
  kLz4 = 1,             // LZ4 block format
  kZstd = 2,            // a Zstandard frame
  kZstdDictionary = 3,  // a Zstandard frame that needs the file's dictionary
};

struct CompressionOptions {
  Compression algorithm = Compression::kLz4;  // kNone, kLz4 or kZstd
  int level = 3;                              // of Zstandard
  size_t block_bytes = 16 << 10;              // before compression
  friend bool operator==(const CompressionOptions&, const CompressionOptions&) = default;
};

// From the table option `compression`, a map of strings as CQL has it: class (LZ4Compressor,
// ZstdCompressor, NoopCompressor or '' for none), enabled, compression_level, chunk_length_in_kb.
// kInvalidArgument names the option and what is wrong.
absl::StatusOr<CompressionOptions> ParseCompression(
    const std::map<std::string, std::string>& options);

// A dictionary of at most `bytes_max` for data like the samples; empty if they are too few or too
// small to learn from. Takes some 100 ms for 2 MiB of samples.
std::string TrainDictionary(const std::vector<std::string>& samples, size_t bytes_max);

// Confined to one loop, as are its calls.
class BlockCompressor {
 public:
  BlockCompressor(Compression algorithm, int level);
  ~BlockCompressor();
  BlockCompressor(BlockCompressor&&) noexcept;

  // Blocks from now on; only for kZstd.
  void SetDictionary(std::string_view dictionary);
  // Appends the payload, compressed, or as it is where that is not smaller. What was done.
  Compression Append(std::string_view payload, std::string* out);

 private:
  struct Zstd;
  const Compression algorithm_;
  const int level_;
  std::unique_ptr<Zstd> zstd_;
};

class BlockDecompressor {
 public:
  // With the file's dictionary; empty: it has none.
  explicit BlockDecompressor(std::string_view dictionary = {});
  ~BlockDecompressor();
  BlockDecompressor(BlockDecompressor&&) noexcept;
  BlockDecompressor& operator=(BlockDecompressor&&) noexcept;

  // The payload of `raw_size` bytes. kDataLoss says what is wrong.
  absl::StatusOr<std::string> Decompress(Compression compression, std::string_view stored,
                                         uint32_t raw_size);
  // Into memory for that many bytes. Before any is asked for, CheckSize says whether `stored` can
  // be that much.
  absl::Status DecompressTo(Compression compression, std::string_view stored, uint32_t raw_size,
                            char* to);
  static absl::Status CheckSize(Compression compression, std::string_view stored,
                                uint32_t raw_size);
  // The first `bytes` of it, at less cost than the whole if it is LZ4, else the whole. Damage
  // behind them may go unseen.
  absl::Status DecompressStart(Compression compression, std::string_view stored, uint32_t raw_size,
                               uint32_t bytes, char* to);

 private:
  struct Zstd;
  absl::Status DecompressZstd(std::string_view stored, uint32_t raw_size, bool with_dictionary,
                              char* to);
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace tholos::sstable
