// The listening side of internode streams over gRPC. No gRPC header is needed to use it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/stream.h"
#include "rpc/transport.h"

namespace tholos::rpc {

// Called on gRPC's threads.
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
  int shard_count = 1;
  size_t inbound_bytes_max = 0;  // a stream's budget
};

class InternodeServer {
 public:
  // kFailedPrecondition names the address if it cannot be listened on. Blocks for some
  // milliseconds.
  static absl::StatusOr<std::unique_ptr<InternodeServer>> Start(ListenOptions options,
                                                                InboundEvents events);
  ~InternodeServer();

  // With the port that was chosen.
  const Endpoint& endpoint() const;
  // Breaks all streams; blocks until no event is delivered any more.
  void Shutdown();

 private:
  struct Impl;
  explicit InternodeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tholos::rpc
