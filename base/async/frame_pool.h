// Memory of coroutine frames. A request starts and ends a handful of coroutines, of sizes that
// come again and again, and of which some lie beyond what malloc keeps ready for a thread (glibc:
// 1 KiB): those cost more than the work they do.
//
//   thread -> free lists by size: 1..64, 65..128, ... 1985..2048 bytes (larger ones: operator new)
//
// A frame goes to the list of the thread that frees it; a list holds kKeptMax frames, so at most
// 32 * 256 frames of 1 KiB on average, 8 MiB a thread. Under a sanitizer there are no lists: it
// must see every use of a frame that is gone.
#pragma once

#include <cstddef>

namespace tholos::base {

class FramePool {
 public:
  static constexpr size_t kStep = 64;
  static constexpr size_t kFrameBytesMax = 2048;
  static constexpr size_t kKeptMax = 256;

  static void* Allocate(size_t bytes);
  // `bytes` as they were allocated.
  static void Free(void* frame, size_t bytes);
  // Frames in the lists of this thread.
  static size_t kept();
};

// What a promise type derives from, so that its coroutine's frame comes from the pool.
struct PooledFrame {
  static void* operator new(size_t bytes) { return FramePool::Allocate(bytes); }
  static void operator delete(void* frame, size_t bytes) { FramePool::Free(frame, bytes); }
};

}  // namespace tholos::base
