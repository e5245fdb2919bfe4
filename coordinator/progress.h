// Progress: counts answers against the level's number, and tells as early as possible how a request
// ends. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/errors.h"
#include "coordinator/consistency.h"

namespace tholos::coordinator {

enum class Verdict { kPending, kEnough, kImpossible };

class Progress {
 public:
  // Answers of `required` replicas are needed; `asked` were asked; `already` more have answered
  // before.
  Progress(uint32_t required, uint32_t asked, uint32_t already = 0)
      : required_(required), pending_(asked), answered_(already) {}

  void Asked() { ++pending_; }
  void Answered();
  // The replica will not answer. A replica that was too slow is no failure: what it did is unknown.
  void Failed(const absl::Status& why);

  Verdict verdict() const;
  uint32_t required() const { return required_; }
  uint32_t answered() const { return answered_; }
  uint32_t failures() const { return failures_; }
  uint32_t pending() const { return pending_; }

  // The typed error of a request that did not get its answers: kFailure if errors made success
  // impossible, else kTimeout. `about` says which side it was on, and what else the error carries.
  absl::Status Error(ConsistencyLevel level, base::RequestError about) const;

 private:
  const uint32_t required_;
  uint32_t pending_;
  uint32_t answered_;
  uint32_t failures_ = 0;
  uint32_t timeouts_ = 0;
  absl::Status first_failure_;
};

}  // namespace tholos::coordinator
