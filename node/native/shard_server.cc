#include "node/native/shard_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/real/real_loop.h"
#include "base/strings.h"

namespace tholos::node::native {
namespace {

// One recv; larger requests take several.
constexpr size_t kReadBytes = 64 << 10;
constexpr absl::Duration kTimeoutCheck = absl::Seconds(1);
constexpr size_t kFirstMetadataMax = 10'000;
// Connections that are offered room in one turn of the loop.
constexpr size_t kRoomOffers = 64;
constexpr absl::Duration kSlotsProbe = absl::Milliseconds(5);

}  // namespace

ShardMetrics::ShardMetrics(base::Metrics& metrics, int shard) {
  const base::Metrics::Labels labels = {{"shard", base::StrCat(shard)}};
  connections =
      &metrics.AddGauge("tholos_native_connections", "Connections of native clients.", labels);
  accepted = &metrics.AddCounter("tholos_native_accepted_total", "Connections accepted.", labels);
  refused = &metrics.AddCounter("tholos_native_refused_total",
                                "Connections closed at once: the node has too many.", labels);
  for (uint8_t version = cql::protocol::kVersionMin; version <= cql::protocol::kVersionMax;
       ++version) {
    handshakes[version - cql::protocol::kVersionMin] = &metrics.AddCounter(
        "tholos_native_handshakes_total", "Connections that chose a protocol version.",
        {{"shard", base::StrCat(shard)}, {"version", base::StrCat(int{version})}});
  }
  requests = &metrics.AddCounter("tholos_native_requests_total", "Requests taken in work.", labels);
  overloaded = &metrics.AddCounter("tholos_native_overloaded_total",
                                   "Requests refused: too many bytes are held.", labels);
  waits = &metrics.AddCounter("tholos_native_waits_total",
                              "Requests that waited for room for their answers.", labels);
  held_bytes = &metrics.AddGauge("tholos_native_held_bytes",
                                 "Bytes of requests in work and answers not yet sent.", labels);
  protocol_errors = &metrics.AddCounter("tholos_native_protocol_errors_total",
                                        "Frames that could not be understood.", labels);
  auth_failures = &metrics.AddCounter("tholos_native_auth_failures_total",
                                      "Clients that did not prove who they are.", labels);
  timeouts =
      &metrics.AddCounter("tholos_native_timeouts_total",
                          "Connections closed: slow handshake, idle, or not reading.", labels);
}

ShardServer::ShardServer(const ServerOptions& options, const ServerDeps& deps,
                         const TlsContext* tls, NodeShared& shared, int shard)
    : options_(options),
      deps_(deps),
      tls_(tls),
      shared_(shared),
      metrics_(deps.metrics, shard),
      shard_(shard),
      no_columns_id_(cql::protocol::MetadataId({})),
      slots_(options.slots),
      budget_(options.node_bytes_max / deps.executor.shard_count()),
      read_buffer_(kReadBytes, '\0'),
      plain_buffer_(tls == nullptr ? 0 : kReadBytes, '\0') {}

ShardServer::~ShardServer() {
  THOLOS_CHECK(connections_.empty() && listeners_.empty()) << "a native server was not stopped";
}

void ShardServer::Start(int listener, int shard_aware) {
  listeners_.push_back(std::make_unique<Listener>(*this, listener, false));
  if (shard_aware >= 0) {
    listeners_.push_back(std::make_unique<Listener>(*this, shard_aware, true));
  }
  scope_.Spawn(WatchTimeouts());
  scope_.Spawn(WatchSlots());
}

void ShardServer::StopListening() { listeners_.clear(); }

ShardServer::Listener::Listener(ShardServer& owner, int listening, bool by_port)
    : server(owner),
      fd(listening),
      shard_aware(by_port),
      watch(*base::RealLoop::CurrentOrNull(), listening, *this) {}

ShardServer::Listener::~Listener() { close(fd); }

void ShardServer::Listener::OnFdReady(base::FdReadiness) {
  while (true) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    const int client =
        accept4(fd, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    // Out of descriptors: those that wait are taken when the next one comes.
    if (client < 0) return;
    // The port stands at the same place for both families.
    const uint16_t port = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
    if (shard_aware) {
      server.HandOver(client, port);
    } else {
      server.Accept(client);
    }
  }
}

void ShardServer::HandOver(int fd, uint16_t client_port) {
  const int shard = client_port % shard_count();
  ShardServer* target = shared_.shards[static_cast<size_t>(shard)];
  if (target == this) return Accept(fd);
  deps_.executor.shard(shard).Post([target, fd] { target->Accept(fd); });
}

void ShardServer::Accept(int fd) {
  metrics_.accepted->Add();
  if (shared_.connections.fetch_add(1) >= options_.connections_max) {
    shared_.connections.fetch_sub(1);
    metrics_.refused->Add();
    close(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  const uint64_t id = next_id_++;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, fd));
  metrics_.connections->Add(1);
}

void ShardServer::OnClosed(Connection& connection) {
  // Deleted later: its own code may be what is running.
  ended_.push_back(connection.id());
  Schedule();
}

void ShardServer::ScheduleFlush(uint64_t connection) {
  to_flush_.push_back(connection);
  Schedule();
}

void ShardServer::ScheduleRead(uint64_t connection) {
  to_read_.push_back(connection);
  Schedule();
}

void ShardServer::Schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  base::Loop::Current().Post([this] { RunScheduled(); });
}

void ShardServer::RunScheduled() {
  scheduled_ = false;
  flushing_.swap(to_flush_);
  for (const uint64_t id : flushing_) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      found->second->Flush();
    }
  }
  flushing_.clear();
  OfferRoom();
  OfferSlots();
  flushing_.swap(to_read_);
  for (const uint64_t id : flushing_) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      found->second->OnFdReady({});
    }
  }
  flushing_.clear();
  flushing_.swap(ended_);
  for (const uint64_t id : flushing_) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second->ended()) continue;
    connections_.erase(found);
    shared_.connections.fetch_sub(1);
    metrics_.connections->Add(-1);
  }
  flushing_.clear();
  metrics_.held_bytes->Set(budget_.held());
  if (connections_.empty()) empty_.Pulse();
}

void ShardServer::GiveBytes(int64_t bytes) {
  budget_.Give(bytes);
  if (!room_waiters_.empty()) Schedule();
}

// In turns: whoever has no room yet is asked again after the others.
void ShardServer::OfferRoom() {
  const size_t count = std::min(room_waiters_.size(), kRoomOffers);
  for (size_t i = 0; i < count; ++i) {
    const auto found = connections_.find(room_waiters_.front());
    room_waiters_.pop_front();
    if (found != connections_.end()) found->second->OnRoom();
  }
}

void ShardServer::WaitForSlot(uint64_t connection) {
  slot_waiters_.push_back(connection);
  slots_wanted_.Set();
}

void ShardServer::GiveSlot() {
  slots_.Give();
  if (!slot_waiters_.empty()) Schedule();
}

// In turns, as above.
void ShardServer::OfferSlots() {
  for (size_t left = slot_waiters_.size(); left > 0 && !slots_.Full(); --left) {
    const auto found = connections_.find(slot_waiters_.front());
    slot_waiters_.pop_front();
    if (found != connections_.end()) found->second->OnSlot();
  }
}

// A timer that comes late tells how far the loop lags behind.
base::Task<void> ShardServer::WatchSlots() {
  while (!stopping_.is_set()) {
    if (slot_waiters_.empty()) {
      slots_wanted_.Reset();
      co_await slots_wanted_.Wait();
      continue;
    }
    const base::MonotonicTime due = deps_.clock.Now() + kSlotsProbe;
    co_await stopping_.WaitUntil(due);
    const base::MonotonicTime now = deps_.clock.Now();
    slots_.Observe(now, now - due);
    Schedule();
  }
}

const std::string& ShardServer::FirstMetadataId(const cql::PreparedId& id) {
  if (const auto found = first_metadata_ids_.find(id); found != first_metadata_ids_.end()) {
    return found->second;
  }
  if (first_metadata_ids_.size() >= kFirstMetadataMax) first_metadata_ids_.clear();
  return first_metadata_ids_[id] = shared_.prepared.Find(id);
}

void ShardServer::CountClient(uint8_t version) {
  metrics_.handshakes[version - cql::protocol::kVersionMin]->Add();
}

void ShardServer::SendEvents(std::shared_ptr<const std::vector<cql::protocol::Event>> events) {
  for (const auto& [id, connection] : connections_) {
    for (const cql::protocol::Event& event : *events) connection->SendEvent(event);
  }
}

base::Task<void> ShardServer::WatchTimeouts() {
  while (!stopping_.is_set()) {
    co_await stopping_.WaitUntil(deps_.clock.Now() + kTimeoutCheck);
    const base::MonotonicTime now = deps_.clock.Now();
    for (const auto& [id, connection] : connections_) connection->CheckTimeouts(now);
  }
}

base::Task<void> ShardServer::Stop(base::Deadline deadline) {
  for (const auto& [id, connection] : connections_) connection->Drain();
  while (!connections_.empty() && deps_.clock.Now() < deadline) {
    co_await empty_.WaitUntil(deadline);
  }
  for (const auto& [id, connection] : connections_) connection->Close();
  stopping_.Set();
  slots_wanted_.Set();
  co_await requests_.Close();
  co_await scope_.Stop();
  // Every request has ended; what is left is to be deleted.
  while (!connections_.empty()) co_await base::Yield();
  while (scheduled_) co_await base::Yield();
}

}  // namespace tholos::node::native
