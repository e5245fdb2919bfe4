// A pipelined client over one tholos.v1 Session stream: many calls in flight, answered in any
// order. What is submitted while a message is being written goes out together as the next one.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cli/options.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::cli {

// Whether what an answer's Error says (an absl::StatusCode) may pass, and how often a call is tried.
bool IsRetriable(uint32_t code);
inline constexpr int kAttemptsMax = 8;

// Thread-safe.
class SessionClient {
 public:
  // Called once per call, on a gRPC thread. When the stream breaks every open call gets an Error
  // with code UNAVAILABLE.
  using Callback = std::function<void(const tholos::v1::SessionAnswer&)>;

  SessionClient(const GlobalOptions& options, const std::string& target);
  // Waits for every open call.
  ~SessionClient();

  void Submit(tholos::v1::SessionCall call, Callback done);

  // Blocks until fewer than `limit` calls are open.
  void WaitBelow(int limit);

 private:
  class Stream;
  const uint32_t timeout_ms_;
  std::unique_ptr<tholos::v1::Tholos::Stub> stub_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace tholos::cli
