// One Query call: streams all pages of a statement.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "node/grpc/call_context.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

using QueryReactor = grpc::ServerWriteReactor<tholos::v1::ExecuteResponse>;

// Deletes itself when the call is done. `request` lives as long as the call.
QueryReactor* StartQuery(CallContext& context, const tholos::v1::ExecuteRequest& request,
                         base::Deadline deadline, grpc::CallbackServerContext* call);

}  // namespace tholos::node
