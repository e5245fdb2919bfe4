// Between the messages of tholos.v1 and the client's values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/prepared.h"
#include "client/result.h"
#include "client/statement.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::client {

tholos::v1::Consistency ToMessage(Consistency consistency);
tholos::v1::BatchRequest::Kind ToMessage(Batch::Kind kind);

// The status that the server had, with its details (base/errors.h).
absl::Status StatusFrom(const tholos::v1::Error& error);

// Takes the message apart. `prepared` (null: a plain statement) has the columns of a page that
// comes without; one that comes with others replaces it. kDataLoss if rows or columns are
// malformed.
absl::StatusOr<Result> ResultFrom(tholos::v1::ExecuteResponse* message,
                                  std::shared_ptr<const Prepared>* prepared);

}  // namespace tholos::client
