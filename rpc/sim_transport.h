// The transport door over the simulated network: one a process of a simulated node. Messages are
// really encoded and decoded (frame.h), each in a frame of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/metrics.h"
#include "rpc/background_queue.h"
#include "rpc/frame.h"
#include "rpc/sim_network.h"
#include "rpc/transport.h"

namespace tholos::base::sim {
class SimNode;
}

namespace tholos::rpc {

// Belongs to the running process of `node` (SimNode::Own, or a task of it), and goes with it.
class SimTransport final : public Transport {
 public:
  SimTransport(SimNetwork& network, base::sim::SimNode& node, Endpoint self);
  ~SimTransport() override;

  void Handle(Verb verb, Handler handler) override;
  base::Task<absl::Status> Start() override;
  base::Task<void> Stop() override;
  base::Task<absl::StatusOr<std::string>> Call(Outgoing message, base::Deadline deadline) override;
  void Ask(const Endpoint& to, Verb verb, int64_t token, std::string_view body,
           base::Deadline deadline, std::shared_ptr<AnswerSink> sink, uint32_t which) override;
  void Send(Outgoing message) override;
  const Endpoint& self() const override { return self_; }

  const std::string& node_name() const;
  // What the real one shows among its node's.
  const base::Metrics& metrics() const { return metrics_; }

 private:
  friend class SimNetwork;
  struct PendingCall {
    Endpoint to;
    Verb verb;
    base::Loop* loop = nullptr;
    std::shared_ptr<base::Completion<absl::StatusOr<std::string>>> answer;
  };
  // A request or one-way message that has arrived.
  struct Job {
    Endpoint from;
    Verb verb;
    std::string body;
    base::Deadline deadline;
    EnvelopeKind kind;
    uint64_t request_id = 0;
    uint64_t from_instance = 0;
  };

  base::Task<void> CallFor(Outgoing message, base::Deadline deadline,
                           std::shared_ptr<AnswerSink> sink, uint32_t which);
  uint64_t last_request_id() const { return last_request_id_; }
  // From the network:
  void Receive(std::string frame, const Endpoint& from, uint64_t from_instance);
  // A call that was not delivered, and one that may have been.
  void FailCall(uint64_t request_id, std::string_view why);
  void BreakCall(uint64_t request_id, std::string_view why);
  // Those with ids up to `last_id`.
  void FailCallsTo(const Endpoint& to, uint64_t last_id);

  void Transmit(const Endpoint& to, uint64_t to_instance, const Envelope& envelope);
  void StartJob(Job job, int64_t token);
  base::Task<void> RunJob(Job job);
  void Answer(const Job& job, absl::StatusOr<std::string> result);
  void Finish(uint64_t request_id, absl::StatusOr<std::string> result);

  SimNetwork& network_;
  base::sim::SimNode& node_;
  const Endpoint self_;
  const uint64_t instance_;
  std::map<Verb, Handler> handlers_;
  base::Metrics metrics_;
  // One a shard.
  std::vector<std::unique_ptr<base::Scope>> scopes_;
  std::vector<std::unique_ptr<BackgroundQueue>> background_;
  std::map<uint64_t, PendingCall> pending_;
  uint64_t last_request_id_ = 0;
  bool started_ = false;
  bool stopped_ = false;
  // Gone with this object: work on its way to a loop looks here first.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tholos::rpc
