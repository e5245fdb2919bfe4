#include "base/sim/test_world.h"

#include <vector>

#include "base/async/event.h"
#include "base/async/semaphore.h"
#include "base/async/when_all.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::base::sim {
namespace {

using testing::HasSubstr;

Task<int> Answer() {
  co_await Yield();
  co_return 42;
}

TEST(TestWorld, RunsATaskToItsEnd) {
  EXPECT_EQ(RunTask(Answer()), 42);
  EXPECT_EQ(RunTask(Task<int>::Ready(1)), 1);
  bool ran = false;
  RunTask([&]() -> Task<void> {
    co_await base::SleepFor(absl::Hours(0.1));
    ran = true;
  });
  EXPECT_TRUE(ran);
}

TEST(TestWorld, TimeIsVirtualAndShardsAreReal) {
  TestWorld world;
  const MonotonicTime before = world.clock().Now();
  const int64_t wall_before = world.clock().WallMicros();
  const int shard = world.Run([&]() -> Task<int> {
    co_await SwitchTo(world.shard(1));
    co_await base::SleepFor(absl::Seconds(30));
    const int here = world.executor().current_shard();
    co_await SwitchTo(world.executor().background());
    EXPECT_EQ(world.executor().current_shard(), -1);
    co_return here;
  });
  EXPECT_EQ(shard, 1);
  EXPECT_GE(world.clock().Now() - before, absl::Seconds(30));
  EXPECT_LT(world.clock().Now() - before, absl::Seconds(31));
  EXPECT_GE(world.clock().WallMicros() - wall_before, 30'000'000);
}

TEST(TestWorld, ADeadlockIsReported) {
  TestWorld world(5);
  Event never;  // destroyed under its waiter, as the node was killed
  try {
    world.Run([&]() -> Task<void> { co_await never.Wait(); });
    FAIL();
  } catch (const TaskDidNotEnd& e) {
    EXPECT_THAT(e.what(), HasSubstr("deadlock"));
    EXPECT_THAT(e.what(), HasSubstr("THOLOS_SEED=5"));
  }
}

TEST(TestWorld, ATaskThatTakesTooLongIsReported) {
  TestWorld world;
  Scope scope;
  scope.Spawn(base::SleepFor(absl::Hours(2)));
  try {
    world.Run(scope.Stop(), absl::Hours(1));
    FAIL();
  } catch (const TaskDidNotEnd& e) {
    EXPECT_THAT(e.what(), HasSubstr("did not end within 1h"));
  }
}

Task<void> AppendAfter(std::vector<int>* order, int number, absl::Duration delay) {
  co_await base::SleepFor(delay);
  order->push_back(number);
}

TEST(Async, TimersFireInOrder) {
  std::vector<int> order;
  RunTask([&]() -> Task<void> {
    std::vector<Task<void>> tasks;
    tasks.push_back(AppendAfter(&order, 3, absl::Seconds(3)));
    tasks.push_back(AppendAfter(&order, 1, absl::Seconds(1)));
    tasks.push_back(AppendAfter(&order, 2, absl::Seconds(2)));
    co_await WhenAll(std::move(tasks));
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Async, WhenAllKeepsTheOrderOfItsTasks) {
  const auto results = RunTask([]() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    tasks.push_back(Answer());
    tasks.push_back(Task<int>::Ready(7));
    tasks.push_back(RunOn(Loop::Current(), Answer()));
    co_return co_await WhenAll(std::move(tasks));
  });
  EXPECT_EQ(results, (std::vector<int>{42, 7, 42}));
}

TEST(Async, AnEventWaitsUntilItIsSetOrTheDeadlinePasses) {
  TestWorld world;
  Event event;
  world.Run([&]() -> Task<void> {
    const MonotonicTime start = world.clock().Now();
    const bool early = co_await event.WaitUntil(start + absl::Milliseconds(10));
    EXPECT_FALSE(early);
    EXPECT_GE(world.clock().Now() - start, absl::Milliseconds(10));
    event.Set();
    const bool set = co_await event.WaitUntil(start);
    EXPECT_TRUE(set);
  });
}

Task<void> Hold(Semaphore* semaphore, int64_t units, std::vector<int64_t>* order) {
  auto held = co_await semaphore->Acquire(units);
  order->push_back(units);
  co_await base::SleepFor(absl::Milliseconds(1));
}

TEST(Async, ASemaphoreServesInOrder) {
  std::vector<int64_t> order;
  Semaphore semaphore(4);
  RunTask([&]() -> Task<void> {
    Scope scope;
    for (const int64_t units : {3, 2, 9, 1}) scope.Spawn(Hold(&semaphore, units, &order));
    co_await scope.Stop();
  });
  EXPECT_EQ(order, (std::vector<int64_t>{3, 2, 9, 1}));
  EXPECT_EQ(semaphore.available(), 4);
}

}  // namespace
}  // namespace tholos::base::sim
