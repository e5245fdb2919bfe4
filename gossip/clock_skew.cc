#include "gossip/clock_skew.h"

#include <algorithm>
#include <vector>

namespace tholos::gossip {
namespace {

// Beyond what reading two clocks one after the other may differ by.
constexpr absl::Duration kSetMin = absl::Milliseconds(20);
constexpr int64_t kSlewPart = 10;  // a tenth

// What two clocks may drift apart: 500 parts a million, the most that NTP slews by, each.
constexpr int64_t kDriftPart = 1000;

absl::Duration Wall(const ClockReading& reading) { return absl::Microseconds(reading.wall_micros); }

// No error of measuring and no drift explains that both are true.
bool Contradict(const OffsetSample& older, const OffsetSample& newer) {
  const absl::Duration error = (older.round_trip + newer.round_trip) / 2;
  const absl::Duration drift = (newer.at - older.at) / kDriftPart;
  return absl::AbsDuration(newer.offset - older.offset) > error + drift + kSetMin;
}

// Of the two middle ones the one nearer to zero. Zero is among them, so both are on one side.
absl::Duration MedianWithZero(std::vector<absl::Duration> offsets) {
  std::sort(offsets.begin(), offsets.end());
  const absl::Duration low = offsets[(offsets.size() - 1) / 2];
  const absl::Duration high = offsets[offsets.size() / 2];
  return absl::AbsDuration(low) < absl::AbsDuration(high) ? low : high;
}

}  // namespace

bool WasSet(const ClockReading& before, const ClockReading& after) {
  const absl::Duration elapsed = after.monotonic - before.monotonic;
  return absl::AbsDuration(Wall(after) - Wall(before) - elapsed) > kSetMin + elapsed / kSlewPart;
}

std::optional<OffsetSample> MeasureOffset(const ClockReading& before, int64_t peer_wall_micros,
                                          const ClockReading& after) {
  const absl::Duration round_trip = after.monotonic - before.monotonic;
  if (round_trip > ClockSkew::kRoundTripMax || WasSet(before, after)) return std::nullopt;
  const absl::Duration middle = Wall(before) + (Wall(after) - Wall(before)) / 2;
  return OffsetSample{after.monotonic, absl::Microseconds(peer_wall_micros) - middle, round_trip};
}

void ClockSkew::Add(const ring::NodeId& peer, const OffsetSample& sample) {
  Samples& samples = peers_[peer];
  std::erase_if(samples, [&](const OffsetSample& older) {
    return sample.at - older.at > kSampleAgeMax || Contradict(older, sample);
  });
  samples.push_back(sample);
  if (samples.size() > kSamplesMax) samples.pop_front();
}

std::optional<absl::Duration> ClockSkew::OffsetOf(const ring::NodeId& peer,
                                                  base::MonotonicTime now) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return std::nullopt;
  const OffsetSample* best = nullptr;
  for (const OffsetSample& sample : it->second) {
    if (now - sample.at > kSampleAgeMax) continue;
    if (best == nullptr || sample.round_trip <= best->round_trip) best = &sample;
  }
  if (best == nullptr) return std::nullopt;
  return best->offset;
}

ClockSkew::Estimate ClockSkew::Look(const LivenessView::Set& alive, base::MonotonicTime now) const {
  std::vector<std::pair<ring::NodeId, absl::Duration>> peers;
  for (const auto& [id, samples] : peers_) {
    const auto offset = OffsetOf(id, now);
    if (offset.has_value() && alive.contains(id)) peers.emplace_back(id, *offset);
  }
  Estimate estimate;
  std::vector<absl::Duration> offsets(1);
  for (const auto& [id, offset] : peers) {
    offsets.push_back(offset);
    if (absl::AbsDuration(offset) > absl::AbsDuration(estimate.largest_offset))
      estimate.largest_offset = offset;
  }
  offsets.resize(std::max(offsets.size(), std::min(alive.size(), kCountedMin)));
  estimate.clocks = offsets.size();
  const absl::Duration cluster = MedianWithZero(std::move(offsets));
  estimate.ahead = -cluster;
  for (const auto& [id, offset] : peers) {
    const absl::Duration ahead = offset - cluster;
    if (absl::AbsDuration(ahead) > kWarned) ++estimate.wrong;
    if (estimate.worst.has_value() &&
        absl::AbsDuration(ahead) <= absl::AbsDuration(estimate.worst_ahead)) {
      continue;
    }
    estimate.worst = id;
    estimate.worst_ahead = ahead;
  }
  return estimate;
}

ClockAlarm::Say ClockAlarm::Look(absl::Duration error, base::MonotonicTime now) {
  error = absl::AbsDuration(error);
  if (error > threshold_) {
    if (!wrong_since_.has_value()) wrong_since_ = now;
    if (now - *wrong_since_ < lasting_) return Say::kNothing;
    if (last_said_.has_value() && now - *last_said_ < kRepeat) return Say::kNothing;
    said_wrong_ = true;
    last_said_ = now;
    return Say::kWrong;
  }
  wrong_since_.reset();
  if (!said_wrong_ || error > threshold_ / 2) return Say::kNothing;
  said_wrong_ = false;
  return Say::kRight;
}

}  // namespace tholos::gossip
