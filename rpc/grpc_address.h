// Sockets of internode connections: what a host's name means, connecting, listening.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/real/fd_watch.h"
#include "base/real/real_loop.h"

namespace tholos::rpc {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// The addresses of a host that is written as one (IPv6 in brackets); none where it is a name.
std::vector<SocketAddress> ParseAddress(const base::Endpoint& endpoint);
// The same of a name too. Blocks. kUnavailable: there are none.
absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const base::Endpoint& endpoint);

// Non-blocking sockets that listen on all addresses of an endpoint, and the port that was chosen
// where it has none. An address that this machine does not have is left out if there is another.
// Blocks. kFailedPrecondition names the endpoint.
struct Listening {
  std::vector<int> fds;
  uint16_t port = 0;
};
absl::StatusOr<Listening> ListenOn(const base::Endpoint& endpoint);

// Tries the addresses in turn until one can be connected to. On the loop's thread; the destructor
// gives up.
class Connector final : public base::FdHandler {
 public:
  // The socket, or why the last address could not be connected to. May delete the connector; comes
  // after the constructor.
  using Done = absl::AnyInvocable<void(absl::StatusOr<int> fd)>;
  Connector(std::vector<SocketAddress> addresses, Done done);
  ~Connector();
  // Begins.
  void Start();
  void OnFdReady(base::FdReadiness ready) override;

 private:
  // Until one is under way, or none is left.
  void TryNext(absl::Status why);
  void End(absl::StatusOr<int> fd);
  void Drop();

  const std::vector<SocketAddress> addresses_;
  Done done_;
  size_t next_ = 0;
  int fd_ = -1;
  std::unique_ptr<base::FdWatch> watch_;
};

// Hands every connection that comes to `accept`. On the loop's thread.
class Listener final : public base::FdHandler {
 public:
  // Takes `fd`.
  Listener(int fd, std::function<void(int fd)> accept);
  ~Listener();
  void OnFdReady(base::FdReadiness ready) override;

 private:
  const int fd_;
  const std::function<void(int fd)> accept_;
  base::Timer retry_;
  base::FdWatch watch_;
};

}  // namespace tholos::rpc
