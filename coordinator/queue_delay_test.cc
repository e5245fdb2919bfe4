#include "coordinator/queue_delay.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tholos::coordinator {
namespace {

constexpr absl::Duration kLong = absl::Milliseconds(80);
constexpr absl::Duration kShort = absl::Milliseconds(1);
constexpr QueueDelayOptions kStrict{.target = absl::Milliseconds(20),
                                    .long_queue = absl::Milliseconds(150)};

class QueueDelayTest : public ::testing::Test {
 protected:
  // One interval of samples, 10 ms apart, which wait so long; `dip`: one of them does not.
  void Interval(absl::Duration waited, bool dip = false) {
    for (int i = 0; i < 10; ++i) {
      now_ = now_ + absl::Milliseconds(10);
      delay_.Observe(now_, dip && i == 5 ? kShort : waited);
    }
  }
  int RefusedOf(int requests) {
    int refused = 0;
    for (int i = 0; i < requests; ++i) refused += delay_.Refuses() ? 1 : 0;
    return refused;
  }

  base::MonotonicTime now_ = base::MonotonicTime() + absl::Seconds(1);
  QueueDelay delay_{kStrict};
};

TEST_F(QueueDelayTest, BurstsAreNothing) {
  for (int i = 0; i < 50; ++i) Interval(kLong, /*dip=*/true);
  EXPECT_EQ(delay_.share(), 0);
  EXPECT_EQ(RefusedOf(1000), 0);
}

TEST_F(QueueDelayTest, AStandingQueueIsAnsweredByRefusals) {
  Interval(kLong);
  Interval(kLong);
  EXPECT_GT(delay_.share(), 0);
  for (int i = 0; i < 3; ++i) Interval(kLong);
  EXPECT_NEAR(delay_.share(), 0.59, 0.01);
  EXPECT_NEAR(RefusedOf(1000), 1000 * delay_.share(), 1);
}

TEST_F(QueueDelayTest, NeverRefusesAll) {
  for (int i = 0; i < 100; ++i) Interval(kLong);
  EXPECT_DOUBLE_EQ(delay_.share(), 0.99);
  EXPECT_LT(RefusedOf(1000), 1000);
}

TEST_F(QueueDelayTest, EndsSoonAfterTheQueue) {
  for (int i = 0; i < 100; ++i) Interval(kLong);
  for (int i = 0; i < 30; ++i) Interval(kShort);
  EXPECT_EQ(delay_.share(), 0);
}

// The time while nobody asked proves nothing.
TEST_F(QueueDelayTest, TheFirstSampleDecidesNothing) {
  delay_.Observe(now_, kLong);
  EXPECT_EQ(delay_.share(), 0);
}

TEST_F(QueueDelayTest, OneSlowSampleOfAnIdleShardIsNoQueue) {
  for (int i = 0; i < 50; ++i) {
    now_ = now_ + absl::Milliseconds(100);
    delay_.Observe(now_, absl::Milliseconds(30));
  }
  EXPECT_EQ(delay_.share(), 0);
}

TEST_F(QueueDelayTest, IdleTimeEndsItToo) {
  for (int i = 0; i < 100; ++i) Interval(kLong);
  now_ = now_ + absl::Milliseconds(800);
  delay_.Observe(now_, kShort);
  EXPECT_LT(delay_.share(), 0.98);
  EXPECT_GT(delay_.share(), 0.9);
  now_ = now_ + absl::Seconds(10);
  delay_.Observe(now_, kShort);
  EXPECT_EQ(delay_.share(), 0);
}

// A queue that is long, but on its way down, is let go down.
TEST_F(QueueDelayTest, ADrainingQueueIsEnough) {
  for (int i = 0; i < 5; ++i) Interval(kLong);
  const double before = delay_.share();
  for (int ms = 70; ms > 25; ms -= 10) Interval(absl::Milliseconds(ms));
  EXPECT_NEAR(delay_.share(), before, 0.1);
}

// A model of a shard that does a thousand requests a second and is offered ten times that; what is
// refused costs a twentieth, so that 5,260 of the 10,000 are the most that it can do beside refusing.
TEST(QueueDelayModel, AnOverloadedShardKeepsWorking) {
  QueueDelay delay;
  base::MonotonicTime now = base::MonotonicTime() + absl::Seconds(1);
  double queue_ms = 0;
  double longest_ms = 0;
  double done = 0;
  for (int ms = 0; ms < 20'000; ++ms) {
    now = now + absl::Milliseconds(1);
    for (int i = 0; i < 10; ++i) {
      const bool refused = delay.Refuses();
      queue_ms += refused ? 0.05 : 1;
      if (!refused && ms >= 10'000) done += 1;
    }
    queue_ms = std::max(0.0, queue_ms - 1);
    if (ms >= 10'000) longest_ms = std::max(longest_ms, queue_ms);
    delay.Observe(now, absl::Milliseconds(queue_ms));
  }
  EXPECT_GT(done, 5260 * 0.95);
  EXPECT_LT(longest_ms, 300);
}

}  // namespace
}  // namespace tholos::coordinator
