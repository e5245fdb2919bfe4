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
// time went by without finding any, or if command.bytes_max is less than a page and a round found
// none (then it has a `next`); or if it says what is `needed`. What the replicas send is within
// bytes_max each, for which one answer's room is taken; for the others this takes it when they
// disagree (read_memory.h). On the shard of `shard`.
base::Task<absl::StatusOr<ReadPage>> ReadReplicas(ShardContext& shard, data::ReadCommand command,
                                                  ReplicaPlan plan, TablePolicy policy,
                                                  RequestOptions options);

}  // namespace tholos::coordinator
