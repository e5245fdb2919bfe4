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
  // With room for what comes (read_memory.h).
  base::Task<absl::StatusOr<ReadPage>> ReadInRoom(data::ReadCommand command,
                                                  RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadOnce(data::ReadCommand command, RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadPieces(data::ReadCommand command,
                                                  RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadKey(data::ReadCommand command, RequestOptions options);
  base::Task<absl::StatusOr<ReadPage>> ReadKeyLater(data::ReadCommand command,
                                                    RequestOptions options);
  struct KeyPlan {
    ReplicaPlan replicas;
    TablePolicy policy;
  };
  absl::StatusOr<KeyPlan> Plan(const data::ReadCommand& command, const RequestOptions& options);

  ShardContext& shard_;
};

// A range read: pieces of the token space one after another, up to 16 of them at a time, until the
// page is full. Those that are read side by side share what is left of the page's bytes; a piece
// with more than its share is read on alone, and what was read behind it is kept for later. Only
// inside a partition the page ends instead: readers count a partition's rows from page to page.
//
//   page      [piece 1    ][piece 2, its share|its rest][3][4]     3 and 4 were read with 2
//
// The page also ends, with whatever is in it, when half of the time is over or it met
// page_tombstones_max: inside a piece, or between two.
//
// Fewer are read at a time after that, more again when all was within its share. So the page, and
// what is read for it, never have more than the command's bytes_max together. `needed`: the page is
// empty, and the first row takes so much.
base::Task<absl::StatusOr<ReadPage>> ReadRange(ShardContext& shard, data::ReadCommand command,
                                               RequestOptions options);

}  // namespace tholos::coordinator
