// The dialling side of an internode stream over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/executor.h"
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

// Called on the stream's shard, between pieces of work. `up` at most once, `done` exactly once and
// last.
struct OutboundEvents {
  std::function<void()> up;
  // Not two at a time. An error breaks the stream and is what `done` gets.
  std::function<absl::Status(std::string_view frame)> received;
  // Hands the stream back: until then it lives by itself.
  std::function<void(absl::Status, std::shared_ptr<OutboundStream>)> done;
};

// Connects on a connection of its own, which one shard has: streams are spread over all of them.
// Does not block. The executor's loops are real ones.
std::shared_ptr<OutboundStream> DialStream(base::Executor& executor, const Endpoint& to,
                                           const Greeting& self, OutboundEvents events);

}  // namespace tholos::rpc
