// BatchWriter: several mutations as one request.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/shard_context.h"
#include "coordinator/write/write.h"

namespace tholos::coordinator {

// One mutation for each partition: those of one partition are merged, into the place of the first.
std::vector<data::Mutation> MergeByPartition(std::vector<data::Mutation> mutations);

// Confined to its shard.
class BatchWriter {
 public:
  BatchWriter(ShardContext& shard, Writer& writer) : shard_(shard), writer_(writer) {}

  // Coordinator::WriteBatch.
  base::Task<absl::Status> Write(std::vector<data::Mutation> mutations, bool logged,
                                 RequestOptions options);

 private:
  base::Task<absl::Status> Perform(std::vector<data::Mutation> mutations, bool logged,
                                   RequestOptions options);
  absl::StatusOr<std::vector<Writer::Prepared>> Prepare(
      const std::vector<data::Mutation>& mutations, ConsistencyLevel level) const;
  base::Task<absl::Status> SendAll(std::vector<Writer::Prepared> writes, WriteType type,
                                   RequestOptions options);

  ShardContext& shard_;
  Writer& writer_;
};

}  // namespace tholos::coordinator
