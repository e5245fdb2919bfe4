#include "coordinator/request_metrics.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

base::Metrics::Labels Labels(std::string_view operation, int shard) {
  return {{"operation", std::string(operation)}, {"shard", absl::StrCat(shard)}};
}

base::Metrics::Labels ShardLabel(int shard) { return {{"shard", absl::StrCat(shard)}}; }

}  // namespace

OperationMetrics::OperationMetrics(base::Metrics& metrics, std::string_view operation, int shard)
    : latency_seconds_(
          metrics.AddHistogram("tholos_coordinator_latency_seconds", "Time from request to answer",
                               base::Histogram::LatencySecondsBounds(), Labels(operation, shard))),
      unavailable_(metrics.AddCounter("tholos_coordinator_unavailable_total",
                                      "Requests with too few replicas alive",
                                      Labels(operation, shard))),
      timeouts_(metrics.AddCounter("tholos_coordinator_timeouts_total",
                                   "Requests that too few replicas answered in time",
                                   Labels(operation, shard))),
      failures_(metrics.AddCounter("tholos_coordinator_failures_total",
                                   "Requests that too many replicas answered with an error",
                                   Labels(operation, shard))),
      overloaded_(metrics.AddCounter("tholos_coordinator_overloaded_total",
                                     "Requests refused at the door", Labels(operation, shard))) {
  for (uint32_t number = 0; number < kLevels; ++number) {
    const auto level = ConsistencyFromNumber(number);
    if (!level.ok()) continue;
    auto labels = Labels(operation, shard);
    labels.emplace_back("consistency", std::string(ConsistencyName(*level)));
    by_level_[number] = &metrics.AddCounter("tholos_coordinator_requests_total",
                                            "Requests by consistency level", std::move(labels));
  }
}

void OperationMetrics::Count(ConsistencyLevel level, absl::Duration took,
                             const absl::Status& outcome) {
  const auto number = static_cast<size_t>(level);
  if (number < kLevels && by_level_[number] != nullptr) by_level_[number]->Add();
  latency_seconds_.Observe(absl::ToDoubleSeconds(took));
  if (outcome.ok()) return;
  const auto error = base::GetRequestError(outcome);
  if (!error.has_value()) return;
  switch (error->kind) {
    case base::RequestErrorKind::kUnavailable:
      return unavailable_.Add();
    case base::RequestErrorKind::kTimeout:
      return timeouts_.Add();
    case base::RequestErrorKind::kFailure:
      return failures_.Add();
    case base::RequestErrorKind::kOverloaded:
      return overloaded_.Add();
    default:
      return;
  }
}

RequestMetrics::RequestMetrics(base::Metrics& metrics, int shard)
    : writes(metrics, "write", shard),
      batches(metrics, "batch", shard),
      reads(metrics, "read", shard),
      range_reads(metrics, "range_read", shard),
      digest_mismatches(metrics.AddCounter("tholos_coordinator_digest_mismatches_total",
                                           "Reads whose replicas disagreed", ShardLabel(shard))),
      repaired_partitions(metrics.AddCounter("tholos_coordinator_read_repairs_total",
                                             "Partitions brought up to date on a replica by a read",
                                             ShardLabel(shard))),
      speculative_reads(metrics.AddCounter("tholos_coordinator_speculative_reads_total",
                                           "Replicas asked because another was slow",
                                           ShardLabel(shard))),
      replaced_reads(metrics.AddCounter("tholos_coordinator_replaced_reads_total",
                                        "Replicas asked because another failed",
                                        ShardLabel(shard))),
      traces_lost(metrics.AddCounter("tholos_coordinator_traces_lost_total",
                                     "Parts of traces that could not be stored",
                                     ShardLabel(shard))),
      shared_reads(metrics.AddCounter("tholos_coordinator_shared_reads_total",
                                      "Reads answered by an equal one that began after they came",
                                      ShardLabel(shard))),
      slow_requests(metrics.AddCounter("tholos_coordinator_slow_requests_total",
                                       "Requests that took longer than slow_request",
                                       ShardLabel(shard))),
      refused_early(metrics.AddCounter("tholos_coordinator_refused_early_total",
                                       "Requests refused because the shard's queue stood too long",
                                       ShardLabel(shard))),
      replicas_full(metrics.AddCounter(
          "tholos_coordinator_replicas_full_total",
          "Times that too many of a request's replicas had enough to do", ShardLabel(shard))),
      partition_limited(metrics.AddCounter("tholos_coordinator_partition_limited_total",
                                           "Requests refused because of a partition's rate",
                                           ShardLabel(shard))),
      clock_refused(metrics.AddCounter("tholos_coordinator_clock_refused_total",
                                       "Writes refused because this node's clock is too wrong",
                                       ShardLabel(shard))),
      read_bytes(metrics.AddGauge("tholos_coordinator_read_bytes",
                                  "Memory that reads have taken for their results",
                                  ShardLabel(shard))),
      read_bytes_max(metrics.AddGauge("tholos_coordinator_read_bytes_max",
                                      "The most that it was since the node started",
                                      ShardLabel(shard))),
      read_waits(metrics.AddCounter("tholos_coordinator_read_waits_total",
                                    "Reads that waited for memory for their results",
                                    ShardLabel(shard))) {}

}  // namespace tholos::coordinator
