#include "node/native/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/real/block_on.h"
#include "base/strings.h"
#include "cql/protocol/wire.h"
#include "node/native/shard_server.h"

namespace tholos::node::native {
namespace {

constexpr int kBacklog = 1024;
constexpr absl::Duration kDrain = absl::Seconds(5);
constexpr absl::Duration kCertificateCheck = absl::Seconds(5);

absl::Status CannotListen(const base::Endpoint& endpoint, std::string_view why) {
  return absl::FailedPreconditionError(base::ToAbsl(
      base::StrCat("cannot listen for native clients on ", endpoint.ToString(), ": ", why)));
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

absl::StatusOr<Address> ToAddress(const base::Endpoint& endpoint) {
  const std::string bytes = cql::protocol::AddressBytes(endpoint.host);
  Address address;
  if (bytes.size() == 4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    memcpy(&v4->sin_addr, bytes.data(), 4);
    address.length = sizeof(*v4);
  } else if (bytes.size() == 16) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    memcpy(&v6->sin6_addr, bytes.data(), 16);
    address.length = sizeof(*v6);
  } else {
    return CannotListen(endpoint, "the host is no IP address");
  }
  return address;
}

// A socket bound and listening; -1 and errno otherwise.
int OpenListener(const Address& address, bool reuse_port) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(fd, name, address.length) != 0 || listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions o, ServerDeps d) : options(std::move(o)), deps(d) {}

  absl::Status Listen();
  void Start();
  void Stop();
  base::Task<void> WatchCertificates();

  const ServerOptions options;
  const ServerDeps deps;
  std::unique_ptr<TlsContext> tls;
  NodeShared shared;
  std::vector<int> listeners;
  std::vector<int> shard_aware;  // as many, or none
  std::vector<std::unique_ptr<ShardServer>> shards;
  // Of the background loop that watches the certificates; null without TLS.
  base::Loop* watcher = nullptr;
  base::Event stopping;
  base::Scope scope;
};

// One for each shard, or none and an error.
absl::StatusOr<std::vector<int>> OpenListeners(const base::Endpoint& endpoint, int count) {
  auto address = ToAddress(endpoint);
  if (!address.ok()) return address.status();
  // Without SO_REUSEPORT first: two servers on one port would each get some of the connections.
  const int probe = OpenListener(*address, false);
  if (probe < 0) return CannotListen(endpoint, strerror(errno));
  close(probe);
  std::vector<int> listeners;
  for (int i = 0; i < count; ++i) {
    const int fd = OpenListener(*address, true);
    if (fd < 0) {
      const absl::Status status = CannotListen(endpoint, strerror(errno));
      for (const int open : listeners) close(open);
      return status;
    }
    listeners.push_back(fd);
  }
  return listeners;
}

absl::Status Server::Impl::Listen() {
  auto opened = OpenListeners(options.listen, deps.executor.shard_count());
  if (!opened.ok()) return opened.status();
  listeners = *std::move(opened);
  if (options.shard_aware_port == 0) return absl::OkStatus();
  opened =
      OpenListeners({options.listen.host, options.shard_aware_port}, deps.executor.shard_count());
  if (!opened.ok()) {
    for (const int open : listeners) close(open);
    return opened.status();
  }
  shard_aware = *std::move(opened);
  return absl::OkStatus();
}

namespace {

base::Task<void> StartShard(ShardServer* shard, int listener, int shard_aware) {
  shard->Start(listener, shard_aware);
  co_return;
}

base::Task<void> StopListening(ShardServer* shard) {
  shard->StopListening();
  co_return;
}

base::Task<void> SpawnIn(base::Scope* scope, base::Task<void> task) {
  scope->Spawn(std::move(task));
  co_return;
}

base::Task<void> StopScope(base::Event* stopping, base::Scope* scope) {
  stopping->Set();
  co_await scope->Stop();
}

base::Task<void> DeleteShard(std::unique_ptr<ShardServer> shard, base::Deadline deadline) {
  co_await shard->Stop(deadline);
}

}  // namespace

void Server::Impl::Start() {
  if (tls != nullptr) {
    watcher = &deps.executor.background();
    base::BlockOn(*watcher, SpawnIn(&scope, WatchCertificates()));
  }
  for (int i = 0; i < deps.executor.shard_count(); ++i) {
    shards.push_back(std::make_unique<ShardServer>(options, deps, tls.get(), shared, i));
    shared.shards.push_back(shards.back().get());
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    base::BlockOn(
        deps.executor.shard(static_cast<int>(i)),
        StartShard(shards[i].get(), listeners[i], shard_aware.empty() ? -1 : shard_aware[i]));
  }
}

// On a background loop: files are read.
base::Task<void> Server::Impl::WatchCertificates() {
  while (!stopping.is_set()) {
    co_await stopping.WaitUntil(deps.clock.Now() + kCertificateCheck);
    const auto reloaded = tls->ReloadIfChanged();
    if (!reloaded.ok()) {
      deps.log.Warning("native", base::StrCat("the certificates stay as they were: ",
                                              base::ToStd(reloaded.status().message())));
    } else if (*reloaded) {
      deps.log.Info("native", "new certificates are in use");
    }
  }
}

void Server::Impl::Stop() {
  if (watcher != nullptr) base::BlockOn(*watcher, StopScope(&stopping, &scope));
  for (size_t i = 0; i < shards.size(); ++i) {
    base::BlockOn(deps.executor.shard(static_cast<int>(i)), StopListening(shards[i].get()));
  }
  const base::Deadline deadline = deps.clock.Now() + kDrain;
  for (size_t i = 0; i < shards.size(); ++i) {
    base::BlockOn(deps.executor.shard(static_cast<int>(i)),
                  DeleteShard(std::move(shards[i]), deadline));
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, ServerDeps deps) {
  auto impl = std::make_unique<Impl>(std::move(options), deps);
  if (impl->options.tls.mode != TlsMode::kOff) {
    auto tls = TlsContext::Load(impl->options.tls);
    if (!tls.ok()) return tls.status();
    impl->tls = *std::move(tls);
  }
  if (const absl::Status status = impl->Listen(); !status.ok()) return status;
  impl->Start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { impl_->Stop(); }

void Server::SendEvents(std::vector<cql::protocol::Event> events) {
  const auto shared = std::make_shared<const std::vector<cql::protocol::Event>>(std::move(events));
  for (size_t i = 0; i < impl_->shards.size(); ++i) {
    ShardServer* shard = impl_->shards[i].get();
    impl_->deps.executor.shard(static_cast<int>(i)).Post([shard, shared] {
      shard->SendEvents(shared);
    });
  }
}

}  // namespace tholos::node::native
