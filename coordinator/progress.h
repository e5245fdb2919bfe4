// Progress: counts answers against the level's number, and tells as early as possible how a request
// ends. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "base/errors.h"
#include "coordinator/consistency.h"

namespace tholos::coordinator {

// Whether a call that ended with `why` leaves unknown what the replica did: it was too slow, or the
// connection broke after the call was sent. Otherwise the replica refused, or was never asked.
bool IsUnanswered(const absl::Status& why);

enum class Verdict { kPending, kEnough, kImpossible };

// Counts each group of replicas for itself (replica_plan.h): every one must have its answers. A
// group below 0 counts for nothing.
class Progress {
 public:
  using Needs = absl::InlinedVector<uint32_t, 2>;

  // `needs`: the answers for each group. Nobody was asked yet.
  explicit Progress(const Needs& needs);

  // One replica of the group was asked.
  void Asked(int group = 0);
  // It answered.
  void Answered(int group = 0);
  // It will not answer. IsUnanswered is no failure: what it did is unknown.
  void Failed(const absl::Status& why, int group = 0);
  // It answered before this began.
  void Already(int group = 0);

  Verdict verdict() const;
  // Of all groups.
  uint32_t required() const;
  uint32_t answered() const;
  uint32_t failures() const;
  uint32_t pending() const;
  // Answers that the group lacks, beyond those that are awaited.
  uint32_t lacking(int group) const;
  // The group has all its answers.
  bool satisfied(int group) const {
    const Group& of = groups_[static_cast<size_t>(group)];
    return of.answered >= of.required;
  }
  size_t groups() const { return groups_.size(); }

  // The typed error of a request that did not get its answers: kFailure if errors made success
  // impossible, else kTimeout. `about` says which side it was on, and what else the error carries.
  absl::Status Error(ConsistencyLevel level, base::RequestError about) const;

 private:
  struct Group {
    uint32_t required = 0;
    uint32_t pending = 0;
    uint32_t answered = 0;
    uint32_t failures = 0;
    uint32_t timeouts = 0;
  };
  Group* Find(int group);

  absl::InlinedVector<Group, 2> groups_;
  absl::Status first_failure_;
};

}  // namespace tholos::coordinator
