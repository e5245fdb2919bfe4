// tholos.v1.Admin: what the `tholos` tool asks of a node.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "node/node.h"

namespace tholos::node {

struct AdminServiceDeps {
  base::Executor& executor;
  const base::Clock& clock;
  const base::Metrics& metrics;
  Node& node;
};

// Must outlive the grpc::Server it is registered with.
std::unique_ptr<grpc::Service> MakeAdminService(AdminServiceDeps deps);

}  // namespace tholos::node
