#include "gossip/failure_detector.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using base::MonotonicTime;
using testing::ElementsAre;
using testing::IsEmpty;

MonotonicTime At(double seconds) { return MonotonicTime{} + absl::Seconds(seconds); }

ring::NodeId Id(int number) {
  ring::NodeId id;
  id.bytes[15] = static_cast<uint8_t>(number);
  return id;
}

// A detector whose peers 1 and 2 are alive and have beaten every second for a minute.
FailureDetector Settled() {
  FailureDetector detector;
  for (int t = 0; t <= 60; ++t) {
    for (const int peer : {1, 2}) {
      detector.Heard(Id(peer), At(t));
      if (t == 0) EXPECT_TRUE(detector.Answered(Id(peer), At(t)));
    }
    EXPECT_THAT(detector.Tick(At(t)), IsEmpty());
  }
  return detector;
}

TEST(FailureDetector, AHeartbeatAloneDoesNotMakeAlive) {
  FailureDetector detector;
  detector.Heard(Id(1), At(0));
  EXPECT_FALSE(detector.IsAlive(Id(1)));
  EXPECT_TRUE(detector.Answered(Id(1), At(0)));
  EXPECT_FALSE(detector.Answered(Id(1), At(1))) << "was alive";
  EXPECT_TRUE(detector.IsAlive(Id(1)));
}

TEST(FailureDetector, SilenceConvictsAfterEighteenSeconds) {
  FailureDetector detector = Settled();
  double convicted_at = 0;
  for (double t = 61; t < 100 && convicted_at == 0; t += 1) {
    detector.Heard(Id(2), At(t));
    const auto convicted = detector.Tick(At(t));
    if (convicted.empty()) continue;
    EXPECT_THAT(convicted, ElementsAre(Id(1)));
    convicted_at = t;
  }
  EXPECT_GE(convicted_at, 60 + 18);
  EXPECT_LE(convicted_at, 60 + 20);
  EXPECT_FALSE(detector.IsAlive(Id(1)));
  EXPECT_TRUE(detector.IsAlive(Id(2)));
  EXPECT_THAT(detector.Tick(At(101)), IsEmpty()) << "once only";
}

TEST(FailureDetector, RefusalsInARowConvict) {
  FailureDetector detector = Settled();
  EXPECT_FALSE(detector.Refused(Id(1)));
  EXPECT_FALSE(detector.Refused(Id(1)));
  EXPECT_FALSE(detector.Answered(Id(1), At(61))) << "starts the count anew";
  EXPECT_FALSE(detector.Refused(Id(1)));
  EXPECT_FALSE(detector.Refused(Id(1)));
  EXPECT_TRUE(detector.Refused(Id(1)));
  EXPECT_FALSE(detector.IsAlive(Id(1)));
  EXPECT_FALSE(detector.Refused(Id(1))) << "dead already";
  EXPECT_TRUE(detector.Answered(Id(1), At(62)));
}

TEST(FailureDetector, ShutdownAndRestartEndALife) {
  FailureDetector detector = Settled();
  EXPECT_TRUE(detector.ShutDown(Id(1)));
  EXPECT_FALSE(detector.ShutDown(Id(1)));
  EXPECT_TRUE(detector.Restarted(Id(2)));
  EXPECT_FALSE(detector.Restarted(Id(2)));
  EXPECT_FALSE(detector.IsAlive(Id(1)));
  EXPECT_FALSE(detector.IsAlive(Id(2)));
  EXPECT_EQ(detector.Phi(Id(2), At(1000)), 0);
}

TEST(FailureDetector, OwnPausesProveNothing) {
  FailureDetector detector = Settled();
  // This node stood still for a minute; nobody could be heard.
  EXPECT_THAT(detector.Tick(At(120)), IsEmpty());
  EXPECT_TRUE(detector.IsAlive(Id(1)));
  // From then on silence counts again.
  for (double t = 121; t < 120 + 18; t += 1) EXPECT_THAT(detector.Tick(At(t)), IsEmpty());
  EXPECT_THAT(detector.Tick(At(139)), ElementsAre(Id(1), Id(2)));
}

}  // namespace
}  // namespace tholos::gossip
