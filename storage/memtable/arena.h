// The memory of one memtable: handed out front to back from blocks that grow from 4 KiB to 1 MiB,
// and beyond 16 MiB are huge pages (base/huge_block.h; of the last one all is resident, an eighth of
// the memtable at most); given back all at once with the arena. What is freed before is kept by size and handed out again,
// so rows that are overwritten with values of the same size take no more memory than one version.
//
// Pieces beyond 64 KiB have memory of their own and really go when they are freed.
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/huge_block.h"

namespace tholos::storage {

class Arena {
 public:
  static constexpr size_t kAlignment = 8;
  static constexpr size_t kLargeBytes = 64 << 10;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Aligned for 8 bytes.
  char* Allocate(size_t bytes);
  // `bytes` as they were allocated.
  void Free(char* piece, size_t bytes);

  // Handed out and not given back to the system.
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kFirstBlockBytes = 4 << 10;
  static constexpr size_t kBlockBytesMax = 1 << 20;
  static constexpr uint64_t kHugeFromBytes = 16 << 20;
  // Pieces of up to 2 KiB are kept by their exact size, larger ones by power of two.
  static constexpr size_t kExactBytesMax = 2 << 10;
  struct FreePiece {
    FreePiece* next;
  };

  static size_t RoundUp(size_t bytes) { return (bytes + kAlignment - 1) & ~(kAlignment - 1); }
  // What is really handed out for `bytes`.
  static size_t PieceBytes(size_t bytes);
  static size_t ListOf(size_t piece_bytes);
  char* TakeFromBlock(size_t bytes);
  // Of block_bytes_ at least, which then grows: next_ and left_.
  void StartBlock();

  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<base::HugeBlock> huge_blocks_;
  std::unordered_map<char*, std::unique_ptr<char[]>> large_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t block_bytes_ = kFirstBlockBytes;
  uint64_t bytes_ = 0;
  // Made when something is freed for the first time.
  std::vector<FreePiece*> free_;
};

}  // namespace tholos::storage
