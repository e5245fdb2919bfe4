#include "storage/memtable/arena.h"

#include <algorithm>
#include <bit>
#include <new>

namespace tholos::storage {
namespace {
constexpr size_t kPowers = 16;
}  // namespace

size_t Arena::PieceBytes(size_t bytes) {
  bytes = std::max(RoundUp(bytes), sizeof(FreePiece));
  return bytes <= kExactBytesMax ? bytes : std::bit_ceil(bytes);
}

size_t Arena::ListOf(size_t piece_bytes) {
  if (piece_bytes <= kExactBytesMax) return piece_bytes / kAlignment;
  return kExactBytesMax / kAlignment + static_cast<size_t>(std::countr_zero(piece_bytes)) - 10;
}

char* Arena::Allocate(size_t bytes) {
  if (bytes > kLargeBytes) {
    std::unique_ptr<char[]> piece(new char[bytes]);
    char* at = piece.get();
    large_.emplace(at, std::move(piece));
    bytes_ += bytes;
    return at;
  }
  const size_t piece_bytes = PieceBytes(bytes);
  if (!free_.empty()) {
    FreePiece*& first = free_[ListOf(piece_bytes)];
    if (first != nullptr) {
      FreePiece* piece = first;
      first = piece->next;
      return reinterpret_cast<char*>(piece);
    }
  }
  return TakeFromBlock(piece_bytes);
}

char* Arena::TakeFromBlock(size_t bytes) {
  if (bytes > left_) {
    // A piece that is large for the block size has a block of its own; the current one goes on.
    if (bytes > block_bytes_ / 4) {
      blocks_.emplace_back(new char[bytes]);
      bytes_ += bytes;
      block_bytes_ = std::min(2 * block_bytes_, kBlockBytesMax);
      return blocks_.back().get();
    }
    bytes_ += left_;
    StartBlock();
  }
  char* piece = next_;
  next_ += bytes;
  left_ -= bytes;
  bytes_ += bytes;
  return piece;
}

void Arena::StartBlock() {
  if (bytes_ >= kHugeFromBytes) {
    next_ = huge_blocks_.emplace_back(base::HugeBlock::kPageBytes).data();
    left_ = base::HugeBlock::kPageBytes;
    return;
  }
  next_ = blocks_.emplace_back(new char[block_bytes_]).get();
  left_ = block_bytes_;
  block_bytes_ = std::min(2 * block_bytes_, kBlockBytesMax);
}

void Arena::Free(char* piece, size_t bytes) {
  if (bytes > kLargeBytes) {
    bytes_ -= bytes;
    large_.erase(piece);
    return;
  }
  if (free_.empty()) free_.resize(kExactBytesMax / kAlignment + kPowers);
  FreePiece*& first = free_[ListOf(PieceBytes(bytes))];
  first = new (piece) FreePiece{first};
}

}  // namespace tholos::storage
