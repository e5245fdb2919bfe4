// Reader: one page of a partition or of a token range.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/replica_plan.h"
#include "coordinator/shard_context.h"

namespace tholos::coordinator {

// Confined to its shard.
class Reader {
 public:
  explicit Reader(ShardContext& shard) : shard_(shard) {}

  // Coordinator::Read. `per_partition_limit` counts the rows of one page.
  base::Task<absl::StatusOr<ReadPage>> Read(data::ReadCommand command, RequestOptions options);

 private:
  base::Task<absl::StatusOr<ReadPage>> ReadFromReplicas(base::Gate::Holder inside,
                                                        data::ReadCommand command,
                                                        RequestOptions options,
                                                        base::MonotonicTime start);
  base::Task<absl::StatusOr<ReadPage>> Perform(data::ReadCommand command, RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadPartition(data::ReadCommand command,
                                                     RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadKey(data::ReadCommand command, RequestOptions options);

  ShardContext& shard_;
};

// A range read: pieces of the token space one after another, 1, 2, 4, ... 16 of them at a time,
// until the page is full.
base::Task<absl::StatusOr<ReadPage>> ReadRange(ShardContext& shard, data::ReadCommand command,
                                               RequestOptions options);

}  // namespace tholos::coordinator
