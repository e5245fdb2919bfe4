#include "base/huge_block.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

#include "base/check.h"

namespace tholos::base {

HugeBlock::HugeBlock(size_t bytes) : bytes_(bytes) {
  THOLOS_CHECK(bytes > 0 && bytes % kPageBytes == 0);
  // One page more, of which the ends that are not aligned are given back.
  const size_t mapped = bytes + kPageBytes;
  void* map = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  auto* start = static_cast<char*>(map);
  const size_t before = (kPageBytes - reinterpret_cast<uintptr_t>(start) % kPageBytes) % kPageBytes;
  data_ = start + before;
  if (before > 0) ::munmap(start, before);
  ::munmap(data_ + bytes, mapped - before - bytes);
  // Not everywhere; then the pages are small.
  (void)::madvise(data_, bytes, MADV_HUGEPAGE);
}

HugeBlock::~HugeBlock() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

HugeBlock::HugeBlock(HugeBlock&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

void AdviseHugePages(char* memory, size_t bytes) {
  constexpr size_t kWorthBytes = 4 * HugeBlock::kPageBytes;
  if (bytes < kWorthBytes) return;
  const size_t before = -reinterpret_cast<uintptr_t>(memory) % HugeBlock::kPageBytes;
  const size_t whole = (bytes - before) / HugeBlock::kPageBytes * HugeBlock::kPageBytes;
  (void)::madvise(memory + before, whole, MADV_HUGEPAGE);
}

}  // namespace tholos::base
