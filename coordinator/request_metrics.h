// The coordinator's figures, for one shard.
#pragma once

#include <array>

#include "absl/status/status.h"
#include "base/metrics.h"
#include "coordinator/consistency.h"

namespace tholos::coordinator {

// The outcome of requests of one kind.
class OperationMetrics {
 public:
  // `operation`: "write", "batch", "read" or "range_read".
  OperationMetrics(base::Metrics& metrics, std::string_view operation, int shard);
  void Count(ConsistencyLevel level, absl::Duration took, const absl::Status& outcome);

 private:
  static constexpr size_t kLevels = 11;  // their numbers are below
  std::array<base::Counter*, kLevels> by_level_{};
  base::Histogram& latency_seconds_;
  base::Counter& unavailable_;
  base::Counter& timeouts_;
  base::Counter& failures_;
  base::Counter& overloaded_;
};

struct RequestMetrics {
  RequestMetrics(base::Metrics& metrics, int shard);
  OperationMetrics writes;
  OperationMetrics batches;
  OperationMetrics reads;
  OperationMetrics range_reads;
  base::Counter& digest_mismatches;
  base::Counter& repaired_partitions;
  base::Counter& speculative_reads;
  base::Counter& replaced_reads;
  base::Counter& traces_lost;
  base::Counter& shared_reads;
  base::Counter& slow_requests;
  base::Counter& refused_early;
  base::Counter& replicas_full;
  base::Counter& partition_limited;
  base::Counter& clock_refused;
  base::Gauge& read_bytes;
  base::Gauge& read_bytes_max;
  base::Counter& read_waits;
};

}  // namespace tholos::coordinator
