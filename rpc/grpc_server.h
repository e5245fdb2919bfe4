// The listening side of internode streams over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/executor.h"
#include "rpc/stream.h"
#include "rpc/transport.h"

namespace tholos::rpc {

// Called on the stream's shard, between pieces of work.
struct InboundEvents {
  // A peer has connected.
  std::function<void(const Endpoint& from)> greeted;
  // Not two at a time for one stream. An error ends the stream.
  std::function<absl::Status(const std::shared_ptr<InboundStream>&, std::string_view frame)>
      received;
};

struct ListenOptions {
  Endpoint listen;  // port 0: any free one
  std::string cluster_name;
  size_t inbound_bytes_max = 0;  // a stream's budget
  // Beyond it connections are closed at once: the largest cluster has fewer.
  int connections_max = 10'000;
};

// Shard 0 listens; every connection lives on one shard, and they are spread over all of them.
class InternodeServer {
 public:
  // kFailedPrecondition names the address if it cannot be listened on. Blocks for some
  // milliseconds; not on a shard.
  static absl::StatusOr<std::unique_ptr<InternodeServer>> Listen(base::Executor& executor,
                                                                 ListenOptions options,
                                                                 InboundEvents events);
  // After Stop(), or without Start().
  ~InternodeServer();

  // With the port that was chosen.
  const Endpoint& endpoint() const;
  // Takes connections from now on. Once; any thread.
  void Start();
  // Takes no more, breaks all streams; returns when no event is delivered any more.
  base::Task<void> Stop();

 private:
  struct Impl;
  explicit InternodeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tholos::rpc
