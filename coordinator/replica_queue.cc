#include "coordinator/replica_queue.h"

#include <algorithm>

namespace tholos::coordinator {
namespace {

// Of the newest interval in the rate of answers: nine tenths of a change after 7 intervals.
constexpr double kRateWeight = 0.3;
// An interval that lasted so many times what it should says nothing: nobody asked anything, or this
// process itself stood still.
constexpr double kGap = 5;
constexpr uint64_t kMeasureShare = 4;
constexpr int kMeasuredEnough = 4;

}  // namespace

void ReplicaQueue::SentAt(base::MonotonicTime now) {
  if (under_way_ == 0) heard_at_ = now;
  ++under_way_;
  CloseInterval(now);
}

void ReplicaQueue::Answered() {
  --under_way_;
  ++answered_;
}

void ReplicaQueue::AnsweredAt(base::MonotonicTime now, base::MonotonicTime sent) {
  Answered();
  const absl::Duration wait = now - sent;
  heard_at_ = now;
  shortest_now_ = std::min(wait, shortest_now_.value_or(wait));
  if (!limited_) NoteShortest(now, wait);
  if (measure_ == Measure::kMeasuring && sent >= measure_at_) {
    ++measured_;
    measured_shortest_ = std::min(measured_shortest_, wait);
  }
  CloseInterval(now);
}

void ReplicaQueue::NoteShortest(base::MonotonicTime now, absl::Duration wait) {
  if (now - span_start_ >= options_.measure_every) {
    shortest_before_ = shortest_;
    shortest_ = absl::InfiniteDuration();
    span_start_ = now;
  }
  shortest_ = std::min(shortest_, wait);
}

absl::Duration ReplicaQueue::Bound() const {
  const absl::Duration shortest = std::min(shortest_, shortest_before_);
  if (shortest == absl::InfiniteDuration()) return options_.bound_min;
  return std::max(options_.bound_min, options_.bound_factor * shortest);
}

uint64_t ReplicaQueue::Limit() const {
  const double seconds = options_.limit_factor * absl::ToDoubleSeconds(Bound());
  const auto limit = std::max(options_.floor, static_cast<uint64_t>(rate_ * seconds));
  return measure_ == Measure::kNone ? limit : limit / kMeasureShare;
}

bool ReplicaQueue::Stands(base::MonotonicTime now) const {
  // Of a replica that has not answered yet nothing is known.
  if (std::min(shortest_, shortest_before_) == absl::InfiniteDuration()) return false;
  if (shortest_now_.has_value()) return *shortest_now_ > Bound();
  return answered_ == 0 && under_way_ > 0 && now - heard_at_ > Bound();
}

void ReplicaQueue::CloseInterval(base::MonotonicTime now) {
  const absl::Duration lasted = now - interval_start_;
  if (lasted < options_.interval) return;
  if (lasted < kGap * options_.interval) {
    rate_ += (static_cast<double>(answered_) / absl::ToDoubleSeconds(lasted) - rate_) * kRateWeight;
    if (Stands(now)) {
      troubled_at_ = now;
      if (!limited_) {
        limited_ = true;
        BeginMeasure(now);
      }
    }
  } else {
    heard_at_ = now;
  }
  if (limited_) {
    FollowMeasure(now);
    if (now - troubled_at_ > options_.calm) {
      limited_ = false;
      measure_ = Measure::kNone;
    }
  }
  interval_start_ = now;
  answered_ = 0;
  shortest_now_.reset();
}

void ReplicaQueue::BeginMeasure(base::MonotonicTime now) {
  measure_ = Measure::kRunningDown;
  measure_at_ = now;
}

void ReplicaQueue::FollowMeasure(base::MonotonicTime now) {
  switch (measure_) {
    case Measure::kNone:
      if (now >= measure_at_) BeginMeasure(now);
      return;
    case Measure::kRunningDown:
      if (under_way_ > Limit()) return;
      measure_ = Measure::kMeasuring;
      measure_at_ = now;
      measured_ = 0;
      measured_shortest_ = absl::InfiniteDuration();
      return;
    case Measure::kMeasuring:
      if (measured_ >= kMeasuredEnough) {
        shortest_ = measured_shortest_;
        shortest_before_ = absl::InfiniteDuration();
        span_start_ = now;
      } else if (now - measure_at_ < options_.measure_every) {
        return;
      }
      measure_ = Measure::kNone;
      measure_at_ = now + options_.measure_every;
      return;
  }
}

bool ReplicaQueue::Full(base::MonotonicTime now) {
  CloseInterval(now);
  if (!limited_ || under_way_ < Limit()) return false;
  troubled_at_ = now;
  return true;
}

}  // namespace tholos::coordinator
