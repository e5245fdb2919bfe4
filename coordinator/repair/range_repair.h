// RangeRepair: makes the replicas of a token range equal by reading it at ALL: what one of them has
// and another lacks, tombstones too, goes to whoever lacks it before the page is counted.
//
// It goes step by step, each from where the last one ended (the cursor): whoever drives it decides
// how fast, and may stop and go on at another time or node. The reads travel in the class of repair
// (rpc/transport.h) and yield to what somebody waits for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "coordinator/coordinator.h"
#include "data/read.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

struct RangeRepair {
  data::TableId table;
  data::TokenRange range;
  // Only where this node is a replica; if it has left, everywhere.
  std::optional<ring::NodeId> node;
  // Empty: from the beginning.
  std::string cursor;
};

struct RangeRepairStep {
  uint64_t partitions = 0;  // that have live rows
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint64_t repaired = 0;  // partitions, at each replica that lacked something of them
  // For RangeRepair; empty: the range is done.
  std::string cursor;
};

// Some pages: about a MiB, or until half of the time is over. On a shard. Errors are those of a read
// at ALL, and nothing is lost: the same cursor may be tried again. kInvalid: no such table, or the
// cursor is none.
base::Task<absl::StatusOr<RangeRepairStep>> RepairSome(Coordinator& coordinator,
                                                       ring::ClusterState::Ptr state,
                                                       const base::Clock& clock, RangeRepair repair,
                                                       base::Deadline deadline);

// Where a repair goes on: behind `after`, or else from `start` on.
struct RepairCursor {
  data::Token start = data::kMinToken;
  std::optional<data::Position> after;
  friend bool operator==(const RepairCursor&, const RepairCursor&) = default;
};
std::string EncodeRepairCursor(const RepairCursor& cursor);
absl::StatusOr<RepairCursor> DecodeRepairCursor(std::string_view bytes);

}  // namespace tholos::coordinator
