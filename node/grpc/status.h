// Errors of the query processor as gRPC statuses and messages of tholos.v1.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

// With its ErrorDetail in grpc-status-details-bin, if it is a request error.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Leaves `out` as it is unless `status` is a request error.
void ToErrorDetail(const absl::Status& status, tholos::v1::ErrorDetail* out);
void ToError(const absl::Status& status, tholos::v1::Error* out);

}  // namespace tholos::node
