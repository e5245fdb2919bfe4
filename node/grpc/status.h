// absl::Status to grpc::Status, with tholos.v1.ErrorDetail where there is a request error.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace tholos::node {

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace tholos::node
