// ShardPort: one shard's half of the transport. Confined to its shard's loop.
//
// Calls.   A call is staged into its stream's batch, entered into `pending_` under its request id,
// and waits
//          for the answer, the deadline, or the end of the stream. The shard's index is in the id's
//          upper 16 bits, so that answers find the shard again. One timer ends all calls whose time
//          is up: calls are many, and nearly all are answered. It looks at all that are pending,
//          and so not again before SweepInterval: a call may end that much late.
// Staging. What a shard sends in one turn of its loop to one stream becomes one batch: the first
// message
//          posts a flush to the end of the loop's ready work. No timer is involved.
// Handlers run as tasks of the port's scope; the bytes of their request, and then of their answer,
// are
//          held in the budget of the stream they came from. Those of background classes wait for
//          their turn first (background_queue.h).
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/async/event.h"
#include "base/async/run_now.h"
#include "base/async/scope.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "rpc/background_queue.h"
#include "rpc/call_table.h"
#include "rpc/frame.h"
#include "rpc/stream.h"
#include "rpc/transport.h"

namespace tholos::rpc {

struct PeerKey {
  Endpoint endpoint;
  VerbClass stream_class = VerbClass::kBulk;
  friend auto operator<=>(const PeerKey&, const PeerKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const PeerKey& key) {
    return H::combine(std::move(h), key.endpoint, key.stream_class);
  }
};

// Who connects. Thread-safe.
class PeerDirectory {
 public:
  virtual ~PeerDirectory() = default;
  // Of the messages that wait to be sent to a peer, on all shards together.
  virtual std::shared_ptr<ByteBudget> QueueBudget(const PeerKey& peer) = 0;
  // A message waits for a connection. OnPeerUp() or OnPeerDown() follows on every shard.
  virtual void Want(const PeerKey& peer) = 0;
};

using HandlerTable = std::map<Verb, Handler>;

// An answer, copied out of its frame.
struct Answer {
  uint64_t request_id = 0;
  absl::StatusOr<std::string> result;
};

// A request or a one-way message, copied out of its frame.
struct Request {
  EnvelopeKind kind = EnvelopeKind::kRequest;
  uint64_t request_id = 0;
  Verb verb = Verb::kEcho;
  base::Deadline deadline;
  std::string body;
  ByteBudget::Hold hold;
};

inline int ShardOfRequestId(uint64_t id) { return static_cast<int>(id >> 48); }
inline uint64_t CallOfRequestId(uint64_t id) { return id & ((uint64_t{1} << 48) - 1); }

class ShardPort {
 public:
  // A look at a call takes about 10 ns: this is at most 1 % of the time.
  static absl::Duration SweepInterval(size_t pending) {
    return std::max(absl::Milliseconds(1), absl::Microseconds(static_cast<int64_t>(pending)));
  }

  struct Deps {
    base::Loop& loop;
    const base::Clock& clock;
    base::Metrics& metrics;
    PeerDirectory& peers;
    const HandlerTable& handlers;
  };
  ShardPort(int shard, Deps deps);

  // As in transport.h.
  base::Task<absl::StatusOr<std::string>> Call(Outgoing message, base::Deadline deadline);
  // An outgoing message that belongs to somebody else.
  struct Question {
    const Endpoint& to;
    Verb verb;
    int64_t token;
    std::string_view body;
  };
  void Ask(const Question& question, base::Deadline deadline, std::shared_ptr<AnswerSink> sink,
           uint32_t which);
  void Send(Outgoing message);

  void OnPeerUp(const PeerKey& peer, std::shared_ptr<Stream> stream);
  // `stream` ended, or, if null, could not be established.
  void OnPeerDown(const PeerKey& peer, const std::shared_ptr<Stream>& stream, absl::Status why);
  void OnAnswers(std::vector<Answer> answers);
  void OnRequests(std::shared_ptr<InboundStream> stream, std::vector<Request> requests);

  // Ends all calls with kUnavailable and refuses new ones.
  void Refuse();
  // After Refuse() and once no stream delivers any more: returns when all calls and handlers have
  // ended.
  base::Task<void> Stop();

 private:
  struct Peer {
    PeerKey key;
    std::shared_ptr<ByteBudget> budget;
    std::shared_ptr<Stream> stream;  // null while not connected
    absl::Status failure;            // of the last attempt to connect, if that failed
    base::MonotonicTime failed_at;
    base::MonotonicTime wanted_at{};
    base::Event changed;
  };
  struct PendingCall {
    const Peer* peer = nullptr;
    const Stream* stream = nullptr;
    Verb verb = Verb::kEcho;
    uint32_t which = 0;
    base::Deadline deadline;
    std::shared_ptr<AnswerSink> sink;
  };
  // A call of a task.
  struct Waiting final : AnswerSink {
    base::Event done;
    std::optional<absl::StatusOr<std::string>> result;  // when `done`
    void OnAnswer(uint32_t, absl::StatusOr<std::string> answer) override {
      result = std::move(answer);
      done.Set();
    }
  };
  struct Staged {
    std::shared_ptr<Stream> stream;
    BatchWriter writer;
    ByteBudget::Hold hold;
  };

  Peer& FindPeer(const PeerKey& key);
  absl::Status CheckSize(Verb verb, const Endpoint& to, size_t bytes) const;
  absl::Status QueueIsFull(const Peer& peer);
  absl::Status TooManyCalls();
  base::Task<void> AskWhenConnected(Outgoing message, base::Deadline deadline,
                                    std::shared_ptr<AnswerSink> sink, uint32_t which);
  // The peer is connected, its budget was taken into what is staged for it, and `pending_` is not
  // full.
  void BeginCall(const Peer& peer, Envelope message, std::shared_ptr<AnswerSink> sink,
                 uint32_t which);
  base::Task<absl::Status> AwaitConnection(Peer& peer, base::Deadline deadline);
  base::Task<void> SendWhenConnected(Peer& peer, Outgoing message, ByteBudget::Hold hold);
  // None if the request has ended: its time was up, or nobody handles its verb.
  const Handler* HandlerOf(const std::shared_ptr<InboundStream>& stream, const Request& request,
                           base::MonotonicTime now);
  base::RunningNow RunHandler(base::Gate::Holder inside, const Handler& handler,
                              std::shared_ptr<InboundStream> stream, Request request);
  // Of the background classes.
  base::Task<void> RunInTurn(std::shared_ptr<InboundStream> stream, Request request);
  void Respond(const std::shared_ptr<InboundStream>& stream, const Request& request,
               absl::StatusOr<std::string> result);
  // What this turn sends on `stream`.
  Staged& StagedFor(const std::shared_ptr<Stream>& stream);
  // Its bytes are held by what is staged.
  void Stage(const std::shared_ptr<Stream>& stream, const Envelope& envelope);
  void Flush();
  void EndCalls(const Stream* stream, const absl::Status& why);
  void SweepAt(base::MonotonicTime when);
  void Sweep();

  const int shard_;
  const Deps deps_;
  base::Counter& sent_;
  base::Counter& handled_;
  base::Counter& expired_;
  base::Counter& refused_;

  bool refusing_ = false;
  absl::flat_hash_map<PeerKey, std::unique_ptr<Peer>> peers_;
  CallTable<PendingCall> pending_;
  base::Timer sweep_;
  base::MonotonicTime sweep_at_;  // while sweep_ is pending
  std::vector<Staged> staged_;
  bool flush_posted_ = false;
  base::Gate calls_;
  base::Scope scope_;
  BackgroundQueue background_;
};

}  // namespace tholos::rpc
