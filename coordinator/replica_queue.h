// ReplicaQueue: whether the requests of one shard stand in a queue at one replica, and how many more
// it may be sent. Pure.
//
// What waits for a processor is refused early (queue_delay.h); this is for what waits for other
// nodes and for disks. A replica that has become slow gets more than it can do. Its queue grows
// until the deadlines pass, and from then on all its work is for nothing: a cluster that can do 250
// requests a second and is sent 1,500 answers none. What helps is to have no more under way than
// the replica does in a short time.
//
//   standing   the shortest wait within an interval is longer than `bound`, or nothing was answered
//              for that long: every request waited, not only some slow ones
//   limit      answers a second, as measured, times 1.6 `bound`, though never below `floor`
//   bound      250 ms, or twice the wait of a replica without a queue if that is more
//
// By Little's law a limit of rate x time makes everybody wait for that time. It is below what any
// client gives up after and above what a healthy replica takes, so that whoever is not in trouble
// never meets it: without a standing queue there is no limit at all, however many are under way.
// The limit is above what sets it in, so that clients that wait for answers before they send more
// are not refused because a disk was busy for a moment.
//
// How long a replica without a queue takes cannot be seen while there is one. (It need not be what
// it was: the way to it may have become longer, which is no reason to send less.) So when the limit
// sets in, and every 5 seconds that it holds, the queue is let run down to a quarter, and what is
// sent after that is measured. A replica with a queue works on it meanwhile and loses nothing. That
// is the idea of BBR (Cardwell et al., "BBR: congestion-based congestion control", ACM Queue, 2016).
//
//   under way  ▁▁▂▅█▇▅▃▃▄▅▅▅▅▅▅▅▃▃▄▅▅▅▅▅▃▂▁▁▁
//                  ^ standing ^ measured  ^ recovered: no limit after a second without refusals
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/time.h"

namespace tholos::coordinator {

struct ReplicaQueueOptions {
  absl::Duration interval = absl::Milliseconds(100);
  absl::Duration bound_min = absl::Milliseconds(250);
  double bound_factor = 2;
  double limit_factor = 1.6;  // of the bound
  // A replica may always have so many, of this shard.
  uint64_t floor = 64;
  // The limit is lifted when it refused nobody for so long.
  absl::Duration calm = absl::Seconds(1);
  absl::Duration measure_every = absl::Seconds(5);
};

class ReplicaQueue {
 public:
  ReplicaQueue() = default;
  explicit ReplicaQueue(ReplicaQueueOptions options) : options_(options) {}

  // A request is under way. `now` of some of them, regularly: those are waited for with AnsweredAt.
  void Sent() { ++under_way_; }
  void SentAt(base::MonotonicTime now);
  // The replica has done it. Those of SentAt say when they were sent.
  void Answered();
  void AnsweredAt(base::MonotonicTime now, base::MonotonicTime sent);
  // It is not under way any more: it failed, or time was up.
  void Lost() { --under_way_; }

  // Whether the next request is one too many.
  bool Full(base::MonotonicTime now);
  // A queue stands, or did a moment ago.
  bool limited() const { return limited_; }
  uint64_t under_way() const { return under_way_; }

 private:
  // What is under way runs down, is measured; or neither.
  enum class Measure { kNone, kRunningDown, kMeasuring };

  void CloseInterval(base::MonotonicTime now);
  bool Stands(base::MonotonicTime now) const;
  void BeginMeasure(base::MonotonicTime now);
  void FollowMeasure(base::MonotonicTime now);
  void NoteShortest(base::MonotonicTime now, absl::Duration wait);
  absl::Duration Bound() const;
  uint64_t Limit() const;

  const ReplicaQueueOptions options_;
  uint64_t under_way_ = 0;

  // Of the current interval.
  base::MonotonicTime interval_start_;
  uint64_t answered_ = 0;
  std::optional<absl::Duration> shortest_now_;

  base::MonotonicTime heard_at_;  // the last answer, or when there began to be something to answer
  double rate_ = 0;               // answers a second

  // The shortest waits of this span of measure_every and of the one before.
  absl::Duration shortest_ = absl::InfiniteDuration();
  absl::Duration shortest_before_ = absl::InfiniteDuration();
  base::MonotonicTime span_start_;

  bool limited_ = false;
  base::MonotonicTime troubled_at_;  // the last refusal or standing interval
  Measure measure_ = Measure::kNone;
  base::MonotonicTime measure_at_;  // the phase's beginning; of kNone: when the next one is due
  int measured_ = 0;
  absl::Duration measured_shortest_ = absl::InfiniteDuration();
};

}  // namespace tholos::coordinator
