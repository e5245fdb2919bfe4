// The native protocol server of a node: a listener on every shard.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/protocol/event.h"
#include "node/native/options.h"

namespace tholos::node::native {

// Not for a loop's thread: starting and stopping block.
class Server {
 public:
  // kFailedPrecondition names the address if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, ServerDeps deps);
  // Takes no new connections and requests, answers what is in work (for a few seconds), closes.
  ~Server();

  // To all connections that registered for them. From any thread.
  void SendEvents(std::vector<cql::protocol::Event> events);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tholos::node::native
