// RequestSlots: how many requests of a shard's connections run side by side. The others stay in
// their sockets, unread: that costs nothing, and a client that sends more than it gets answered is
// slowed down by its own connection. Pure.
//
// The number follows the shard. While connections wait for a slot, the time that the loop lags
// behind is looked at every few milliseconds: the smallest of an interval says whether there is a
// standing queue (as in coordinator/queue_delay.h, whose refusals are the second line):
//
//   lag    ▁▂▁▃   the shard has time, its requests wait for disks or replicas: more slots
//          ▅▄▆▅   all of an interval's are above the target: fewer
//
// Confined to its shard.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "base/time.h"

namespace tholos::node::native {

struct RequestSlotsOptions {
  int first = 1024;
  int min = 32;
  int max = 16'384;
  absl::Duration target = absl::Milliseconds(4);
  absl::Duration interval = absl::Milliseconds(50);
};

class RequestSlots {
 public:
  explicit RequestSlots(RequestSlotsOptions options) : options_(options), limit_(options.first) {}

  bool Full() const { return running_ >= limit_; }
  int free() const { return std::max(0, limit_ - running_); }
  int limit() const { return limit_; }
  void Take() { ++running_; }
  void Give() { --running_; }

  // Somebody waits for a slot, and the loop lags behind by `lag`.
  void Observe(base::MonotonicTime now, absl::Duration lag) {
    // The first after a while without anybody waiting.
    if (now > interval_end_ + options_.interval) Begin(now);
    smallest_ = std::min(smallest_, lag);
    if (now < interval_end_) return;
    const int step = std::max(1, limit_ / 4);
    limit_ = std::clamp(smallest_ > options_.target ? limit_ - step : limit_ + step, options_.min,
                        options_.max);
    Begin(now);
  }

 private:
  void Begin(base::MonotonicTime now) {
    interval_end_ = now + options_.interval;
    smallest_ = absl::InfiniteDuration();
  }

  const RequestSlotsOptions options_;
  int limit_;
  int running_ = 0;
  base::MonotonicTime interval_end_;
  absl::Duration smallest_ = absl::InfiniteDuration();
};

}  // namespace tholos::node::native
