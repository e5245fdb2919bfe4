// Whether a call that failed is tried again: the decision, and the budget of all calls together.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace tholos::client {

// How a try ended without a result.
struct Failure {
  absl::Status status;
  // No answer came: the node was not reached, or the connection broke.
  bool no_answer = false;
  bool sent = true;  // the node may have got the request
};

enum class Next : uint8_t {
  kFail,
  kPrepare,     // on the same node, then once more
  kOther,       // another node
  kOtherLater,  // another node, after a pause
};

struct Decision {
  Next next = Next::kFail;
  bool charged = false;  // takes a retry from the budget
};

// What the table in client/client.h says, without counts, deadlines and budget.
Decision Decide(const Failure& failure, bool idempotent);

// Before try number `tries` (from 1): 10 ms, doubled each time, at most 1 s; between half and all
// of it, as `chance` in [0, 1) says.
absl::Duration PauseBefore(int tries, double chance);

// Thread-safe.
class RetryBudget {
 public:
  static constexpr int kMax = 100;
  void Earn();  // a tenth of a retry
  bool Spend();

 private:
  base::Mutex mutex_;
  int tenths_ ABSL_GUARDED_BY(mutex_) = 10 * kMax;
};

}  // namespace tholos::client
