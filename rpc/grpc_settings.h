// What both sides of internode gRPC have in common. Only for the .cc files that see gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/status.h"
#include "rpc/frame.h"
#include "rpc/stream.h"

namespace tholos::rpc {

// A message of ours is at most one batch, which exceeds its target by at most one largest body.
inline constexpr int kGrpcMessageBytesMax = static_cast<int>(kMessageBytesMax + (size_t{4} << 20));

// A peer that is stopped or cut off is noticed after the sum of these.
inline constexpr int kKeepaliveMillis = 4000;
inline constexpr int kKeepaliveTimeoutMillis = 4000;

// Without encryption or authentication: nodes trust their network.
inline std::shared_ptr<grpc::ChannelCredentials> InternodeChannelCredentials() {
  return grpc::InsecureChannelCredentials();
}
inline std::shared_ptr<grpc::ServerCredentials> InternodeServerCredentials() {
  return grpc::InsecureServerCredentials();
}

inline absl::Status ToAbslStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace tholos::rpc
