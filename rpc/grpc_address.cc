#include "rpc/grpc_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <utility>

#include "base/strings.h"

namespace tholos::rpc {
namespace {

constexpr int kBacklog = 1024;
// When there were no descriptors for a connection that waits.
constexpr absl::Duration kRetryAccept = absl::Milliseconds(100);

std::string ErrorText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof(buffer));
}

std::string HostOf(const base::Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

// The error of getaddrinfo().
int Look(const base::Endpoint& endpoint, int flags, std::vector<SocketAddress>* out) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(HostOf(endpoint).c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (error != 0) return error;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress address;
    memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
    out->push_back(address);
  }
  freeaddrinfo(found);
  return 0;
}

const sockaddr* Name(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

// At the same place for both families.
in_port_t* Port(SocketAddress* address) {
  return &reinterpret_cast<sockaddr_in*>(&address->storage)->sin_port;
}

// -1 and errno if it cannot be.
int OpenListener(const SocketAddress& address) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.storage.ss_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (bind(fd, Name(address), address.length) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

absl::Status CannotListen(const base::Endpoint& endpoint, const std::string& why) {
  return absl::FailedPreconditionError(
      base::StrCat("cannot listen on ", endpoint.ToString(), ": ", why));
}

}  // namespace

std::vector<SocketAddress> ParseAddress(const base::Endpoint& endpoint) {
  std::vector<SocketAddress> addresses;
  Look(endpoint, AI_NUMERICHOST, &addresses);
  return addresses;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const base::Endpoint& endpoint) {
  std::vector<SocketAddress> addresses;
  if (const int error = Look(endpoint, 0, &addresses); error != 0) {
    return absl::UnavailableError(
        base::StrCat("the host ", endpoint.host, " is not known: ", gai_strerror(error)));
  }
  return addresses;
}

absl::StatusOr<Listening> ListenOn(const base::Endpoint& endpoint) {
  std::vector<SocketAddress> addresses;
  if (const int error = Look(endpoint, AI_PASSIVE, &addresses); error != 0) {
    return CannotListen(endpoint, gai_strerror(error));
  }
  Listening listening{{}, endpoint.port};
  int missing = 0;
  for (SocketAddress& address : addresses) {
    *Port(&address) = htons(listening.port);
    const int fd = OpenListener(address);
    if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
      missing = errno;
      continue;
    }
    if (fd < 0) {
      const absl::Status status = CannotListen(endpoint, ErrorText(errno));
      for (const int open : listening.fds) close(open);
      return status;
    }
    listening.fds.push_back(fd);
    SocketAddress chosen;
    chosen.length = sizeof(chosen.storage);
    getsockname(fd, reinterpret_cast<sockaddr*>(&chosen.storage), &chosen.length);
    listening.port = ntohs(*Port(&chosen));
  }
  if (listening.fds.empty()) return CannotListen(endpoint, ErrorText(missing));
  return listening;
}

Connector::Connector(std::vector<SocketAddress> addresses, Done done)
    : addresses_(std::move(addresses)), done_(std::move(done)) {}

Connector::~Connector() { Drop(); }

void Connector::Drop() {
  watch_.reset();
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void Connector::Start() { TryNext(absl::UnavailableError("the host has no address")); }

void Connector::TryNext(absl::Status why) {
  while (next_ < addresses_.size()) {
    const SocketAddress& address = addresses_[next_++];
    fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ >= 0 && (connect(fd_, Name(address), address.length) == 0 || errno == EINPROGRESS)) {
      // Where it is connected already, the watch says so at once.
      watch_ = std::make_unique<base::FdWatch>(*base::RealLoop::CurrentOrNull(), fd_, *this);
      return;
    }
    why = absl::UnavailableError(ErrorText(errno));
    Drop();
  }
  End(std::move(why));
}

void Connector::OnFdReady(base::FdReadiness) {
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    Drop();
    return TryNext(absl::UnavailableError(ErrorText(error)));
  }
  SocketAddress peer;
  peer.length = sizeof(peer.storage);
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length) != 0) return;
  watch_.reset();
  End(std::exchange(fd_, -1));
}

// The last thing that a member does.
void Connector::End(absl::StatusOr<int> fd) {
  Done done = std::move(done_);
  done(std::move(fd));
}

Listener::Listener(int fd, std::function<void(int fd)> accept)
    : fd_(fd), accept_(std::move(accept)), watch_(*base::RealLoop::CurrentOrNull(), fd, *this) {}

Listener::~Listener() { close(fd_); }

void Listener::OnFdReady(base::FdReadiness) {
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accept_(fd);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK && !retry_.pending()) {
      const base::Loop& loop = base::Loop::Current();
      retry_.Start(loop.clock().Now() + kRetryAccept, [this] { OnFdReady({}); });
    }
    return;
  }
}

}  // namespace tholos::rpc
