#include "base/async/run_now.h"

#include "base/async/event.h"
#include "base/sim/test_world.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

Task<void> CountAfter(Event* event, int* ended) {
  if (event != nullptr) co_await event->Wait();
  ++*ended;
}

TEST(RunNow, RunsUpToTheFirstWait) {
  sim::RunTask([]() -> Task<void> {
    Gate gate;
    Event go;
    Event posted;
    int ended = 0;
    Loop::Current().Post([&] {
      EXPECT_TRUE(RunNow(gate, CountAfter(nullptr, &ended)));
      EXPECT_EQ(ended, 1);
      EXPECT_EQ(gate.inside(), 0);
      EXPECT_TRUE(RunNow(gate, CountAfter(&go, &ended)));
      EXPECT_EQ(ended, 1);
      EXPECT_EQ(gate.inside(), 1);
      posted.Set();
    });
    co_await posted.Wait();
    go.Set();
    co_await gate.Close();
    EXPECT_EQ(ended, 2);
    Event refused;
    Loop::Current().Post([&] {
      EXPECT_FALSE(RunNow(gate, CountAfter(nullptr, &ended)));
      refused.Set();
    });
    co_await refused.Wait();
    EXPECT_EQ(ended, 2);
  });
}

}  // namespace
}  // namespace tholos::base
