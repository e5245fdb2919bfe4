#include "coordinator/progress.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {

void Progress::Answered() {
  THOLOS_CHECK(pending_ > 0) << "an answer that nobody was asked for";
  --pending_;
  ++answered_;
}

void Progress::Failed(const absl::Status& why) {
  THOLOS_CHECK(pending_ > 0) << "a failure that nobody was asked for";
  --pending_;
  if (absl::IsDeadlineExceeded(why)) {
    ++timeouts_;
    return;
  }
  if (failures_++ == 0) first_failure_ = why;
}

Verdict Progress::verdict() const {
  if (answered_ >= required_) return Verdict::kEnough;
  return answered_ + pending_ >= required_ ? Verdict::kPending : Verdict::kImpossible;
}

absl::Status Progress::Error(ConsistencyLevel level, base::RequestError error) const {
  const bool failed = failures_ > 0 && answered_ + pending_ + timeouts_ < required_;
  error.kind = failed ? base::RequestErrorKind::kFailure : base::RequestErrorKind::kTimeout;
  error.consistency = std::string(ConsistencyName(level));
  error.required = required_;
  error.received = answered_;
  error.failures = failures_;
  std::string message = base::StrCat(error.write ? "write" : "read", " at ", error.consistency,
                                     failed ? " failed: " : " timed out: ", answered_, " of ",
                                     required_, " required replicas answered");
  if (failures_ > 0) {
    base::StrAppend(&message, ", ", failures_, " failed (", base::ToStd(first_failure_.message()),
                    ")");
  }
  return base::MakeRequestError(error, message);
}

}  // namespace tholos::coordinator
