// Memory straight from the operating system, in pages of 2 MiB where it gives such.
//
// A processor has translations for 4 KiB pages of some 8 MiB at hand: structures much larger than
// that, read at random, wait for the page table with nearly every access. In pages of 2 MiB they do
// not, and 512 faults become one. Linux gives them for the asking if
// /sys/kernel/mm/transparent_hugepage/enabled is `madvise` or `always`; else these are ordinary.
//
// A page is resident as a whole as soon as one byte of it is used: for what is filled to its end.
#pragma once

#include <cstddef>

namespace tholos::base {

class HugeBlock {
 public:
  static constexpr size_t kPageBytes = size_t{2} << 20;

  // Of zeros; `bytes` is a multiple of kPageBytes, and so is the address. std::bad_alloc.
  explicit HugeBlock(size_t bytes);
  ~HugeBlock();
  HugeBlock(HugeBlock&& other) noexcept;
  HugeBlock& operator=(HugeBlock&&) = delete;

  char* data() const { return data_; }

 private:
  char* data_;
  size_t bytes_;
};

// Asks for the same for [memory, memory + bytes) of an allocator's, of which nothing was touched;
// nothing happens below some MiB.
void AdviseHugePages(char* memory, size_t bytes);

}  // namespace tholos::base
