// ReplicaClient: what a coordinator asks of a replica, whether it is this node (straight to the
// storage engine) or another (over the transport).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/checksum.h"
#include "coordinator/coordinator.h"
#include "coordinator/faults.h"
#include "coordinator/write_message.h"
#include "data/read.h"
#include "gossip/liveness.h"
#include "ring/cluster_state.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// A read command and its bytes, encoded once for all replicas.
struct ReadMessage {
  data::ReadCommand command;
  std::string body;
  bool background = false;  // in the class of repair
  // How a replica is asked for the data, or for its digest.
  rpc::Verb verb(bool data) const;
  static std::shared_ptr<const ReadMessage> Of(data::ReadCommand command, bool background = false);
};

struct ReplicaDeps {
  rpc::Transport& transport;
  storage::Engine& engine;
  const ring::ClusterStateHolder& cluster;
  // Told of nodes that refuse a call, so that their death is found soon.
  const gossip::LivenessView& liveness;
};

// Usable from every shard; the caller's loop is resumed. kDeadlineExceeded means no answer in time,
// rpc::IsBrokenOff none any more; every other error that the replica, or the way to it, failed. With
// a trace, the replica's steps go into it.
class ReplicaClient {
 public:
  // `faults` outlive it.
  ReplicaClient(ring::NodeId self, const Faults& faults, ReplicaDeps deps)
      : self_(self), faults_(faults), deps_(deps) {}

  const ring::NodeId& self() const { return self_; }

  // `verb`: kWrite, kRepairWrite, kReplayWrite or kHint. OK: durable there.
  base::Task<absl::Status> Apply(ring::NodeId to, rpc::Verb verb,
                                 std::shared_ptr<const WriteMessage> message,
                                 base::Deadline deadline, TraceHandle trace = nullptr) const;
  // The same of another node than this, without a task or a trace: the answer comes to
  // `sink` (rpc/transport.h), which hands it to Note. `state` is a current one.
  void Ask(const ring::ClusterState& state, ring::NodeId to, rpc::Verb verb, int64_t token,
           std::string_view body, base::Deadline deadline, std::shared_ptr<rpc::AnswerSink> sink,
           uint32_t which) const;
  // What a replica answered: one that refuses is looked after.
  void Note(ring::NodeId node, const absl::Status& answer) const;

  // kDataLoss also for an answer that is no answer to the command (resolve.h, CheckAnswer).
  base::Task<absl::StatusOr<data::ReadResult>> ReadData(ring::NodeId from,
                                                        std::shared_ptr<const ReadMessage> message,
                                                        base::Deadline deadline,
                                                        TraceHandle trace = nullptr) const;
  // The body of an answer to kReadData.
  static absl::StatusOr<data::ReadResult> DecodeData(const data::ReadCommand& command,
                                                     std::string_view bytes);
  base::Task<absl::StatusOr<base::Hash128>> ReadDigest(ring::NodeId from,
                                                       std::shared_ptr<const ReadMessage> message,
                                                       base::Deadline deadline,
                                                       TraceHandle trace = nullptr) const;
  // The same of this node's own replica, without a message.
  base::Task<absl::Status> ApplyHere(std::string encoded_mutation, base::Deadline deadline) const {
    return deps_.engine.Apply(std::move(encoded_mutation), deadline);
  }
  base::Task<absl::StatusOr<data::ReadResult>> ReadHere(data::ReadCommand command,
                                                        base::Deadline deadline) const {
    return deps_.engine.Read(std::move(command), deadline);
  }
  // The digest that replicas give for `result`.
  base::Hash128 DigestOf(const data::ReadResult& result) const;

  // Anything else, of another node. Its answer's body is dropped.
  struct Message {
    rpc::Verb verb = rpc::Verb::kEcho;
    int64_t token = rpc::kNoToken;
    std::string body;
  };
  base::Task<absl::Status> Ask(ring::NodeId to, Message message, base::Deadline deadline,
                               TraceHandle trace = nullptr) const;

 private:
  static base::Task<absl::Status> Traced(base::Task<absl::Status> applying, TraceHandle trace);
  // What it answers goes to Note, too.
  base::Task<absl::StatusOr<std::string>> Call(ring::NodeId to, Message message,
                                               base::Deadline deadline, TraceHandle trace) const;
  base::Task<absl::StatusOr<std::string>> CallTraced(ring::NodeId to, Message message,
                                                     base::Deadline deadline,
                                                     TraceHandle trace) const;

  const ring::NodeId self_;
  const Faults& faults_;
  const ReplicaDeps deps_;
};

}  // namespace tholos::coordinator
