// The transport over gRPC: one long-lived bidirectional stream per peer and class.
//
//   Call() --> ShardPort: staged for a turn --> Stream: one message in flight, the rest waits -->
//   socket --> decoded on the shard that has the connection --> what is of other shards in one post
//   each --> ShardPort --> handler
//
//   file            part                                             runs on
//   shard_port      calls, staging, handlers                         its shard
//   stream          the queue of one stream                          any thread
//   dialer          connecting, pausing, telling the shards          shard 0
//   grpc_client     a stream that this node dialled                  the shard that has it
//   grpc_server     the listener and the streams that peers dialled  shard 0; the shard that has it
//   grpc_socket     a connection                                     the same
//   grpc_session    the gRPC call on it: bytes in, bytes out         the same
//   grpc_wire       gRPC messages                                    the same
//   grpc_address    names, connecting, listening                     the same
//   frame           the bytes                                        wherever it is called
//
// What is on the wire is gRPC, and any gRPC library can be the peer; the work is done by the shards
// themselves, without threads of a library (docs/decisions/2026-11-28-internode-on-shards.md).
//
// Connections. The first message to a peer dials it; messages wait for that, calls until their
// deadline. Once an attempt has failed, calls fail at once with kUnavailable until one succeeds. A
// connection that is refused is known at once, a silent peer within about 8 seconds (keepalive).
// When a stream breaks, the calls that were sent on it end with kUnavailable.
//
// Bounds. Per peer and class, `queue_bytes_max` of messages wait here; beyond that a call is
// refused with kResourceExhausted and a one-way message dropped. Per stream from a peer,
// `inbound_bytes_max` of requests are being handled; beyond that nothing is read from it, so that
// the peer's queue fills.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "rpc/transport.h"

namespace tholos::rpc {

struct GrpcTransportOptions {
  // Where to listen, and what peers are told; port 0 takes any free one.
  Endpoint listen;
  // Nodes whose clusters have different names refuse each other.
  std::string cluster_name;
  size_t queue_bytes_max = size_t{128} << 20;
  size_t inbound_bytes_max = size_t{64} << 20;
};

// Start() and Stop() are for one loop; everything else is thread-safe among the loops of the
// executor. Handlers and calls of a background loop run on the shard that owns the token.
class GrpcTransport final : public Transport {
 public:
  // All must outlive the transport.
  struct Deps {
    base::Executor& executor;
    const base::Clock& clock;
    base::Random& random;
    base::Metrics& metrics;
    base::Log& log;
  };
  GrpcTransport(GrpcTransportOptions options, Deps deps);
  ~GrpcTransport() override;

  void Handle(Verb verb, Handler handler) override;
  base::Task<absl::Status> Start() override;
  base::Task<void> Stop() override;
  base::Task<absl::StatusOr<std::string>> Call(Outgoing message, base::Deadline deadline) override;
  void Ask(const Endpoint& to, Verb verb, int64_t token, std::string_view body,
           base::Deadline deadline, std::shared_ptr<AnswerSink> sink, uint32_t which) override;
  void Send(Outgoing message) override;
  // After Start(), with the port that was chosen.
  const Endpoint& self() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tholos::rpc
