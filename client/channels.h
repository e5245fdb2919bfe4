// The gRPC channels of a client, and where they end.
//
// Whoever drops the last channel of a process joins gRPC's callback threads: on one of those it
// would join itself. References to a channel end wherever the last call that used it ends, on such
// threads as well; so a stub that nobody uses any more comes back here, with its channel, and is
// destroyed by Bury or Close, on a thread of the client's own or of its user's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::client {

// Thread-safe.
class Channels {
 public:
  Channels() : yard_(std::make_shared<Yard>()) {}
  ~Channels() { Close(); }

  // On a channel of its own. Does not connect yet.
  std::shared_ptr<tholos::v1::Tholos::Stub> Open(const std::string& address);
  // Destroys what came back. Not on a thread of gRPC's, as Close.
  void Bury();
  // The same, when everything has come back.
  void Close();

 private:
  using Stub = tholos::v1::Tholos::Stub;
  struct Yard {
    std::mutex mutex;
    std::condition_variable changed;
    size_t out = 0;
    std::vector<std::unique_ptr<Stub>> back;
  };
  const std::shared_ptr<Yard> yard_;
};

}  // namespace tholos::client
