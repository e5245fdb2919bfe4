// The transport door: bytes to a peer's verb, and the answer back.
//
// Real: long-lived gRPC streams (grpc_transport.h). Simulated: sim_transport.h, with delay, loss,
// duplication, reordering, one-way partitions and resets. Either way a message is really encoded.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace tholos::rpc {

using base::Endpoint;  // where a node listens for other nodes

// What is asked of a peer. The number is on the wire: never reuse one.
enum class Verb : uint16_t {
  kEcho = 1,
  kGossipSyn = 2,       // gossip: digests -> deltas and requests
  kGossipAck = 3,       // gossip: the deltas that were requested (one-way)
  kWrite = 10,          // data: a mutation to apply
  kReadData = 11,       // data: a read command -> partitions
  kReadDigest = 12,     // data: a read command -> 16 bytes of digest
  kHint = 13,           // data: a mutation that this node missed
  kRepairWrite = 14,    // data: a mutation from read repair
  kForwardWrite = 15,   // data: a write for several replicas of the receiver's datacenter
  kForwardAnswer = 16,  // data: what one of them said (one-way)
  kTraced = 17,         // data: another message, of a traced request
  kBatchStore = 18,     // data: a logged batch to guard
  kBatchRemove = 19,    // data: a guarded batch that is done
  kSchemaPull = 20,     // cluster: -> the whole schema
  kSchemaPush = 21,     // cluster: a schema to merge
  kReplayWrite = 24,    // data: a mutation of a logged batch that is completed by its guard
  kTruncate = 25,       // data: a table to empty
  kRepairRead = 26,     // data: as kReadData, of a range that is repaired
  kRepairDigest = 27,   // data: as kReadDigest, of one
};
std::string_view VerbName(Verb verb);

// Streams are kept apart so that one class never waits behind another. The number is on the wire.
//
// Behind the last three nobody waits: they have bounds of their own (class_limits.h), and at the
// receiver they yield to the others (background_queue.h).
enum class VerbClass : uint8_t {
  kUrgent = 0,     // what the cluster is held together by: small, rare
  kBulk = 1,       // the foreground: requests that somebody waits for
  kHints = 2,      // writes that were answered long ago: hints, batches that are completed
  kRepair = 3,     // comparing and mending replicas
  kStreaming = 4,  // ranges that move to other nodes
};
inline constexpr size_t kVerbClassCount = 5;
VerbClass ClassOf(Verb verb);
// "urgent", "bulk", ...
std::string_view ClassName(VerbClass stream_class);
inline bool IsBackground(VerbClass stream_class) { return stream_class >= VerbClass::kHints; }

// A message larger than this is refused by the sender and closes the stream at the receiver.
inline constexpr size_t kMessageBytesMax = 64u << 20;

// What a handler gets.
struct Incoming {
  Endpoint from;  // the sender's listening address, as it says
  Verb verb = Verb::kEcho;
  std::string body;
  base::Deadline deadline;  // on this node's clock
};

// Runs on the shard that owns the message's token. The status, with its payload (base/errors.h), or
// the body goes back to the caller; for a one-way message it is dropped. Not started for expired
// work.
using Handler = std::function<base::Task<absl::StatusOr<std::string>>(Incoming)>;

// The token of messages that belong to no partition: they run on shard 0.
inline constexpr int64_t kNoToken = std::numeric_limits<int64_t>::min();

struct Outgoing {
  Endpoint to;
  Verb verb = Verb::kEcho;
  int64_t token = kNoToken;  // chooses the shard at the receiver
  std::string body;
};

// Who waits for the answers to Transport::Ask.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // Once for each Ask, on the loop that asked, possibly inside of it. `which` is what Ask was given;
  // the answer, or the error, is what Call would have returned.
  virtual void OnAnswer(uint32_t which, absl::StatusOr<std::string> answer) = 0;
};

// How a call ends whose connection broke after it was sent: `why`, a kUnavailable, with a mark. What
// the peer did is not known; a kUnavailable without the mark was never sent, or is the peer's own.
// The mark stays on this node: base::EncodeStatus drops it.
absl::Status BrokenOff(absl::Status why);
bool IsBrokenOff(const absl::Status& answer);

// Usable from every shard of its node.
class Transport {
 public:
  virtual ~Transport() = default;

  // Before Start; one handler a verb.
  virtual void Handle(Verb verb, Handler handler) = 0;
  // Listens. kFailedPrecondition names the address if it is in use.
  virtual base::Task<absl::Status> Start() = 0;
  // Refuses new messages, ends every pending Call with kUnavailable, returns when all handlers
  // ended.
  virtual base::Task<void> Stop() = 0;

  // Sends and waits, until `deadline` at the latest; resumes on the loop of the caller. Errors:
  //   what the handler returned;
  //   kDeadlineExceeded: no answer in time - it may have been done;
  //   kUnavailable: not connected, or broken off (IsBrokenOff) - it may have been done;
  //   kResourceExhausted: the peer's queue here is full - not sent.
  virtual base::Task<absl::StatusOr<std::string>> Call(Outgoing message,
                                                       base::Deadline deadline) = 0;
  // Call without a task: for what asks several peers at once, for every request. From shards only;
  // `body` is not needed once this returns.
  virtual void Ask(const Endpoint& to, Verb verb, int64_t token, std::string_view body,
                   base::Deadline deadline, std::shared_ptr<AnswerSink> sink, uint32_t which) = 0;
  // Sends without an answer; lost silently if the peer cannot be reached or its queue is full.
  virtual void Send(Outgoing message) = 0;

  virtual const Endpoint& self() const = 0;
};

}  // namespace tholos::rpc
