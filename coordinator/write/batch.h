// BatchWriter: several mutations as one request.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/random.h"
#include "coordinator/coordinator.h"
#include "coordinator/shard_context.h"
#include "coordinator/write/batchlog.h"
#include "coordinator/write/write.h"

namespace tholos::coordinator {

// One mutation for each partition: those of one partition are merged, into the place of the first.
std::vector<data::Mutation> MergeByPartition(std::vector<data::Mutation> mutations);

// The nodes that may guard a batch for `self`, the preferred ones first: living nodes of its
// datacenter, one from each other rack first, then the rest, those of its own rack last; and at the
// end the node itself. `turn` chooses among equals.
std::vector<ring::NodeId> GuardCandidates(const ring::ClusterState& state,
                                          const gossip::LivenessView::Set& alive,
                                          const ring::NodeId& self, uint64_t turn);

// Confined to its shard.
class BatchWriter {
 public:
  // Copies of a logged batch.
  static constexpr size_t kGuards = 2;

  BatchWriter(ShardContext& shard, Writer& writer, base::RandomStream random)
      : shard_(shard), writer_(writer), random_(random) {}
  // Before the first batch.
  void SetBatchlog(Batchlog* batchlog) { batchlog_ = batchlog; }

  // Coordinator::WriteBatch.
  base::Task<absl::Status> Write(std::vector<data::Mutation> mutations, bool logged,
                                 RequestOptions options);

 private:
  base::Task<absl::Status> Perform(std::vector<data::Mutation> mutations, bool logged,
                                   RequestOptions options);
  base::Task<absl::Status> PerformLogged(std::vector<Writer::Prepared> writes,
                                         RequestOptions options);
  absl::StatusOr<std::vector<Writer::Prepared>> Prepare(
      const std::vector<data::Mutation>& mutations, ConsistencyLevel level) const;
  base::Task<absl::Status> SendAll(std::vector<Writer::Prepared> writes, WriteType type,
                                   RequestOptions options);

  // The guards that have the batch durably: kGuards of them, or all that there are, but one at
  // least. Otherwise the typed error.
  base::Task<absl::StatusOr<std::vector<ring::NodeId>>> StoreWithGuards(
      std::shared_ptr<const LoggedBatch> batch, RequestOptions options);
  base::Task<absl::Status> StoreWith(ring::NodeId guard, std::string encoded,
                                     RequestOptions options);
  base::Task<void> RemoveFrom(ring::NodeId guard, base::Uuid id);

  ShardContext& shard_;
  Writer& writer_;
  base::RandomStream random_;
  Batchlog* batchlog_ = nullptr;
};

}  // namespace tholos::coordinator
