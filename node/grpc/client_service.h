// tholos.v1.Tholos: the gRPC door onto the query processor.
//
// Requests arrive on gRPC's threads and are carried to a shard, where they run as tasks; answers
// are written from there. Each session stream stays on one shard; unary calls go round.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/executor.h"
#include "cql/query_processor.h"
#include "node/node.h"

namespace tholos::node {

struct ClientServiceOptions {
  // For calls that bring no deadline, and the most that a call may ask for.
  absl::Duration timeout_default = absl::Seconds(10);
  absl::Duration timeout_max = absl::Minutes(10);
  // Requests being worked on and answers that gRPC has not taken, in bytes over the whole node;
  // beyond it new requests are answered OVERLOADED at once, and large answers dropped for it.
  int64_t request_bytes_max = 128 << 20;
  // The rest is for requests.
  int64_t answer_bytes_max() const { return request_bytes_max - request_bytes_max / 8; }
  // Answers of one session that gRPC has not taken; beyond it the session's stream is not read.
  int64_t session_answer_bytes_max = 8 << 20;
  // A call whose client takes no answer for so long is cancelled.
  absl::Duration stall_timeout = absl::Seconds(30);
  // Calls of one session being worked on; beyond it the session's stream is not read.
  int session_calls_max = 4096;
};

struct ClientServiceDeps {
  const base::Clock& clock;
  base::Executor& executor;
  const Node& node;
  cql::QueryProcessor& queries;
};

// The service and its calls. Must outlive the grpc::Server it is registered with.
class ClientService {
 public:
  virtual ~ClientService() = default;
  static std::unique_ptr<ClientService> Make(ClientServiceOptions options, ClientServiceDeps deps);

  virtual grpc::Service& service() = 0;
  // Refuses new requests (OVERLOADED: nothing applied) and waits, blocking, until those in work are
  // answered: true, or `max` has passed.
  virtual bool Drain(absl::Duration max) = 0;
};

}  // namespace tholos::node
