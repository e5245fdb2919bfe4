#include "node/grpc/status.h"

#include <string>
#include <utility>

#include "base/errors.h"
#include "base/strings.h"
#include "cql/position.h"

namespace tholos::node {

namespace pb = ::tholos::v1;

namespace {

// A write that may have been applied.
bool EndsUncertain(const base::RequestError& error) {
  return error.write && (error.kind == base::RequestErrorKind::kTimeout ||
                         error.kind == base::RequestErrorKind::kFailure);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message(status.message());
  if (!base::GetRequestError(status).has_value()) return grpc::Status(code, message);
  // The fields of google.rpc.Status: what clients expect in grpc-status-details-bin.
  pb::RpcStatus details;
  details.set_code(static_cast<int32_t>(status.code()));
  details.set_message(message);
  pb::ErrorDetail detail;
  ToErrorDetail(status, &detail);
  details.add_details()->PackFrom(detail);
  return grpc::Status(code, message, details.SerializeAsString());
}

void ToErrorDetail(const absl::Status& status, pb::ErrorDetail* out) {
  auto error = base::GetRequestError(status);
  if (!error.has_value()) return;
  out->set_kind(static_cast<pb::ErrorDetail::Kind>(error->kind));
  out->set_write(error->write);
  out->set_consistency(std::move(error->consistency));
  out->set_required(error->required);
  out->set_received(error->received);
  out->set_alive(error->alive);
  out->set_failures(error->failures);
  out->set_data_present(error->data_present);
  out->set_contentions(error->contentions);
  for (base::ReplicaFailure& reason : error->reasons) {
    pb::ReplicaFailure* message = out->add_reasons();
    message->set_host(std::move(reason.host));
    message->set_code(static_cast<uint32_t>(reason.code));
  }
  if (EndsUncertain(*error))
    out->set_write_type(error->write_type.empty() ? "SIMPLE" : error->write_type);
  if (error->kind == base::RequestErrorKind::kUnprepared) {
    out->set_prepared_id(std::move(error->name));
  } else {
    out->set_keyspace(std::move(error->keyspace));
    out->set_table(std::move(error->name));
  }
  if (const auto position = cql::PositionIn(base::ToStd(status.message()))) {
    out->set_line(position->line);
    out->set_column(position->column);
  }
}

void ToError(const absl::Status& status, pb::Error* out) {
  out->set_code(static_cast<uint32_t>(status.code()));
  out->set_message(std::string(status.message()));
  if (base::GetRequestError(status).has_value()) ToErrorDetail(status, out->mutable_detail());
}

}  // namespace tholos::node
