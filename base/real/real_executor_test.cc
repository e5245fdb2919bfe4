#include "base/real/real_executor.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/when_all.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_random.h"

namespace tholos::base {
namespace {

class RealExecutorTest : public testing::TestWithParam<bool> {
 protected:
  RealExecutorOptions Options() const {
    RealExecutorOptions options;
    options.shards = 2;
    options.background = 2;
    options.use_io_uring = GetParam();
    return options;
  }
  RealClock clock_;
  std::unique_ptr<RealExecutor> executor_ = RealExecutor::Start(Options(), clock_);
};

INSTANTIATE_TEST_SUITE_P(Modes, RealExecutorTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "io_uring" : "poll"; });

TEST(ShardOfToken, EqualSlicesOfTheSignedSpace) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  struct Case {
    int64_t token;
    int shards;
    int expected;
  };
  const Case cases[] = {
      {kMin, 1, 0},
      {kMax, 1, 0},
      {kMin, 2, 0},
      {-1, 2, 0},
      {0, 2, 1},
      {kMax, 2, 1},
      {kMin, 64, 0},
      {kMax, 64, 63},
      {kMin / 2, 4, 1},
      {0, 4, 2},
      {kMin / 2 - 1, 4, 0},
      {kMax / 2 + 1, 4, 3},
      {kMin, 3, 0},
      {kMax, 3, 2},
      {kMin + (int64_t{1} << 58), 64, 1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ShardOfToken(c.token, c.shards), c.expected) << c.token << " of " << c.shards;
  }
}

Task<int> One() { co_return 1; }

Task<int64_t> AwaitMany(int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += co_await One();
  co_return sum;
}

TEST_P(RealExecutorTest, TenMillionSynchronousAwaitsUseNoStack) {
  EXPECT_EQ(BlockOn(executor_->shard(0), AwaitMany(10'000'000)), 10'000'000);
}

Task<int> Deep(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Deep(depth - 1);
}

TEST_P(RealExecutorTest, DeepChainOfAwaitsUsesNoStack) {
  EXPECT_EQ(BlockOn(executor_->shard(0), Deep(1'000'000)), 1'000'000);
}

Task<std::string> ThreadName() {
  char name[16];
  pthread_getname_np(pthread_self(), name, sizeof(name));
  co_return std::string(name);
}

Task<int> CurrentShard(RealExecutor* executor) { co_return executor->current_shard(); }

TEST_P(RealExecutorTest, ThreadsAreNamedAndKnowTheirShard) {
  EXPECT_EQ(BlockOn(executor_->shard(0), ThreadName()), "shard-0");
  EXPECT_EQ(BlockOn(executor_->shard(1), ThreadName()), "shard-1");
  EXPECT_EQ(BlockOn(executor_->shard(1), CurrentShard(executor_.get())), 1);
  std::set<std::string> background;
  for (int i = 0; i < 2; ++i) background.insert(BlockOn(executor_->background(), ThreadName()));
  EXPECT_EQ(background, (std::set<std::string>{"bg-0", "bg-1"}));
  EXPECT_EQ(BlockOn(executor_->background(), CurrentShard(executor_.get())), -1);
  EXPECT_EQ(executor_->current_shard(), -1);
}

Task<bool> HopAround(RealExecutor* executor) {
  bool right = true;
  for (int i = 0; i < 1000; ++i) {
    Loop& home = Loop::Current();
    const int there = co_await RunOn(executor->shard(1), CurrentShard(executor));
    right = right && there == 1 && &Loop::Current() == &home;
    co_await SwitchTo(executor->background());
    right = right && executor->current_shard() == -1;
    co_await SwitchTo(executor->shard(0));
    right = right && executor->current_shard() == 0;
  }
  co_return right;
}

TEST_P(RealExecutorTest, TasksHopBetweenLoops) {
  EXPECT_TRUE(BlockOn(executor_->shard(0), HopAround(executor_.get())));
}

Task<bool> WaitForEvent(Event* event, absl::Duration span) {
  co_return co_await event->WaitUntil(Loop::Current().clock().Now() + span);
}

Task<void> SetLater(Event* event, absl::Duration span) {
  co_await base::SleepFor(span);
  event->Set();
}

Task<std::vector<bool>> EventsWithDeadlines() {
  Event never, later, now;
  now.Set();
  Scope scope;
  scope.Spawn(SetLater(&later, absl::Milliseconds(5)));
  std::vector<Task<bool>> waits;
  waits.push_back(WaitForEvent(&never, absl::Milliseconds(10)));
  waits.push_back(WaitForEvent(&later, absl::Seconds(100)));
  waits.push_back(WaitForEvent(&now, absl::ZeroDuration()));
  waits.push_back(WaitForEvent(&never, -absl::Seconds(1)));
  std::vector<bool> results = co_await WhenAll(std::move(waits));
  co_await scope.Stop();
  co_return results;
}

TEST_P(RealExecutorTest, EventsEndAtTheirDeadline) {
  const MonotonicTime start = clock_.Now();
  EXPECT_EQ(BlockOn(executor_->shard(0), EventsWithDeadlines()),
            (std::vector<bool>{false, true, true, false}));
  EXPECT_GE(clock_.Now() - start, absl::Milliseconds(10));
  EXPECT_LT(clock_.Now() - start, absl::Seconds(50));
}

Task<std::vector<int>> TimersInOrder() {
  std::vector<int> order;
  Timer late, early, cancelled;
  Event done;
  const MonotonicTime now = Loop::Current().clock().Now();
  late.Start(now + absl::Milliseconds(4), [&] {
    order.push_back(2);
    done.Set();
  });
  early.Start(now + absl::Milliseconds(2), [&] { order.push_back(1); });
  cancelled.Start(now + absl::Milliseconds(1), [&] { order.push_back(0); });
  cancelled.Cancel();
  co_await done.Wait();
  co_return order;
}

TEST_P(RealExecutorTest, TimersFireInOrderAndCancelledOnesDoNot) {
  EXPECT_EQ(BlockOn(executor_->shard(0), TimersInOrder()), (std::vector<int>{1, 2}));
}

Task<void> HoldUnits(Semaphore* semaphore, int64_t units, int64_t* in_use, int64_t* peak) {
  Semaphore::Units held = co_await semaphore->Acquire(units);
  *in_use += units;
  *peak = std::max(*peak, *in_use);
  for (int i = 0; i < 3; ++i) co_await Yield();
  *in_use -= units;
}

Task<int64_t> SemaphorePeak() {
  Semaphore semaphore(10);
  int64_t in_use = 0, peak = 0;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(HoldUnits(&semaphore, 1 + i % 7, &in_use, &peak));
  co_await WhenAll(std::move(tasks));
  THOLOS_CHECK(semaphore.available() == 10);
  co_return peak;
}

TEST_P(RealExecutorTest, SemaphoreNeverLendsMoreThanItHas) {
  const int64_t peak = BlockOn(executor_->shard(0), SemaphorePeak());
  EXPECT_LE(peak, 10);
  EXPECT_GE(peak, 7);
}

Task<void> CountAfterYield(int* count) {
  co_await Yield();
  ++*count;
}

Task<std::pair<int, bool>> ScopeWaits() {
  Scope scope;
  int count = 0;
  for (int i = 0; i < 100; ++i) scope.Spawn(CountAfterYield(&count));
  co_await scope.Stop();
  const bool spawned_late = scope.Spawn(CountAfterYield(&count));
  co_return std::make_pair(count, spawned_late);
}

TEST_P(RealExecutorTest, ScopeStopsWhenItsLastTaskEnded) {
  EXPECT_EQ(BlockOn(executor_->shard(0), ScopeWaits()), std::make_pair(100, false));
}

TEST_P(RealExecutorTest, MailKeepsTheOrderOfEachSender) {
  constexpr int kSenders = 4, kMessages = 50'000;
  std::vector<int> next(kSenders, 0);
  bool in_order = true;
  std::atomic<int> left = kSenders * kMessages;
  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      for (int i = 0; i < kMessages; ++i) {
        executor_->shard(0).Post([&, s, i] {
          in_order = in_order && next[s]++ == i;
          if (--left == 0) left.notify_all();
        });
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  for (int now = left; now != 0; now = left) left.wait(now);
  BlockOn(executor_->shard(0), One());
  EXPECT_TRUE(in_order);
}

Task<std::string> OrderOnOneLoop() {
  std::string order;
  Event done;
  Loop& loop = Loop::Current();
  loop.Post([&order] { order += 'a'; });
  loop.Post([&order] { order += 'b'; });
  co_await Yield();
  order += 'c';
  loop.Post([&order, &done] {
    order += 'd';
    done.Set();
  });
  co_await done.Wait();
  co_return order;
}

TEST_P(RealExecutorTest, ReadyAndPostedWorkOfOneLoopRunsInOrder) {
  EXPECT_EQ(BlockOn(executor_->shard(0), OrderOnOneLoop()), "abcd");
}

Task<int64_t> YieldForever(const std::atomic<bool>* stop) {
  int64_t turns = 0;
  while (!*stop) {
    co_await Yield();
    ++turns;
  }
  co_return turns;
}

Task<bool> TimerAndMailBesideBusyWork(RealExecutor* executor) {
  std::atomic<bool> stop = false;
  Scope scope;
  struct Busy {
    static Task<void> Run(const std::atomic<bool>* stop) { co_await YieldForever(stop); }
  };
  for (int i = 0; i < 3; ++i) scope.Spawn(Busy::Run(&stop));
  co_await base::SleepFor(absl::Milliseconds(1));
  co_await RunOn(executor->shard(1), One());
  stop = true;
  co_await scope.Stop();
  co_return true;
}

TEST_P(RealExecutorTest, TimersAndMailGetTheirTurnBesideEndlessWork) {
  EXPECT_TRUE(BlockOn(executor_->shard(0), TimerAndMailBesideBusyWork(executor_.get())));
}

int64_t ProcessCpuNanos() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

TEST_P(RealExecutorTest, AnIdleExecutorUsesNoProcessor) {
  BlockOn(executor_->shard(0), One());
  const int64_t before = ProcessCpuNanos();
  BlockOn(executor_->shard(0), SleepUntil(clock_.Now() + absl::Milliseconds(200)));
  EXPECT_LT(ProcessCpuNanos() - before, 100'000'000);
}

TEST_P(RealExecutorTest, BlockingCallsReturnToTheirLoop) {
  struct Test {
    static Task<bool> Run(RealExecutor* executor) {
      bool right = true;
      for (int i = 0; i < 100; ++i) {
        const int value = co_await executor->blocking().Run([i] { return i; });
        right = right && value == i && executor->current_shard() == 1;
      }
      co_return right;
    }
  };
  EXPECT_TRUE(BlockOn(executor_->shard(1), Test::Run(executor_.get())));
}

TEST(RealClock, BothClocksAdvance) {
  RealClock clock;
  const MonotonicTime first = clock.Now();
  EXPECT_LE(first, clock.Now());
  EXPECT_GT(clock.WallSeconds(), 1'600'000'000);
}

TEST(RealRandom, StreamsOfOneNameDiffer) {
  RealRandom random;
  EXPECT_NE(random.Stream("a").Next(), random.Stream("a").Next());
}

}  // namespace
}  // namespace tholos::base
