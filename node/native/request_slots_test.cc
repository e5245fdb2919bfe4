#include "node/native/request_slots.h"

#include "gtest/gtest.h"

namespace tholos::node::native {
namespace {

// Ten intervals in which the loop lags as `lag` says, every 5 ms.
template <typename Lag>
void Lags(RequestSlots* slots, base::MonotonicTime* now, Lag lag) {
  for (int i = 0; i < 100; ++i) {
    *now = *now + absl::Milliseconds(5);
    slots->Observe(*now, absl::Milliseconds(lag(i)));
  }
}

TEST(RequestSlots, AreFewerWhileTheLoopLagsAndMoreWhileItDoesNot) {
  RequestSlots slots({.first = 256, .min = 32, .max = 2000});
  base::MonotonicTime now = base::MonotonicTime() + absl::Seconds(1);
  Lags(&slots, &now, [](int) { return 10; });
  EXPECT_EQ(slots.limit(), 32);
  Lags(&slots, &now, [](int) { return 1; });
  EXPECT_GT(slots.limit(), 128);
  // A stall now and then is no queue.
  const int before = slots.limit();
  Lags(&slots, &now, [](int i) { return i % 5 == 0 ? 50 : 0; });
  EXPECT_GT(slots.limit(), before);
  // Waves that leave the loop free half of the time are what it can do.
  const int enough = slots.limit();
  Lags(&slots, &now, [](int i) { return i % 2 == 0 ? 50 : 0; });
  EXPECT_NEAR(slots.limit(), enough, enough / 4);
  // That it is free once in an interval says nothing.
  Lags(&slots, &now, [](int i) { return i % 5 == 0 ? 0 : 50; });
  EXPECT_LT(slots.limit(), enough / 2);
  for (int i = 0; i < 3; ++i) Lags(&slots, &now, [](int) { return 0; });
  EXPECT_EQ(slots.limit(), 2000);
}

TEST(RequestSlots, OneSampleAfterAWhileDecidesNothing) {
  RequestSlots slots({.first = 256});
  base::MonotonicTime now;
  for (int i = 0; i < 10; ++i) {
    now = now + absl::Seconds(1);
    slots.Observe(now, absl::Milliseconds(100));
  }
  EXPECT_EQ(slots.limit(), 256);
}

TEST(RequestSlots, AreTakenAndGivenBack) {
  RequestSlots slots({.first = 2});
  slots.Take();
  EXPECT_FALSE(slots.Full());
  EXPECT_EQ(slots.free(), 1);
  slots.Take();
  slots.Take();  // of a read that had more in it
  EXPECT_TRUE(slots.Full());
  EXPECT_EQ(slots.free(), 0);
  slots.Give();
  slots.Give();
  EXPECT_FALSE(slots.Full());
}

}  // namespace
}  // namespace tholos::node::native
