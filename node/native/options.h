// What the native protocol server is told, and what its parts share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cql/auth/authenticator.h"
#include "cql/query_processor.h"
#include "node/native/request_slots.h"
#include "node/native/tls.h"

namespace tholos::node::native {

struct ServerOptions {
  base::Endpoint listen;
  // Another port on the same address where a client chooses its shard: the one whose number is the
  // client's own port modulo the number of shards. 0: none. What a client must know is in the
  // answer to OPTIONS (handshake.cc).
  uint16_t shard_aware_port = 0;
  // Of the node. One more is closed as soon as it was accepted.
  int connections_max = 20'000;
  // The body of one frame, on the wire or decompressed; a larger one is answered with an error.
  uint32_t frame_bytes_max = 16u << 20;
  // Requests in work, with kRequestOverhead each. A connection beyond it is not read from.
  int64_t connection_bytes_max = 32 << 20;
  // All that the node's connections hold: frames that are coming in, requests in work, answers that
  // are made or wait to be sent. Each shard has an equal share (answer_room.h). A request whose
  // answer has no room waits; OVERLOADED says that it waited until its deadline, or had no room
  // itself.
  int64_t node_bytes_max = 256 << 20;
  // Of one connection, answers that are made and that the client has not taken. What comes beyond
  // waits, and the connection is not read from.
  int64_t output_bytes_max = 8 << 20;
  // Requests that a shard's connections run side by side.
  RequestSlotsOptions slots;
  absl::Duration request_timeout = absl::Seconds(10);
  // From the accept until the client may send requests.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // Without any byte from the client and nothing in work. Infinite: drivers keep connections open
  // and send nothing, and TCP's own keep-alive finds those that are gone.
  absl::Duration idle_timeout = absl::InfiniteDuration();
  // Without the client taking any byte of an answer, or sending any of a frame that it has begun.
  absl::Duration stall_timeout = absl::Seconds(30);
  // The same while the shard's bytes are scarce: others wait for them.
  absl::Duration crowded_stall_timeout = absl::Seconds(5);
  TlsOptions tls;
};

inline constexpr int64_t kRequestOverhead = 512;

// All outlive the server.
struct ServerDeps {
  const base::Clock& clock;
  base::Executor& executor;
  cql::QueryProcessor& queries;
  cql::auth::Authenticator& authenticator;
  base::Metrics& metrics;
  base::Log& log;
};

}  // namespace tholos::node::native
