#include "client/future.h"

#include <thread>

#include "base/async/task.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

TEST(Futures, AreWaitedForByAThread) {
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_FALSE(future.ready());
  std::thread other([&] { promise.Set(7); });
  EXPECT_EQ(std::move(future).Get(), 7);
  other.join();
  EXPECT_EQ(Future<int>::Ready(8).ready(), true);
}

TEST(Futures, CallBackOnceWhicheverComesFirst) {
  Promise<int> promise;
  int got = 0;
  promise.future().Then([&](int value) { got = value; });
  EXPECT_EQ(got, 0);
  promise.Set(7);
  EXPECT_EQ(got, 7);
  Future<int>::Ready(8).Then([&](int value) { got = value; });
  EXPECT_EQ(got, 8);
}

TEST(Futures, MayBeDropped) {
  Promise<std::unique_ptr<int>> promise;
  {
    auto dropped = promise.future();
  }
  promise.Set(std::make_unique<int>(7));
}

base::Task<bool> AwaitOnLoop(Future<int> future) {
  base::Loop* const home = &base::Loop::Current();
  const int value = co_await std::move(future);
  co_return value == 7 && base::Loop::CurrentOrNull() == home;
}

TEST(Futures, ComeBackToTheLoopTheyWereAwaitedOn) {
  base::RealClock clock;
  const auto executor = base::RealExecutor::Start({.shards = 1, .background = 1}, clock);
  Promise<int> promise;
  std::thread other([promise] { promise.Set(7); });
  EXPECT_TRUE(base::BlockOn(executor->shard(0), AwaitOnLoop(promise.future())));
  other.join();
  EXPECT_TRUE(base::BlockOn(executor->shard(0), AwaitOnLoop(Future<int>::Ready(7))));
}

// A coroutine type that knows nothing of loops.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached AwaitAnywhere(Future<int> future, int* out) { *out = co_await std::move(future); }

TEST(Futures, AreAwaitedInAnyCoroutine) {
  Promise<int> promise;
  int got = 0;
  AwaitAnywhere(promise.future(), &got);
  EXPECT_EQ(got, 0);
  promise.Set(7);
  EXPECT_EQ(got, 7);
}

}  // namespace
}  // namespace tholos::client
