#include "gossip/phi_accrual.h"

#include <cmath>

#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using base::MonotonicTime;

MonotonicTime At(double seconds) { return MonotonicTime{} + absl::Seconds(seconds); }

// Heartbeats every `interval` seconds from 100 s on; returns the time of the last.
double Beat(PhiAccrualDetector* phi, double interval, int count) {
  double t = 100;
  for (int i = 0; i < count; ++i, t += interval) phi->Heard(At(t));
  return t - interval;
}

TEST(PhiAccrual, KnowsNothingBeforeTheFirstHeartbeat) {
  EXPECT_EQ(PhiAccrualDetector().Phi(At(1e6)), 0);
}

TEST(PhiAccrual, GrowsWithSilence) {
  const struct {
    double interval;
    double silence;
    double phi;
  } cases[] = {
      // silence / (mean * ln 10); 1000 samples drown the bootstrap sample.
      {1, 0, 0},       {1, 1, 0.434},    {1, 10, 4.343},    {1, 18.4, 7.99},
      {1, 18.5, 8.03}, {2, 18.5, 4.017}, {0.1, 9.3, 8.078},  // the mean is held at half a second
  };
  for (const auto& c : cases) {
    PhiAccrualDetector phi;
    const double last = Beat(&phi, c.interval, 1500);
    EXPECT_NEAR(phi.Phi(At(last + c.silence)), c.phi, 0.01) << c.interval << " " << c.silence;
    EXPECT_EQ(phi.Suspicious(At(last + c.silence)), c.phi > 8);
  }
}

TEST(PhiAccrual, ExpectsTwoSecondsAtFirst) {
  PhiAccrualDetector phi;
  phi.Heard(At(5));
  EXPECT_EQ(phi.Mean(), absl::Seconds(2));
  EXPECT_FALSE(phi.Suspicious(At(5 + 36)));
  EXPECT_TRUE(phi.Suspicious(At(5 + 37)));
}

TEST(PhiAccrual, LearnsNoOutages) {
  PhiAccrualDetector phi;
  const double last = Beat(&phi, 1, 100);
  const absl::Duration before = phi.Mean();
  phi.Heard(At(last + 100));
  EXPECT_EQ(phi.Mean(), before);
  EXPECT_EQ(phi.Phi(At(last + 100)), 0);
}

TEST(PhiAccrual, ForgetsTheOldestSamples) {
  PhiAccrualDetector phi;
  const double last = Beat(&phi, 3, 2000);
  for (int i = 1; i <= 1000; ++i) phi.Heard(At(last + i));
  EXPECT_EQ(phi.Mean(), absl::Seconds(1));
}

// The claim of the header, on heartbeats over random paths: with the threshold at 8 no false alarm
// in a million.
TEST(PhiAccrual, HardlyEverWrongOnExponentialArrivals) {
  base::RandomStream random(42);
  PhiAccrualDetector phi;
  double t = 0;
  int alarms_at_one = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const double next = t - std::log(1 - random.Unit());
    if (i > 1000) {
      ASSERT_FALSE(phi.Suspicious(At(next))) << "after " << i;
      alarms_at_one += phi.Phi(At(next)) > 1;
    }
    t = next;
    phi.Heard(At(t));
  }
  EXPECT_NEAR(alarms_at_one / 1e6, 0.1, 0.01) << "phi 1 is wrong once in 10 times";
}

}  // namespace
}  // namespace tholos::gossip
