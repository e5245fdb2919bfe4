#include "sstable/compression.h"

#include <lz4.h>
#include <zdict.h>
#include <zstd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/format.h"

namespace tholos::sstable {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using CompressContext = std::unique_ptr<ZSTD_CCtx, Freer<ZSTD_freeCCtx>>;
using CompressDictionary = std::unique_ptr<ZSTD_CDict, Freer<ZSTD_freeCDict>>;
using DecompressContext = std::unique_ptr<ZSTD_DCtx, Freer<ZSTD_freeDCtx>>;
using DecompressDictionary = std::unique_ptr<ZSTD_DDict, Freer<ZSTD_freeDDict>>;

// Fewer samples give no useful dictionary.
constexpr size_t kSamplesMin = 8;

// 0 if it does not fit.
size_t CompressLz4(std::string_view payload, char* out, size_t bound) {
  const int written = LZ4_compress_default(payload.data(), out, static_cast<int>(payload.size()),
                                           static_cast<int>(bound));
  return written > 0 ? static_cast<size_t>(written) : 0;
}

// The first `bytes` of the payload.
absl::Status DecompressLz4(std::string_view stored, uint32_t raw_size, uint32_t bytes, char* to) {
  const auto stored_size = static_cast<int>(stored.size());
  const auto wanted = static_cast<int>(bytes);
  const int read = bytes == raw_size ? LZ4_decompress_safe(stored.data(), to, stored_size, wanted)
                                     : LZ4_decompress_safe_partial(stored.data(), to, stored_size,
                                                                   wanted, wanted);
  if (read != wanted) return absl::DataLossError("malformed LZ4 data");
  return absl::OkStatus();
}

absl::Status Wrong(std::string_view option, std::string_view value, std::string_view expected) {
  return absl::InvalidArgumentError(
      base::StrCat("compression option '", option, "': '", value, "' is not ", expected));
}

}  // namespace

// Options ----------------------------------------------------------------------------------------

absl::StatusOr<CompressionOptions> ParseCompression(
    const std::map<std::string, std::string>& options) {
  CompressionOptions out;
  for (const auto& [name, value] : options) {
    if (name == "class" || name == "sstable_compression") {
      const size_t dot = value.rfind('.');
      const std::string kind = dot == std::string::npos ? value : value.substr(dot + 1);
      if (kind == "LZ4Compressor") {
        out.algorithm = Compression::kLz4;
      } else if (kind == "ZstdCompressor" || kind == "ZstdDictionaryCompressor") {
        out.algorithm = Compression::kZstd;
      } else if (kind == "NoopCompressor" || kind.empty()) {
        out.algorithm = Compression::kNone;
      } else {
        return Wrong(name, value, "LZ4Compressor, ZstdCompressor, NoopCompressor or ''");
      }
    } else if (name == "compression_level") {
      if (!absl::SimpleAtoi(value, &out.level) || out.level < 1 || out.level > ZSTD_maxCLevel()) {
        return Wrong(name, value, base::StrCat("an integer from 1 to ", ZSTD_maxCLevel()));
      }
    } else if (name == "chunk_length_in_kb" || name == "chunk_length_kb") {
      uint64_t kilobytes = 0;
      if (!absl::SimpleAtoi(value, &kilobytes) || kilobytes < 1 || kilobytes > 1024) {
        return Wrong(name, value, "an integer from 1 to 1024");
      }
      out.block_bytes = kilobytes << 10;
    } else if (name == "enabled") {
      if (value != "true" && value != "false") return Wrong(name, value, "true or false");
    } else if (name != "crc_check_chance" && name != "min_compress_ratio" &&
               name != "max_compressed_length" && name != "lz4_compressor_type" &&
               name != "lz4_high_compressor_level") {
      return absl::InvalidArgumentError(base::StrCat("unknown compression option '", name, "'"));
    }
  }
  const auto enabled = options.find("enabled");
  if (enabled != options.end() && enabled->second == "false") out.algorithm = Compression::kNone;
  return out;
}

// Compressing ------------------------------------------------------------------------------------

std::string TrainDictionary(const std::vector<std::string>& samples, size_t bytes_max) {
  if (samples.size() < kSamplesMin) return "";
  std::string joined;
  std::vector<size_t> sizes;
  for (const std::string& sample : samples) {
    joined += sample;
    sizes.push_back(sample.size());
  }
  std::string dictionary(bytes_max, '\0');
  const size_t bytes = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), joined.data(),
                                             sizes.data(), static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(bytes)) return "";
  dictionary.resize(bytes);
  return dictionary;
}

struct BlockCompressor::Zstd {
  CompressContext context;
  CompressDictionary dictionary;
};

BlockCompressor::BlockCompressor(Compression algorithm, int level)
    : algorithm_(algorithm), level_(level) {
  if (algorithm_ == Compression::kZstd) {
    zstd_ = std::make_unique<Zstd>();
    zstd_->context.reset(ZSTD_createCCtx());
    THOLOS_CHECK(zstd_->context != nullptr);
  }
}

BlockCompressor::~BlockCompressor() = default;
BlockCompressor::BlockCompressor(BlockCompressor&&) noexcept = default;

void BlockCompressor::SetDictionary(std::string_view dictionary) {
  THOLOS_CHECK(zstd_ != nullptr);
  zstd_->dictionary.reset(ZSTD_createCDict(dictionary.data(), dictionary.size(), level_));
}

Compression BlockCompressor::Append(std::string_view payload, std::string* out) {
  const bool possible = algorithm_ != Compression::kNone && payload.size() <= LZ4_MAX_INPUT_SIZE;
  if (!possible) {
    out->append(payload);
    return Compression::kNone;
  }
  const size_t start = out->size();
  size_t written = 0;
  Compression done = algorithm_;
  if (algorithm_ == Compression::kLz4) {
    const auto bound = static_cast<size_t>(LZ4_compressBound(static_cast<int>(payload.size())));
    out->resize(start + bound);
    written = CompressLz4(payload, out->data() + start, bound);
  } else {
    const size_t bound = ZSTD_compressBound(payload.size());
    out->resize(start + bound);
    if (zstd_->dictionary != nullptr) {
      done = Compression::kZstdDictionary;
      written = ZSTD_compress_usingCDict(zstd_->context.get(), out->data() + start, bound,
                                         payload.data(), payload.size(), zstd_->dictionary.get());
    } else {
      written = ZSTD_compressCCtx(zstd_->context.get(), out->data() + start, bound, payload.data(),
                                  payload.size(), level_);
    }
    if (ZSTD_isError(written)) written = 0;
  }
  if (written > 0 && written < payload.size()) {
    out->resize(start + written);
    return done;
  }
  out->resize(start);
  out->append(payload);
  return Compression::kNone;
}

// Decompressing ----------------------------------------------------------------------------------

struct BlockDecompressor::Zstd {
  DecompressContext context;  // made when it is needed first
  DecompressDictionary dictionary;
};

BlockDecompressor::BlockDecompressor(std::string_view dictionary)
    : zstd_(std::make_unique<Zstd>()) {
  if (dictionary.empty()) return;
  zstd_->dictionary.reset(ZSTD_createDDict(dictionary.data(), dictionary.size()));
}

BlockDecompressor::~BlockDecompressor() = default;
BlockDecompressor::BlockDecompressor(BlockDecompressor&&) noexcept = default;
BlockDecompressor& BlockDecompressor::operator=(BlockDecompressor&&) noexcept = default;

absl::StatusOr<std::string> BlockDecompressor::Decompress(Compression compression,
                                                          std::string_view stored,
                                                          uint32_t raw_size) {
  THOLOS_RETURN_IF_ERROR(CheckSize(compression, stored, raw_size));
  std::string payload(raw_size, '\0');
  THOLOS_RETURN_IF_ERROR(DecompressTo(compression, stored, raw_size, payload.data()));
  return payload;
}

absl::Status BlockDecompressor::CheckSize(Compression compression, std::string_view stored,
                                          uint32_t raw_size) {
  switch (compression) {
    case Compression::kNone:
      if (raw_size == stored.size()) return absl::OkStatus();
      return absl::DataLossError("sizes disagree");
    case Compression::kLz4:
      // LZ4 gives at most 255 bytes for one.
      if (raw_size <= kBlockBytesMax && raw_size / 255 <= stored.size()) return absl::OkStatus();
      return absl::DataLossError(
          base::StrCat("impossible size ", raw_size, " of ", stored.size(), " compressed bytes"));
    case Compression::kZstd:
    case Compression::kZstdDictionary:
      if (raw_size <= kBlockBytesMax &&
          ZSTD_getFrameContentSize(stored.data(), stored.size()) == raw_size) {
        return absl::OkStatus();
      }
      return absl::DataLossError("malformed Zstandard data: another size");
  }
  return absl::DataLossError("unknown compression");
}

absl::Status BlockDecompressor::DecompressTo(Compression compression, std::string_view stored,
                                             uint32_t raw_size, char* to) {
  return DecompressStart(compression, stored, raw_size, raw_size, to);
}

absl::Status BlockDecompressor::DecompressStart(Compression compression, std::string_view stored,
                                                uint32_t raw_size, uint32_t bytes, char* to) {
  switch (compression) {
    case Compression::kNone:
      std::copy_n(stored.data(), raw_size, to);
      return absl::OkStatus();
    case Compression::kLz4:
      return DecompressLz4(stored, raw_size, bytes, to);
    case Compression::kZstd:
      return DecompressZstd(stored, raw_size, false, to);
    case Compression::kZstdDictionary:
      return DecompressZstd(stored, raw_size, true, to);
  }
  return absl::DataLossError("unknown compression");
}

absl::Status BlockDecompressor::DecompressZstd(std::string_view stored, uint32_t raw_size,
                                               bool with_dictionary, char* to) {
  if (with_dictionary && zstd_->dictionary == nullptr) {
    return absl::DataLossError("a block needs the dictionary, which the file does not have");
  }
  if (zstd_->context == nullptr) zstd_->context.reset(ZSTD_createDCtx());
  const size_t read =
      with_dictionary
          ? ZSTD_decompress_usingDDict(zstd_->context.get(), to, raw_size, stored.data(),
                                       stored.size(), zstd_->dictionary.get())
          : ZSTD_decompressDCtx(zstd_->context.get(), to, raw_size, stored.data(), stored.size());
  if (ZSTD_isError(read) || read != raw_size) {
    return absl::DataLossError("malformed Zstandard data");
  }
  return absl::OkStatus();
}

}  // namespace tholos::sstable
