// QueueDelay: whether a shard has more work than it can do, and how much of it to refuse. Pure.
//
// After Nichols and Jacobson, "Controlling queue delay" (ACM Queue, 2012): a queue that is long now
// and then does its work; one that is never short within a whole interval is a standing queue, which
// only makes everybody wait. So not the length counts, nor the mean, but the smallest time that
// anything waited within an interval:
//
//   waited   ▁▃▁▅▁▂▁▇▁     min ~ 0: bursts; nothing is refused
//            ▅▇▆█▇▆▇█▆     min > target: a standing queue; a share is refused
//
// A shard with little to do has few samples. Only if together they waited for half of the interval
// do they count.
//
// What is admitted is then cut by a fifth for each interval (two fifths if the queue is long), until
// the queue gets shorter; a calm interval, or one without any work, admits more again, by 3 % the
// first time, 6 % the next, and so on. So it is down to a twentieth within 1.5 seconds, near what the shard can do after that, and back
// to everything within three. Something is always admitted, to see when the shard recovers.
#pragma once

#include "absl/time/time.h"
#include "base/time.h"

namespace tholos::coordinator {

struct QueueDelayOptions {
  // The native door holds requests back long before (node/native/request_slots.h): refusing is for
  // what gets past it, the other door's and crowds that a busy machine is slow with.
  absl::Duration target = absl::Milliseconds(80);
  absl::Duration interval = absl::Milliseconds(100);
  double cut = 0.8;
  absl::Duration long_queue = absl::Milliseconds(300);
  double long_queue_cut = 0.6;
  double growth = 0.03;
  double growth_max = 0.5;
  double admitted_min = 0.01;
};

class QueueDelay {
 public:
  QueueDelay() = default;
  explicit QueueDelay(QueueDelayOptions options) : options_(options) {}

  // Something that was put into the queue has waited this long and runs now.
  void Observe(base::MonotonicTime now, absl::Duration waited);
  // Whether the next request is refused: `share` of them, evenly spread.
  bool Refuses();
  double share() const { return 1 - admitted_; }

 private:
  void Calm();

  const QueueDelayOptions options_;
  base::MonotonicTime interval_end_;
  absl::Duration smallest_ = absl::InfiniteDuration();
  absl::Duration sum_;
  absl::Duration last_smallest_;
  double admitted_ = 1;
  int calm_ = 0;    // intervals without a queue, one after the other
  double due_ = 0;  // refusals that are owed
};

}  // namespace tholos::coordinator
