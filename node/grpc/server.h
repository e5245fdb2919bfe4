// The gRPC server for clients: tholos.v1.Tholos, tholos.v1.Admin, health checking and reflection.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "node/grpc/admin_service.h"
#include "node/grpc/client_service.h"

namespace tholos::node {

// Not for a loop's thread: starting and stopping block.
class ClientServer {
 public:
  struct Options {
    base::Endpoint listen;
    ClientServiceOptions client;
  };
  // kFailedPrecondition names the address if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<ClientServer>> Start(Options options,
                                                             ClientServiceDeps client,
                                                             AdminServiceDeps admin);
  // Reports itself unhealthy, takes no new calls, ends those that are left after a few seconds.
  ~ClientServer();

 private:
  class Impl;
  explicit ClientServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tholos::node
