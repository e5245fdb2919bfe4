// Writer: takes a mutation to all replicas and answers when the level's number has it durably.
#pragma once

#include <memory>
#include <optional>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "base/async/run_now.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/replica_plan.h"
#include "coordinator/shard_context.h"
#include "coordinator/write/forward.h"
#include "coordinator/write_message.h"
#include "coordinator/write_type.h"

namespace tholos::coordinator {

// kInvalid if a key or the mutation is empty or too large. `encoded_bytes`: the size of its
// encoding.
absl::Status CheckMutation(const data::Mutation& mutation);
absl::Status CheckMutationSize(size_t encoded_bytes, uint64_t bytes_max);

// Confined to its shard.
class Writer {
 public:
  explicit Writer(ShardContext& shard) : shard_(shard) {}

  // Coordinator::Write. After the answer the remaining replicas are still waited for, until the
  // deadline, in the background.
  base::Task<absl::Status> Write(data::Mutation mutation, RequestOptions options);

  // Write of a mutation that was accepted before: whatever its timestamp.
  base::Task<absl::Status> WriteAgain(data::Mutation mutation, RequestOptions options);
  // The same, begun at `start`.
  base::Task<absl::Status> WriteAgain(data::Mutation mutation, RequestOptions options,
                                      base::MonotonicTime start);

  // A mutation that is fit to be written, and where to. Nothing was sent.
  struct Prepared {
    std::shared_ptr<const WriteMessage> message;
    ReplicaPlan plan;
    data::Timestamp timestamp = 0;  // its largest
    base::Semaphore::Units room;    // until no replica is waited for any more
  };
  // kInvalid, kUnavailable, kOverloaded.
  absl::StatusOr<Prepared> Prepare(const data::Mutation& mutation, ConsistencyLevel level) const;
  // Before a write of this timestamp is sent: no later one of this node will be below it.
  // kOverloaded if that cannot be promised now.
  base::Task<absl::Status> Cover(data::Timestamp timestamp, base::Deadline deadline);
  // The rest of Write. The caller is inside the shard's gate, the deadline within its bounds.
  base::Task<absl::Status> Send(Prepared write, WriteType type, RequestOptions options);

  // For writes that begin with a look at what was truncated: from before it until they have ended.
  RequestEpochs::Holder EnterEpoch() const { return shard_.epochs.Enter(); }

 private:
  // One write, held by everybody who works on it.
  struct Request;

  std::optional<base::Task<absl::Status>> WriteHere(const data::Mutation& mutation,
                                                    const RequestOptions& options);
  base::Task<absl::Status> Perform(const data::Mutation& mutation, RequestOptions options,
                                   base::MonotonicTime now);
  absl::StatusOr<ReplicaPlan> Plan(const data::Mutation& mutation, ConsistencyLevel level) const;
  void SendAll(const std::shared_ptr<Request>& request);
  void SendThroughRelay(std::vector<ReplicaPlan::Target> replicas,
                        const std::shared_ptr<Request>& request);
  base::Task<void> SendToRelay(ReplicaPlan::Target relay, std::string body,
                               std::shared_ptr<Forwarder::Expected> expected,
                               std::shared_ptr<bool> heard, std::shared_ptr<Request> request);
  // `heard`: of the relay itself.
  base::Task<void> AwaitForwarded(ReplicaPlan::Target replica, size_t other, ring::NodeId relay,
                                  std::shared_ptr<Forwarder::Expected> expected,
                                  std::shared_ptr<const bool> heard,
                                  std::shared_ptr<Request> request);
  bool MayRelay(const ring::NodeId& node) const;
  // To one that is not this node.
  void SendOver(size_t target, const std::shared_ptr<Request>& request);
  bool Took(const ReplicaPlan::Target& replica, const absl::Status& applied,
            Request& request) const;
  base::Task<void> SendTo(ReplicaPlan::Target replica, std::shared_ptr<Request> request);
  // To this node.
  base::RunningNow ApplyHere(ReplicaPlan::Target replica, std::shared_ptr<Request> request);
  base::Task<void> HintFor(ring::NodeId replica, std::shared_ptr<Request> request);

  ShardContext& shard_;
  // Those who let others wait, and until when they hand nothing on. One for a node at most.
  absl::btree_map<ring::NodeId, base::MonotonicTime> silent_relays_;
};

}  // namespace tholos::coordinator
