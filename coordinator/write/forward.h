// Forwarder: one copy of a write to each other datacenter, which is handed on there.
//
//   coordinator (dc1)          relay (dc2)               others (dc2)
//     ── kForwardWrite ──────────►  applies it
//                                   ── kWrite ──────────────►  apply it
//     ◄─────────── answer of its own
//     ◄── kForwardAnswer, one-way ──  what each of the others said
//
// The relay's failure is found like that of any replica; then the others are written to directly.
// One that is silent for a second is passed over for the next writes, too.
//
//   kForwardWrite   request id (fixed64) | count (varint) | the others' ids (16 each) |
//                   the write (write_message.h)
//   kForwardAnswer  request id (fixed64) | id (16) | status (base/errors.h, EncodeStatus) |
//                   [of a traced write: count (varint) | steps, those of the relay and of the other:
//                   source (bytes: host:port), microseconds before the last step, microseconds since
//                   the source began (varints), activity (bytes)]
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "coordinator/replica_client.h"
#include "coordinator/replica_service.h"
#include "coordinator/trace.h"
#include "coordinator/write_message.h"
#include "rpc/transport.h"

namespace tholos::coordinator {

struct ForwardedWrite {
  static constexpr size_t kOthersMax = 256;
  uint64_t request_id = 0;
  std::vector<ring::NodeId> others;
  std::string write;
};
std::string EncodeForwardedWrite(const ForwardedWrite& forwarded);
// kDataLoss if it is malformed.
absl::StatusOr<ForwardedWrite> DecodeForwardedWrite(std::string_view bytes);

struct ForwardAnswer {
  uint64_t request_id = 0;
  ring::NodeId other;
  absl::Status applied;
  std::vector<TraceEvent> events;  // Trace::TakeForRelay
};
std::string EncodeForwardAnswer(const ForwardAnswer& answer);
// kDataLoss if it is malformed.
absl::StatusOr<ForwardAnswer> DecodeForwardAnswer(std::string_view bytes);

// Usable from every shard.
class Forwarder {
 public:
  using Answer = std::shared_ptr<base::Completion<absl::Status>>;
  struct Deps {
    base::Executor& executor;
    rpc::Transport& transport;
    const ReplicaClient& replicas;
  };
  explicit Forwarder(Deps deps);

  // Before the transport starts. `own` gives kForwardWrite to this, and applies this node's copy of
  // what is handed on.
  void RegisterWith(rpc::Transport& transport, ReplicaService& own);
  // On shard 0, after the transport has stopped.
  base::Task<void> Stop();

  // Answers that are awaited on this shard; forgotten with the returned holder.
  class Expected {
   public:
    Expected(Forwarder* forwarder, uint64_t request_id, std::vector<ring::NodeId> others,
             TraceHandle trace);
    Expected(const Expected&) = delete;
    ~Expected();
    uint64_t request_id() const { return request_id_; }
    size_t size() const { return answers_.size(); }
    const Answer& answer_of(size_t other) const { return answers_[other]; }
    // The relay failed: every answer that did not come yet is IsGivenUp.
    void GiveUp();

   private:
    Forwarder* const forwarder_;
    const uint64_t request_id_;
    const std::vector<ring::NodeId> others_;
    std::vector<Answer> answers_;
  };
  static bool IsGivenUp(const absl::Status& answer);
  // `trace` (null: none) gets the steps that come with the answers.
  std::shared_ptr<Expected> Expect(std::vector<ring::NodeId> others, TraceHandle trace);

 private:
  struct Awaited {
    Answer answer;
    TraceHandle trace;
  };
  struct Shard {
    absl::btree_map<std::pair<uint64_t, ring::NodeId>, Awaited> expected;
    uint64_t next_id = 1;
    base::Scope scope;
  };

  base::Task<absl::StatusOr<std::string>> HandleWrite(rpc::Incoming message, StepNotes* notes,
                                                      ReplicaService& own);
  base::Task<absl::StatusOr<std::string>> HandleAnswer(rpc::Incoming message);
  base::Task<void> HandOn(ring::NodeId other, uint64_t request_id, base::Endpoint origin,
                          std::shared_ptr<const WriteMessage> write, base::Deadline deadline,
                          bool traced);

  const Deps deps_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tholos::coordinator
