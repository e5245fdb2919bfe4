#include "gossip/clock_skew.h"

#include <limits>
#include <string>

#include "gossip/skew_view.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

ring::NodeId Id(int n) {
  ring::NodeId id;
  id.bytes[15] = static_cast<uint8_t>(n);
  return id;
}

base::MonotonicTime At(double seconds) { return base::MonotonicTime() + absl::Seconds(seconds); }

constexpr int64_t kMillion = 1'000'000;

ClockReading Read(double monotonic_seconds, double wall_seconds) {
  return {At(monotonic_seconds), static_cast<int64_t>(wall_seconds * kMillion)};
}

OffsetSample Sample(double at, double offset, double round_trip = 0.001) {
  return {At(at), absl::Seconds(offset), absl::Seconds(round_trip)};
}

TEST(MeasureOffset, IsFromTheMiddleOfTheRoundTrip) {
  const auto sample = MeasureOffset(Read(5, 1000), 1003 * kMillion, Read(5.1, 1000.1));
  ASSERT_TRUE(sample.has_value());
  EXPECT_EQ(sample->offset, absl::Milliseconds(2950));
  EXPECT_EQ(sample->round_trip, absl::Milliseconds(100));
  EXPECT_EQ(sample->at, At(5.1));
  EXPECT_EQ(MeasureOffset(Read(5, 1000), 900 * kMillion, Read(5, 1000))->offset,
            absl::Seconds(-100));
}

TEST(MeasureOffset, DropsWhatProvesNothing) {
  const struct {
    const char* what;
    ClockReading after;
    bool kept;
  } kCases[] = {
      {"quick", Read(5.01, 1000.01), true},     {"the longest way", Read(5.45, 1000.45), true},
      {"too slow", Read(5.46, 1000.46), false}, {"set forwards", Read(5.01, 1060), false},
      {"set back", Read(5.01, 940), false},     {"slewed", Read(5.40, 1000.43), true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(MeasureOffset(Read(5, 1000), 1000 * kMillion, c.after).has_value(), c.kept) << c.what;
  }
}

TEST(MeasureOffset, NoClockIsTooWrongToBeMeasured) {
  const ClockReading now = Read(5, 1000);
  for (const int64_t wall :
       {std::numeric_limits<int64_t>::min(), int64_t{0}, std::numeric_limits<int64_t>::max()}) {
    ClockSkew skew;
    for (int n = 2; n <= 3; ++n) skew.Add(Id(n), *MeasureOffset(now, wall, now));
    SkewView view(absl::Seconds(10));
    view.Publish(skew.Look({Id(1), Id(2), Id(3)}, At(5)).ahead);
    EXPECT_TRUE(view.TooWrong()) << wall;
  }
}

// Node 1 among peers 2, 3, ...: their offsets in seconds; kUnknown: alive, and not measured.
TEST(ClockSkew, WhoIsWrong) {
  constexpr double kUnknown = 1e9;
  const struct {
    std::vector<double> offsets;
    double ahead;
    size_t wrong;
    double worst_ahead;
    double largest;
  } kCases[] = {
      {{}, 0, 0, 0, 0},
      {{0.002}, 0, 0, 0.002, 0.002},
      {{3600}, 0, 1, 3600, 3600},
      {{-3600}, 0, 1, -3600, -3600},
      {{0, 3600}, 0, 1, 3600, 3600},
      {{-3600, -3600}, 3600, 0, 0, -3600},
      {{3600, 3600}, -3600, 0, 0, 3600},
      // All three differ: the one in the middle is right.
      {{-60, 60}, 0, 2, -60, -60},
      {{60, 3600}, -60, 1, 3540, 3600},
      // Four: one wrong one, two that are wrong alike, all others.
      {{0, 0, -5}, 0, 1, -5, -5},
      {{0, 30, 30}, 0, 2, 30, 30},
      {{-30, -30, -30}, 30, 0, 0, -30},
      {{kUnknown, kUnknown}, 0, 0, 0, 0},
      {{-30, kUnknown}, 0, 1, -30, -30},
      // Two wrong ones were the first to answer, of five.
      {{30, 30, kUnknown, kUnknown}, 0, 2, 30, 30},
      {{30, 30, 30, kUnknown}, -30, 0, 0, 30},
      // Of twenty five that agree are enough.
      {std::vector<double>({9, 9, 9, 9, 9, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown,
                            kUnknown, kUnknown, kUnknown, kUnknown, kUnknown}),
       -9, 0, 0, 9},
      {std::vector<double>({9, 9, 9, 9, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown,
                            kUnknown, kUnknown}),
       0, 4, 9, 9},
  };
  for (const auto& c : kCases) {
    ClockSkew skew;
    LivenessView::Set alive = {Id(1)};
    std::string shown;
    int n = 2;
    for (const double offset : c.offsets) {
      shown += std::to_string(offset) + " ";
      alive.insert(Id(n));
      if (offset != kUnknown) skew.Add(Id(n), Sample(0, offset));
      ++n;
    }
    const ClockSkew::Estimate estimate = skew.Look(alive, At(1));
    EXPECT_EQ(estimate.ahead, absl::Seconds(c.ahead)) << shown;
    EXPECT_EQ(estimate.wrong, c.wrong) << shown;
    EXPECT_EQ(estimate.worst_ahead, absl::Seconds(c.worst_ahead)) << shown;
    EXPECT_EQ(estimate.largest_offset, absl::Seconds(c.largest)) << shown;
  }
}

TEST(ClockSkew, TheShortestRoundTripIsBelieved) {
  ClockSkew skew;
  skew.Add(Id(2), Sample(0, 0.010, 0.002));
  skew.Add(Id(2), Sample(1, 0.150, 0.400));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(2)), absl::Milliseconds(10));
  skew.Add(Id(2), Sample(2, 0.011, 0.001));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(2)), absl::Milliseconds(11));
  // The last ones only.
  for (int i = 3; i < 11; ++i) skew.Add(Id(2), Sample(i, 0.1, 0.3));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(11)), absl::Milliseconds(100));
}

TEST(ClockSkew, AClockThatWasSetIsBelievedAtOnce) {
  ClockSkew skew;
  for (int i = 0; i < 8; ++i) skew.Add(Id(2), Sample(i, 3600, 0.001));
  skew.Add(Id(2), Sample(8, 0, 0.4));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(8)), absl::ZeroDuration());
  // What drift and a slow answer explain is no contradiction.
  skew.Add(Id(2), Sample(9, 0.001, 0.001));
  skew.Add(Id(2), Sample(10, 0.2, 0.4));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(10)), absl::Milliseconds(1));
}

TEST(ClockSkew, WhatIsOldOrGoneIsForgotten) {
  ClockSkew skew;
  const LivenessView::Set alive = {Id(1), Id(2), Id(3)};
  skew.Add(Id(2), Sample(0, -60));
  skew.Add(Id(3), Sample(0, -60));
  EXPECT_EQ(skew.Look(alive, At(300)).ahead, absl::Seconds(60));
  EXPECT_EQ(skew.Look(alive, At(301)).ahead, absl::ZeroDuration());
  EXPECT_EQ(skew.OffsetOf(Id(2), At(301)), std::nullopt);
  EXPECT_EQ(skew.Look({Id(1), Id(2)}, At(1)).ahead, absl::ZeroDuration()) << "the third is dead";
  skew.Forget(Id(2));
  EXPECT_EQ(skew.OffsetOf(Id(2), At(1)), std::nullopt);
  EXPECT_EQ(skew.Look(alive, At(1)).worst, Id(3));
  skew.ForgetAll();
  EXPECT_EQ(skew.Look(alive, At(1)).worst, std::nullopt);
}

TEST(ClockAlarm, SpeaksOfEachWrongOnce) {
  using enum ClockAlarm::Say;
  const struct {
    double at;
    double error;
    ClockAlarm::Say say;
  } kSteps[] = {
      {0, 0.4, kNothing}, {1, -0.6, kWrong},    {2, 9, kNothing},   {300, 9, kNothing},
      {301, 9, kWrong},   {302, 0.3, kNothing}, {303, 0.2, kRight}, {304, 0.2, kNothing},
      {305, 9, kNothing}, {306, 0.1, kNothing}, {600, 9, kNothing}, {601, 9, kWrong},
  };
  ClockAlarm alarm(absl::Milliseconds(500), absl::ZeroDuration());
  for (const auto& step : kSteps) {
    EXPECT_EQ(alarm.Look(absl::Seconds(step.error), At(step.at)), step.say) << step.at;
  }
}

TEST(ClockAlarm, AMomentIsNotSpokenOf) {
  using enum ClockAlarm::Say;
  ClockAlarm alarm(absl::Milliseconds(500));
  EXPECT_EQ(alarm.Look(absl::Seconds(9), At(0)), kNothing);
  EXPECT_EQ(alarm.Look(absl::Seconds(9), At(9)), kNothing);
  EXPECT_EQ(alarm.Look(absl::ZeroDuration(), At(9.5)), kNothing);
  EXPECT_EQ(alarm.Look(absl::Seconds(9), At(10)), kNothing);
  EXPECT_EQ(alarm.Look(absl::Seconds(9), At(20)), kWrong);
}

TEST(SkewView, TooWrongIsBeyondTheBoundToEitherSide) {
  SkewView view(absl::Seconds(10));
  EXPECT_FALSE(view.TooWrong());
  for (const int sign : {1, -1}) {
    view.Publish(sign * absl::Seconds(10));
    EXPECT_FALSE(view.TooWrong());
    view.Publish(sign * (absl::Seconds(10) + absl::Microseconds(1)));
    EXPECT_TRUE(view.TooWrong());
    EXPECT_EQ(view.ahead(), sign * (absl::Seconds(10) + absl::Microseconds(1)));
  }
  SkewView unbounded;
  unbounded.Publish(absl::InfiniteDuration());
  EXPECT_FALSE(unbounded.TooWrong());
  unbounded.Publish(-absl::InfiniteDuration());
  EXPECT_FALSE(unbounded.TooWrong());
  EXPECT_EQ(unbounded.max(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace tholos::gossip
