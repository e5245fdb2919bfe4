#include "coordinator/queue_delay.h"

#include <algorithm>

namespace tholos::coordinator {
namespace {

constexpr double kIdleIntervalsMax = 1000;
// A queue that got shorter by a twentieth within an interval is on its way down.
constexpr double kDraining = 0.95;

}  // namespace

void QueueDelay::Observe(base::MonotonicTime now, absl::Duration waited) {
  smallest_ = std::min(smallest_, waited);
  sum_ += waited;
  if (now < interval_end_) return;
  // Intervals in which nothing was put into the queue were calm.
  const double idle = (now - waited - interval_end_) / options_.interval;
  for (double i = 1; i < std::min(idle, kIdleIntervalsMax) && admitted_ < 1; ++i) Calm();
  const bool standing = smallest_ > options_.target && sum_ * 2 > options_.interval &&
                        interval_end_ != base::MonotonicTime();
  if (!standing) {
    Calm();
  } else {
    calm_ = 0;
    const double cut = smallest_ > options_.long_queue ? options_.long_queue_cut : options_.cut;
    if (smallest_ >= last_smallest_ * kDraining)
      admitted_ = std::max(options_.admitted_min, admitted_ * cut);
  }
  interval_end_ = now + options_.interval;
  last_smallest_ = smallest_;
  smallest_ = absl::InfiniteDuration();
  sum_ = absl::ZeroDuration();
}

void QueueDelay::Calm() {
  ++calm_;
  admitted_ =
      std::min(1.0, admitted_ * (1 + std::min(options_.growth_max, options_.growth * calm_)));
}

bool QueueDelay::Refuses() {
  due_ += share();
  if (due_ < 1) return false;
  due_ -= 1;
  return true;
}

}  // namespace tholos::coordinator
