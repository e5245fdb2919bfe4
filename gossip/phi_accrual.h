// PhiAccrualDetector: how suspicious the silence of one peer is.
//
// After Hayashibara, Défago, Yared and Katayama, "The phi accrual failure detector" (SRDS 2004).
// The detector learns the intervals between a peer's heartbeats and answers with a level instead of
// a verdict:
//
//     phi(t) = -log10( P(the next heartbeat comes later than t after the last one) )
//
// so phi 1 is wrong once in 10 times, phi 8 once in 10^8. The paper takes intervals as normally
// distributed; gossip's are closer to an exponential distribution (a heartbeat arrives over a
// random path), where P = exp(-t / mean), so
//
//     phi(t) = t / (mean * ln 10)
//
// which is what Cassandra computes. With a mean of 1 s the threshold 8 is reached after 18.4 s of
// silence.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "base/time.h"

namespace tholos::gossip {

struct PhiOptions {
  double threshold = 8;
  size_t samples_max = 1000;
  // What is expected before anything is learnt: the first sample.
  absl::Duration first_interval = absl::Seconds(2);
  // Longer intervals are not learnt: they are the outages that are to be found.
  absl::Duration interval_max = absl::Seconds(5);
  // The mean is taken as at least this: heartbeats that came in a burst make nobody suspicious.
  absl::Duration mean_min = absl::Milliseconds(500);
};

class PhiAccrualDetector {
 public:
  explicit PhiAccrualDetector(PhiOptions options = {});

  // The heartbeat advanced.
  void Heard(base::MonotonicTime now);
  // Forgets the silence so far (the peer was reached another way, or this node itself was stopped),
  // not what was learnt.
  void Excuse(base::MonotonicTime now) { last_ = now; }
  // Zero before the first heartbeat.
  double Phi(base::MonotonicTime now) const;
  bool Suspicious(base::MonotonicTime now) const { return Phi(now) > options_.threshold; }
  absl::Duration Mean() const;

 private:
  PhiOptions options_;
  std::deque<int64_t> intervals_;  // nanoseconds
  int64_t sum_ = 0;
  std::optional<base::MonotonicTime> last_;
};

}  // namespace tholos::gossip
