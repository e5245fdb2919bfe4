// One Session stream: reads batches of calls, answers them in any order, as many answers to a
// message as are ready when the previous write completes.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "node/grpc/call_context.h"

namespace tholos::node {

// The messages are bytes here: the reactor parses them, and ends the stream with INVALID_ARGUMENT
// if they are no SessionRequest.
using SessionReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

// Deletes itself when the stream is done.
SessionReactor* StartSession(CallContext& context, grpc::CallbackServerContext* call);

}  // namespace tholos::node
