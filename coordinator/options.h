// Options of the coordinator.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "coordinator/faults.h"
#include "coordinator/hints/hint_options.h"
#include "coordinator/partition_rates.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

struct CoordinatorOptions {
  ring::NodeId self;
  // Larger mutations are refused (kInvalid). Not above the storage engine's own limit.
  uint64_t mutation_bytes_max = 17 << 20;
  // Of requests in progress on one shard; a write counts with its size, a read with kReadCost or
  // kRangeReadCost.
  int64_t in_flight_bytes_max = 64 << 20;
  // Of what the reads of one shard bring beyond that (read/read_memory.h).
  int64_t read_bytes_max = 64 << 20;
  // Deadlines further away are brought to this.
  absl::Duration request_time_max = absl::Seconds(30);
  // Timestamps that clients give may be so far ahead of this node's (kInvalid beyond).
  absl::Duration timestamp_ahead_max = absl::Hours(1);
  // Slower requests are counted and logged, one a second on each shard.
  absl::Duration slow_request = absl::Milliseconds(500);
  // A replica that has not answered a read after the larger of this and the recent 99th percentile
  // is slow.
  absl::Duration slow_read_min = absl::Milliseconds(50);
  // A page that met so many tombstones ends, with whatever is in it.
  uint64_t page_tombstones_max = 100'000;
  // Of one partition, for the requests that this shard coordinates.
  PartitionRateLimits partition_rates;
  HintOptions hints;
  Faults faults;
};

// What a read is charged: about what its frames and a small answer take (kSmallRead,
// kSmallRangeRead).
inline constexpr int64_t kReadCost = 4 << 10;
inline constexpr int64_t kRangeReadCost = 256 << 10;

}  // namespace tholos::coordinator
