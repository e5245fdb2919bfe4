// What the gossiper makes of wall clocks: it measures, publishes and tells people.
#include "base/clock.h"
#include "base/clock_words.h"
#include "base/strings.h"
#include "gossip/gossiper.h"

namespace tholos::gossip {
namespace {

constexpr std::string_view kPart = "clock";

}  // namespace

ClockReading Gossiper::ReadClocks() const {
  const base::Clock& clock = base::Loop::Current().clock();
  return {clock.Now(), clock.WallMicros()};
}

Sender Gossiper::Self() const { return {self_, state_.own().generation, ReadClocks().wall_micros}; }

std::optional<absl::Duration> Gossiper::ClockOffset(const NodeId& id) const {
  if (id == self_) return absl::ZeroDuration();
  return skew_.OffsetOf(id, Now());
}

void Gossiper::NoteIfSet() {
  const ClockReading now = ReadClocks();
  if (last_reading_.has_value() && WasSet(*last_reading_, now)) skew_.ForgetAll();
  last_reading_ = now;
}

void Gossiper::Measure(const Sender& sender, const ClockReading& before,
                       const ClockReading& after) {
  const EndpointState* state = state_.Find(sender.id);
  if (sender.id == self_ || state == nullptr || state->generation != sender.generation ||
      !detector_.IsAlive(sender.id)) {
    return;
  }
  const auto sample = MeasureOffset(before, sender.wall_micros, after);
  if (!sample.has_value()) return;
  skew_.Add(sender.id, *sample);
  PublishSkew();
}

// What is published follows with the next sample or round.
void Gossiper::ForgetClock(const NodeId& id) { skew_.Forget(id); }

void Gossiper::PublishSkew() {
  const ClockSkew::Estimate estimate = skew_.Look(*deps_.liveness.Snapshot(), Now());
  deps_.skew.Publish(estimate.ahead);
  clock_ahead_gauge_.Set(absl::ToInt64Microseconds(estimate.ahead));
  clock_offset_gauge_.Set(absl::ToInt64Microseconds(estimate.largest_offset));
  LogSkew(estimate);
}

void Gossiper::LogSkew(const ClockSkew::Estimate& estimate) {
  using Say = ClockAlarm::Say;
  const base::MonotonicTime now = Now();
  const std::string own =
      base::StrCat("this node's clock is ", base::AheadOfClusters(estimate.ahead), " (median of ",
                   estimate.clocks, " clocks)");
  const Say refused = own_clock_refused_.Look(estimate.ahead, now);
  const Say wrong = own_clock_.Look(estimate.ahead, now);
  if (refused == Say::kWrong) {
    deps_.log.Warning(kPart, base::StrCat(own, ", beyond clock_skew_max, ",
                                          absl::FormatDuration(deps_.skew.max()),
                                          ": writes that need this clock are refused"));
  } else if (wrong == Say::kWrong && !deps_.skew.TooWrong()) {
    deps_.log.Warning(kPart, own);
  }
  if (wrong == Say::kRight) {
    deps_.log.Info(kPart, base::StrCat("this node's clock is right again: it is ",
                                       base::AheadOfClusters(estimate.ahead)));
  } else if (refused == Say::kRight) {
    deps_.log.Info(kPart, base::StrCat(own, ": writes that need this clock are taken again"));
  }

  const Say peers = peer_clocks_.Look(estimate.worst_ahead, now);
  if (peers == Say::kWrong) {
    std::string line = base::StrCat("the clock of node ", Describe(*estimate.worst), " is ",
                                    base::AheadOfClusters(estimate.worst_ahead));
    if (estimate.wrong > 1)
      base::StrAppend(&line, "; ", estimate.wrong - 1, " more are off by more than ",
                      absl::FormatDuration(ClockSkew::kWarned));
    if (estimate.clocks == 2) base::StrAppend(&line, ", or this node's is: two cannot tell");
    deps_.log.Warning(kPart, line);
  } else if (peers == Say::kRight) {
    deps_.log.Info(kPart, "the clocks of the other nodes agree again");
  }
}

}  // namespace tholos::gossip
