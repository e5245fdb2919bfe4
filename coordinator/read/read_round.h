// ReadRound: asks replicas the same thing until the level's number has answered.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
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
class ReadRound final : public rpc::AnswerSink, public std::enable_shared_from_this<ReadRound> {
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

  struct Sent {
    ReadProgress::Ask ask;
    base::MonotonicTime at;
  };
  struct Message {
    Sent sent;
    ReplicaQueues::UnderWay under_way;
  };

  // A message without a task, or (to this node, or with a trace) a task.
  void Send(ReadProgress::Ask ask);
  void OnAnswer(uint32_t which, absl::StatusOr<std::string> bytes) override;
  static base::Task<void> AskReplica(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask);
  base::Task<absl::StatusOr<ReplicaAnswer>> Fetch(ReadProgress::Ask ask);
  ReplicaQueues::UnderWay QueueFor(ReadProgress::Ask ask);
  absl::StatusOr<ReplicaAnswer> Decode(ReadProgress::Ask ask, std::string_view bytes) const;
  // Everything after the first answers that are enough is only measured.
  void Answered(const Sent& sent, absl::StatusOr<ReplicaAnswer> answer, base::MonotonicTime now);
  void Measure(const Sent& sent, const absl::Status& status, base::MonotonicTime now);
  bool IsCompared() const;
  base::Task<void> WaitFor();
  bool MaySpeculate();

  ShardContext& shard_;
  const Input input_;
  ReadProgress progress_;
  const base::Gate::Holder background_;       // late answers come after the read
  absl::InlinedVector<Message, 4> messages_;  // by their number
  std::vector<ReplicaAnswer> answers_;
  std::vector<FailedReplica> failed_;
  base::Event decided_;
};

}  // namespace tholos::coordinator
