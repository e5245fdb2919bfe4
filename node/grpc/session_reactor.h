// One Session stream: reads batches of calls, answers them in any order, as many answers to a
// message as are ready when the previous write completes.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "node/grpc/call_context.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

using SessionReactor =
    grpc::ServerBidiReactor<tholos::v1::SessionRequest, tholos::v1::SessionResponse>;

// Deletes itself when the stream is done.
SessionReactor* StartSession(CallContext& context);

}  // namespace tholos::node
