#include "base/async/frame_pool.h"

#include <cstdint>
#include <new>

namespace tholos::base {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THOLOS_FRAMES_UNPOOLED 1
#endif
#endif
#ifdef THOLOS_FRAMES_UNPOOLED
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

struct FreeFrame {
  FreeFrame* next;
};

constexpr size_t kLists = FramePool::kFrameBytesMax / FramePool::kStep;

// Plain data, so that reaching it costs no check for initialisation.
struct Lists {
  FreeFrame* first[kLists];
  uint16_t count[kLists];
  bool ended;
};
constinit thread_local Lists lists = {};

// Empties the lists when the thread ends; frames that are freed later go straight back.
struct Emptier {
  ~Emptier() {
    lists.ended = true;
    for (FreeFrame*& first : lists.first) {
      while (first != nullptr) {
        FreeFrame* frame = first;
        first = frame->next;
        ::operator delete(frame);
      }
    }
  }
};
thread_local Emptier emptier;

size_t ListOf(size_t bytes) { return (bytes - 1) / FramePool::kStep; }

}  // namespace

void* FramePool::Allocate(size_t bytes) {
  if (!kPooled || bytes > kFrameBytesMax) return ::operator new(bytes);
  const size_t list = ListOf(bytes);
  if (FreeFrame* frame = lists.first[list]; frame != nullptr) [[likely]] {
    lists.first[list] = frame->next;
    --lists.count[list];
    return frame;
  }
  [[maybe_unused]] volatile const Emptier* registered = &emptier;
  return ::operator new((list + 1) * kStep);
}

void FramePool::Free(void* frame, size_t bytes) {
  if (!kPooled || bytes > kFrameBytesMax) return ::operator delete(frame);
  const size_t list = ListOf(bytes);
  if (lists.count[list] == kKeptMax || lists.ended) return ::operator delete(frame);
  lists.first[list] = new (frame) FreeFrame{lists.first[list]};
  ++lists.count[list];
}

size_t FramePool::kept() {
  size_t kept = 0;
  for (const uint16_t count : lists.count) kept += count;
  return kept;
}

}  // namespace tholos::base
