// The native server of one shard: its listener, its connections, what they share. Confined to the
// shard's loop.
//
// Every shard listens on the same port (SO_REUSEPORT); the kernel spreads new connections. On the
// shard-aware port a new connection is handed to the shard that the client asks for. A connection
// stays on its shard; requests reach other shards inside the coordinator.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "base/async/event.h"
#include "base/async/run_now.h"
#include "base/async/scope.h"
#include "base/real/fd_watch.h"
#include "node/native/answer_room.h"
#include "node/native/connection.h"
#include "node/native/metadata.h"
#include "node/native/options.h"

namespace tholos::node::native {

class ShardServer;

// What all shards of the node share. Thread-safe.
struct NodeShared {
  std::vector<ShardServer*> shards;  // set before any of them is started
  std::atomic<int> connections = 0;
  PreparedMetadata prepared;
};

// Of one shard.
struct ShardMetrics {
  ShardMetrics(base::Metrics& metrics, int shard);
  base::Gauge* connections;
  base::Counter* accepted;
  base::Counter* refused;  // the node has too many
  base::Counter* handshakes[cql::protocol::kVersionMax - cql::protocol::kVersionMin + 1];
  base::Counter* requests;
  base::Counter* overloaded;
  base::Counter* waits;
  base::Gauge* held_bytes;
  base::Counter* protocol_errors;
  base::Counter* auth_failures;
  base::Counter* timeouts;
};

class ShardServer {
 public:
  // `tls`: null without.
  ShardServer(const ServerOptions& options, const ServerDeps& deps, const TlsContext* tls,
              NodeShared& shared, int shard);
  ~ShardServer();

  // Takes listening sockets; `shard_aware` may be -1.
  void Start(int listener, int shard_aware);
  // No new connections. On every shard before the first Stop.
  void StopListening();
  // Connections answer what they have in work. Ends when all are gone, or at `deadline`, when the
  // rest is closed.
  base::Task<void> Stop(base::Deadline deadline);

  void SendEvents(std::shared_ptr<const std::vector<cql::protocol::Event>> events);

  // For connections.
  const ServerOptions& options() const { return options_; }
  const ServerDeps& deps() const { return deps_; }
  ShardMetrics& metrics() { return metrics_; }
  ColumnSpecsCache& column_specs() { return column_specs_; }
  PreparedMetadata& prepared() { return shared_.prepared; }
  const std::string& FirstMetadataId(const cql::PreparedId& id);
  const std::string& no_columns_id() const { return no_columns_id_; }
  const TlsContext* tls() const { return tls_; }
  // Of the piece of work that runs; each is used by nobody else in between.
  std::string& read_buffer() { return read_buffer_; }
  std::string& plain_buffer() { return plain_buffer_; }
  std::string& segment_buffer() { return segment_buffer_; }
  ShardBytes& budget() { return budget_; }
  AnswerSizes& answer_sizes() { return answer_sizes_; }
  RequestSlots& slots() { return slots_; }
  // OnSlot, when slots are free. Once.
  void WaitForSlot(uint64_t connection);
  void GiveSlot();
  // Back to the budget; those that wait for room get their turn.
  void GiveBytes(int64_t bytes);
  // OnRoom, when bytes have been given back. Once.
  void WaitForRoom(uint64_t connection) { room_waiters_.push_back(connection); }
  // A request, from OnFrame: at once, up to where it first waits.
  void Begin(base::Task<void> request) { base::RunNow(requests_, std::move(request)); }
  // After the work that is ready now.
  void ScheduleFlush(uint64_t connection);
  void ScheduleRead(uint64_t connection);
  // Was closed, or ended its last request after that.
  void OnClosed(Connection& connection);
  void CountClient(uint8_t version);

  int shard() const { return shard_; }
  int shard_count() const { return static_cast<int>(shared_.shards.size()); }

 private:
  // A listening socket.
  struct Listener final : public base::FdHandler {
    Listener(ShardServer& owner, int listening, bool by_port);
    ~Listener();
    void OnFdReady(base::FdReadiness ready) override;
    ShardServer& server;
    const int fd;
    const bool shard_aware;
    base::FdWatch watch;
  };
  void HandOver(int fd, uint16_t client_port);
  void Accept(int fd);
  void RunScheduled();
  void OfferRoom();
  void OfferSlots();
  base::Task<void> WatchSlots();
  void Schedule();
  base::Task<void> WatchTimeouts();

  const ServerOptions& options_;
  const ServerDeps& deps_;
  const TlsContext* const tls_;
  NodeShared& shared_;
  ShardMetrics metrics_;
  const int shard_;
  const std::string no_columns_id_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  uint64_t next_id_ = 1;
  absl::btree_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> to_flush_;
  std::vector<uint64_t> to_read_;
  std::vector<uint64_t> flushing_;
  std::vector<uint64_t> ended_;
  std::deque<uint64_t> room_waiters_;
  std::deque<uint64_t> slot_waiters_;
  base::Event slots_wanted_;
  RequestSlots slots_;
  ShardBytes budget_;
  AnswerSizes answer_sizes_;
  bool scheduled_ = false;
  std::string read_buffer_;
  std::string plain_buffer_;
  std::string segment_buffer_;
  ColumnSpecsCache column_specs_;
  absl::flat_hash_map<cql::PreparedId, std::string> first_metadata_ids_;
  base::Event stopping_;
  base::Event empty_;
  base::Gate requests_;
  base::Scope scope_;
};

}  // namespace tholos::node::native
