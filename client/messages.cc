#include "client/messages.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

pb::Consistency ToMessage(Consistency consistency) {
  return static_cast<pb::Consistency>(static_cast<int>(consistency) + 1);
}

pb::BatchRequest::Kind ToMessage(Batch::Kind kind) {
  switch (kind) {
    case Batch::Kind::kLogged:
      return pb::BatchRequest::LOGGED;
    case Batch::Kind::kUnlogged:
      return pb::BatchRequest::UNLOGGED;
    case Batch::Kind::kCounter:
      return pb::BatchRequest::COUNTER;
  }
  return pb::BatchRequest::LOGGED;
}

absl::Status StatusFrom(const pb::Error& error) {
  const pb::ErrorDetail& detail = error.detail();
  const bool known = detail.kind() > pb::ErrorDetail::KIND_UNSPECIFIED &&
                     detail.kind() <= pb::ErrorDetail::UNCERTAIN;
  if (!known) {
    // A server error is never OK, whatever its code.
    const auto code = static_cast<absl::StatusCode>(error.code());
    return absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code,
                        error.message());
  }
  base::RequestError request;
  request.kind = static_cast<base::RequestErrorKind>(detail.kind());
  request.write = detail.write();
  request.consistency = detail.consistency();
  request.required = detail.required();
  request.received = detail.received();
  request.alive = detail.alive();
  request.failures = detail.failures();
  request.write_type = detail.write_type();
  request.data_present = detail.data_present();
  for (const pb::ReplicaFailure& reason : detail.reasons())
    request.reasons.push_back(
        {reason.host(), static_cast<base::ReplicaFailureCode>(reason.code())});
  request.contentions = detail.contentions();
  request.keyspace = detail.keyspace();
  request.name =
      request.kind == base::RequestErrorKind::kUnprepared ? detail.prepared_id() : detail.table();
  return base::MakeRequestError(request, error.message());
}

namespace {

absl::StatusOr<Columns> ColumnsOf(const pb::RowsPage& page,
                                  std::shared_ptr<const Prepared>* prepared) {
  if (*prepared != nullptr && page.columns().empty()) return (*prepared)->columns;
  THOLOS_ASSIGN_OR_RETURN(Columns columns, ColumnsFrom(page.columns()));
  if (*prepared != nullptr) {
    auto changed = std::make_shared<Prepared>(**prepared);
    changed->columns = columns;
    changed->result_id = page.result_id();
    *prepared = std::move(changed);
  }
  return columns;
}

}  // namespace

absl::StatusOr<Result> ResultFrom(pb::ExecuteResponse* message,
                                  std::shared_ptr<const Prepared>* prepared) {
  Result result;
  if (message->has_rows()) {
    pb::RowsPage& page = *message->mutable_rows();
    THOLOS_ASSIGN_OR_RETURN(Columns columns, ColumnsOf(page, prepared));
    THOLOS_RETURN_IF_ERROR(CheckRows(page.raw_rows(), columns->size(), page.row_count()));
    result = Result(std::move(columns), std::move(*page.mutable_raw_rows()), page.row_count());
    result.paging_state = std::move(*page.mutable_paging_state());
  } else if (message->has_schema_change()) {
    const pb::SchemaChange& change = message->schema_change();
    result.schema_change = {change.change(), change.target(), change.keyspace(), change.name()};
  }
  result.set_keyspace = message->set_keyspace();
  result.warnings.assign(message->warnings().begin(), message->warnings().end());
  if (!message->tracing_id().empty()) {
    THOLOS_ASSIGN_OR_RETURN(result.tracing_id, base::Uuid::FromBytes(message->tracing_id()));
  }
  return result;
}

}  // namespace tholos::client
