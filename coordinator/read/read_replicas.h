// One page from one replica set: a round of data and digests; if they disagree full data,
// resolution and repair; again, further on, while nothing alive came out.
#pragma once

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/read/table_policy.h"
#include "coordinator/replica_plan.h"
#include "coordinator/shard_context.h"

namespace tholos::coordinator {

// `command.now_seconds` is set. The page is empty only if nothing alive is left, or if half of the
// time went by without finding any (then it has a `next`). On the shard of `shard`.
base::Task<absl::StatusOr<ReadPage>> ReadReplicas(ShardContext& shard, data::ReadCommand command,
                                                  ReplicaPlan plan, TablePolicy policy,
                                                  RequestOptions options);

}  // namespace tholos::coordinator
