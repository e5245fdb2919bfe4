// Read repair: brings replicas up to what a read found, before the read answers. So once a QUORUM
// read has shown a value, no later QUORUM read shows an older one.
//
// An update that is larger than a mutation may be (a merged row, where replicas hold different cells
// of it) goes in several (split_update.h); the read waits for all of them. A replica may show a part
// of it meanwhile, at ONE.
//
// Memory: what is to be written is charged to the shard's reads until it is (read_memory.h); of the
// messages made of it ShardContext::kRepairBytesMax are under way at a time.
#pragma once

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/progress.h"
#include "coordinator/replica_plan.h"
#include "coordinator/shard_context.h"
#include "data/partition.h"

namespace tholos::coordinator {

struct ReadRepair {
  data::TableId table;
  // What each replica lacks; replicas that lack nothing are not here.
  std::vector<std::pair<ReplicaPlan::Target, std::vector<data::Partition>>> lacking;
  // Everything that was found: for a replica that was not read and stands in for one that cannot be
  // repaired.
  std::vector<data::Partition> found;
  std::vector<ReplicaPlan::Target> spares;
  // How many replicas of each group must have it, and the groups of those that had it.
  Progress::Needs needs;
  std::vector<int> up_to_date;
  ConsistencyLevel level = ConsistencyLevel::kQuorum;
  base::Deadline deadline;
  TraceHandle trace = nullptr;
};

// Returns when enough replicas have it durably; the typed kTimeout or kFailure of a read otherwise.
// On the shard of `shard`.
base::Task<absl::Status> Repair(ShardContext& shard, ReadRepair repair);

}  // namespace tholos::coordinator
