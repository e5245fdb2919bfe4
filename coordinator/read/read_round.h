// ReadRound: asks replicas the same thing until the level's number has answered.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/checksum.h"
#include "coordinator/coordinator.h"
#include "coordinator/read/read_progress.h"
#include "coordinator/requests.h"
#include "coordinator/shard_context.h"

namespace tholos::coordinator {

struct ReplicaAnswer {
  ReplicaPlan::Target from;
  base::Hash128 digest;
  std::optional<data::ReadResult> data;
};

// Confined to its shard.
class ReadRound {
 public:
  struct Input {
    std::shared_ptr<const ReadMessage> message;
    std::vector<ReplicaPlan::Target> candidates;  // in order of preference
    ReadProgress::Options answers;
    ConsistencyLevel level = ConsistencyLevel::kQuorum;
    base::Deadline deadline;
    TraceHandle trace = nullptr;
    SpeculativeRetry speculative_retry;
  };

  // The answers that were needed, the first that came, one with data at least. The typed kTimeout
  // or kFailure otherwise. A replica that is slow has one more asked beside it: once within the
  // budget of speculation, and once in any case when half of the time is gone.
  static base::Task<absl::StatusOr<std::vector<ReplicaAnswer>>> Run(ShardContext& shard,
                                                                    Input input);

 private:
  ReadRound(ShardContext& shard, Input input);

  void AskOneMore();
  static void Send(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask);
  static base::Task<void> AskReplica(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask);
  base::Task<absl::StatusOr<ReplicaAnswer>> Fetch(ReadProgress::Ask ask);
  base::Task<void> WaitFor(std::shared_ptr<ReadRound> self);
  bool MaySpeculate();

  ShardContext& shard_;
  const Input input_;
  ReadProgress progress_;
  std::vector<ReplicaAnswer> answers_;
  std::vector<FailedReplica> failed_;
  base::Event decided_;
};

}  // namespace tholos::coordinator
