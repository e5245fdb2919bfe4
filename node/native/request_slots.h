// RequestSlots: how many requests of a shard's connections run side by side. The others stay in
// their sockets, unread: that costs nothing, and a client that sends more than it gets answered is
// slowed down by its own connection. Pure.
//
// The number follows the shard. While connections wait for a slot, the time that the loop lags
// behind is looked at every few milliseconds, and at the end of an interval how often that was
// above the target:
//
//   lag    ▁▂▁▃   at most a quarter: the shard has time, its requests wait for disks or replicas,
//                 so there are more slots
//          ▁▅▁▅   up to half: as many
//          ▅▁▆▅   more: fewer
//
// Not the smallest counts, as in coordinator/queue_delay.h (whose refusals are the second line):
// requests go in waves from the sockets to the log, the replicas and back, and between two of them
// the loop of the busiest shard does not lag.
//
// Confined to its shard.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "base/time.h"

namespace tholos::node::native {

struct RequestSlotsOptions {
  int first = 1024;
  int min = 512;
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
    ++samples_;
    if (lag > options_.target) ++late_;
    if (now < interval_end_) return;
    const int step = std::max(1, limit_ / 4);
    if (2 * late_ > samples_) limit_ = std::max(limit_ - step, options_.min);
    if (4 * late_ <= samples_) limit_ = std::min(limit_ + step, options_.max);
    Begin(now);
  }

 private:
  void Begin(base::MonotonicTime now) {
    interval_end_ = now + options_.interval;
    samples_ = 0;
    late_ = 0;
  }

  const RequestSlotsOptions options_;
  int limit_;
  int running_ = 0;
  base::MonotonicTime interval_end_;
  int samples_ = 0;  // of this interval
  int late_ = 0;     // of them, above the target
};

}  // namespace tholos::node::native
