// A search in a block that is still compressed, for one lookup of a block that no cache will keep:
// it decompresses the payload up to the restart behind the key, half of it on average, and checks
// the entries that it passes, instead of all.
//
//   payload   [ header, heads, restarts | entries ....... interval of the key | not decompressed ]
//
// An answer is what Block::Around would give, but that `after` may be missing where the key is not
// there. Where this cannot say, for whatever reason, damage among them, it gives nothing: then the
// whole block is to be parsed, which says what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sstable/block.h"
#include "sstable/compression.h"
#include "sstable/format.h"

namespace tholos::sstable {

// Confined to one loop. Refers to all it is given: `sealed` is one that CheckSeal has let pass,
// `memory` is for sealed.raw_size bytes.
class BlockPrefix {
 public:
  BlockPrefix(const SealedBlock& sealed, BlockDecompressor& decompressor, char* memory)
      : sealed_(sealed), decompressor_(decompressor), memory_(memory) {}

  std::optional<Block::Neighbours> Around(std::string_view key);
  std::optional<std::string_view> FirstKey();
  // Of the payload, so far.
  uint32_t bytes_read() const { return bytes_read_; }

 private:
  bool ReadTo(uint64_t bytes);
  bool ReadHeader();
  const char* entries() const { return memory_ + entries_at_; }
  uint32_t Restart(size_t i) const;
  // The walk for `key` is from the first to before the second, offsets of entries.
  struct Interval {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  std::optional<Interval> IntervalOf(std::string_view key);

  const SealedBlock sealed_;
  BlockDecompressor& decompressor_;
  char* const memory_;
  uint32_t bytes_read_ = 0;
  uint32_t restarts_ = 0;  // 0: the header was not read yet
  uint32_t common_bytes_ = 0;
  uint32_t entries_at_ = 0;
};

}  // namespace tholos::sstable
