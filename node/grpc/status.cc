#include "node/grpc/status.h"

#include <string>

#include "base/errors.h"
#include "node/grpc/convert.h"

namespace tholos::node {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message(status.message());
  if (!base::GetRequestError(status).has_value()) return grpc::Status(code, message);
  // The fields of google.rpc.Status: what clients expect in grpc-status-details-bin.
  tholos::v1::RpcStatus details;
  details.set_code(static_cast<int32_t>(status.code()));
  details.set_message(message);
  tholos::v1::ErrorDetail detail;
  ToErrorDetail(status, &detail);
  details.add_details()->PackFrom(detail);
  return grpc::Status(code, message, details.SerializeAsString());
}

}  // namespace tholos::node
