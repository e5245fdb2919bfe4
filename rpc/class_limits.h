// What a class of streams may hold between a pair of nodes.
//
// The urgent class and the foreground have the transport's own bounds. Work that nobody waits for
// has smaller ones, so that however much of it there is, it takes little memory and is told early
// to slow down: a window of 4 MiB is a few turns' work of a receiver (background_queue.h), and on a
// way of 100 ms still 40 MB/s; streaming moves whole tables and gets four times that. A message
// larger than a bound is let through when nothing else is in it.
#pragma once

#include <algorithm>
#include <cstddef>

#include "rpc/transport.h"

namespace tholos::rpc {

struct ClassLimits {
  size_t queue_bytes_max = 0;    // at the sender: messages that wait to be sent
  size_t inbound_bytes_max = 0;  // at the receiver: requests in hand, the window of its stream
};

// Those of `stream_class` where the foreground has `foreground`.
inline ClassLimits LimitsOf(VerbClass stream_class, ClassLimits foreground) {
  constexpr size_t kMiB = size_t{1} << 20;
  const auto at_most = [&](size_t queue, size_t inbound) {
    return ClassLimits{std::min(queue, foreground.queue_bytes_max),
                       std::min(inbound, foreground.inbound_bytes_max)};
  };
  switch (stream_class) {
    case VerbClass::kUrgent:
    case VerbClass::kBulk:
      return foreground;
    case VerbClass::kHints:
    case VerbClass::kRepair:
      return at_most(32 * kMiB, 4 * kMiB);
    case VerbClass::kStreaming:
      return at_most(32 * kMiB, 16 * kMiB);
  }
  return foreground;
}

}  // namespace tholos::rpc
