#include "base/async/frame_pool.h"

#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

// Sanitizers see plain allocations; there is nothing to keep then.
bool Pooled() {
  void* frame = FramePool::Allocate(100);
  FramePool::Free(frame, 100);
  return FramePool::kept() > 0;
}

TEST(FramePool, AFrameIsUsedAgainForOneOfItsSizeClass) {
  if (!Pooled()) GTEST_SKIP();
  void* frame = FramePool::Allocate(100);
  FramePool::Free(frame, 100);
  EXPECT_EQ(FramePool::Allocate(128), frame);
  EXPECT_NE(FramePool::Allocate(128), frame);
  FramePool::Free(frame, 128);
  EXPECT_NE(FramePool::Allocate(129), frame);
}

TEST(FramePool, FramesInUseAreApartAndListsAreBounded) {
  const size_t before = FramePool::kept();
  std::vector<void*> frames;
  for (size_t i = 0; i < 4 * FramePool::kKeptMax; ++i) frames.push_back(FramePool::Allocate(700));
  EXPECT_EQ(std::set<void*>(frames.begin(), frames.end()).size(), frames.size());
  for (void* frame : frames) FramePool::Free(frame, 700);
  EXPECT_LE(FramePool::kept(), before + FramePool::kKeptMax);
}

TEST(FramePool, LargeFramesAreNotKept) {
  const size_t before = FramePool::kept();
  FramePool::Free(FramePool::Allocate(FramePool::kFrameBytesMax + 1),
                  FramePool::kFrameBytesMax + 1);
  EXPECT_EQ(FramePool::kept(), before);
}

TEST(FramePool, AFrameMayBeFreedOnAnotherThread) {
  void* frame = FramePool::Allocate(300);
  std::thread other([frame] {
    FramePool::Free(frame, 300);
    FramePool::Free(FramePool::Allocate(300), 300);
  });
  other.join();
}

}  // namespace
}  // namespace tholos::base
