// The dialling side of an internode stream over gRPC. No gRPC header is needed to use it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/stream.h"
#include "rpc/transport.h"

namespace tholos::rpc {

// What a node says of itself when it greets. Both sides must speak the same protocol version and
// belong to clusters of the same name.
struct Greeting {
  std::string cluster_name;
  Endpoint endpoint;
  VerbClass stream_class = VerbClass::kBulk;
};

// Called on gRPC's threads. `up` at most once, `done` exactly once and last.
//
// `done` hands the stream back: the last reference to it must not be dropped on a thread of gRPC.
// With the stream goes its channel, and whoever drops the last channel of the process joins gRPC's
// callback threads (CompletionQueue::ReleaseCallbackAlternativeCQ): such a thread would join
// itself, free the queue that it polls, and go on polling it.
struct OutboundEvents {
  std::function<void()> up;
  // Not two at a time. An error breaks the stream and is what `done` gets.
  std::function<absl::Status(std::string_view frame)> received;
  std::function<void(absl::Status, std::shared_ptr<OutboundStream>)> done;
};

// Connects on a connection of its own. Does not block.
std::shared_ptr<OutboundStream> DialStream(const Endpoint& to, const Greeting& self,
                                           int shard_count, OutboundEvents events);

}  // namespace tholos::rpc
