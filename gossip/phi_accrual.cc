#include "gossip/phi_accrual.h"

#include <algorithm>
#include <cmath>

namespace tholos::gossip {

PhiAccrualDetector::PhiAccrualDetector(PhiOptions options) : options_(options) {
  sum_ = absl::ToInt64Nanoseconds(options_.first_interval);
  intervals_.push_back(sum_);
}

void PhiAccrualDetector::Heard(base::MonotonicTime now) {
  if (last_.has_value()) {
    const int64_t interval = std::max<int64_t>(now.nanos - last_->nanos, 0);
    if (interval <= absl::ToInt64Nanoseconds(options_.interval_max)) {
      intervals_.push_back(interval);
      sum_ += interval;
    }
  }
  while (intervals_.size() > options_.samples_max) {
    sum_ -= intervals_.front();
    intervals_.pop_front();
  }
  last_ = now;
}

absl::Duration PhiAccrualDetector::Mean() const {
  const auto mean = absl::Nanoseconds(sum_ / static_cast<int64_t>(intervals_.size()));
  return std::max(mean, options_.mean_min);
}

double PhiAccrualDetector::Phi(base::MonotonicTime now) const {
  if (!last_.has_value()) return 0;
  return absl::FDivDuration(now - *last_, Mean()) / std::log(10.0);
}

}  // namespace tholos::gossip
