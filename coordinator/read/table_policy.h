// What a table's options say about its reads: when a slow replica has one more asked beside it, and
// whether replicas that disagree are repaired.
#pragma once

#include <memory>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "coordinator/read/latency_estimate.h"
#include "data/schema/schema.h"

namespace tholos::coordinator {

// The option speculative_retry: 'NEVER' or 'NONE', 'ALWAYS', '99PERCENTILE' or '99p' (of the recent
// latencies), '50ms', and 'MIN(99p,50ms)', 'MAX(...)' of two of the latter. In any case.
class SpeculativeRetry {
 public:
  enum class Kind : uint8_t { kNever, kAlways, kDelay };

  // kConfig if it is none of these.
  static absl::StatusOr<SpeculativeRetry> Parse(std::string_view text);
  // 99PERCENTILE.
  SpeculativeRetry() = default;

  Kind kind() const { return kind_; }
  // kDelay: how long a replica may take. Percentiles count as `min` at least, and until they are
  // known.
  absl::Duration Delay(const LatencyEstimate& latencies, absl::Duration min) const;
  friend bool operator==(const SpeculativeRetry&, const SpeculativeRetry&) = default;

 private:
  struct Threshold {
    double percentile = 99;  // below 0: `fixed`
    absl::Duration fixed;
    friend bool operator==(const Threshold&, const Threshold&) = default;
  };
  enum class Of : uint8_t { kFirst, kSmaller, kLarger };
  static absl::StatusOr<Threshold> ParseThreshold(std::string_view text);

  Kind kind_ = Kind::kDelay;
  Of of_ = Of::kFirst;
  Threshold first_;
  Threshold second_;
};

struct TablePolicy {
  SpeculativeRetry speculative_retry;
  // The option read_repair: 'BLOCKING' (the default), or 'NONE', which gives up monotonic reads for
  // answers that do not wait.
  bool read_repair = true;

  // What cannot be understood is as if it were not there: whoever sets options has checked them.
  static TablePolicy Of(const data::TableSchema& table);
};

// Policies of the tables that were read lately. Confined to a shard.
class TablePolicies {
 public:
  const TablePolicy& Of(const std::shared_ptr<const data::TableSchema>& table);

 private:
  static constexpr size_t kTablesMax = 4096;
  struct Entry {
    std::shared_ptr<const data::TableSchema> schema;
    TablePolicy policy;
  };
  absl::btree_map<data::TableId, Entry> entries_;
};

}  // namespace tholos::coordinator
