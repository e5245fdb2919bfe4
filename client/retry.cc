#include "client/retry.h"

#include <algorithm>

#include "base/errors.h"

namespace tholos::client {

Decision Decide(const Failure& failure, bool idempotent) {
  constexpr Decision kFail{Next::kFail, false};
  const Decision if_idempotent = idempotent ? Decision{Next::kOther, true} : kFail;
  if (failure.no_answer) return {failure.sent && !idempotent ? Next::kFail : Next::kOther, false};
  if (const auto error = base::GetRequestError(failure.status)) {
    switch (error->kind) {
      case base::RequestErrorKind::kUnprepared:
        return {Next::kPrepare, false};
      case base::RequestErrorKind::kUnavailable:
        return {Next::kOther, true};
      case base::RequestErrorKind::kOverloaded:
        return {Next::kOtherLater, true};
      case base::RequestErrorKind::kTimeout:
      case base::RequestErrorKind::kFailure:
        return if_idempotent;
      default:
        return kFail;
    }
  }
  switch (failure.status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return if_idempotent;
    default:
      return kFail;
  }
}

absl::Duration PauseBefore(int tries, double chance) {
  const int doublings = std::clamp(tries - 1, 0, 7);
  const absl::Duration whole =
      std::min(absl::Milliseconds(10) * (1 << doublings), absl::Seconds(1));
  return whole * (0.5 + 0.5 * chance);
}

void RetryBudget::Earn() {
  base::MutexLock lock(&mutex_);
  tenths_ = std::min(tenths_ + 1, 10 * kMax);
}

bool RetryBudget::Spend() {
  base::MutexLock lock(&mutex_);
  if (tenths_ < 10) return false;
  tenths_ -= 10;
  return true;
}

}  // namespace tholos::client
