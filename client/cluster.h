// The cluster as a client sees it: its nodes' connections, and the choice of the one to ask.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "client/channels.h"
#include "client/connection.h"
#include "client/timers.h"
#include "client/topology.h"

namespace tholos::client {

// One look at the cluster. Immutable; connections go over from one view to the next.
struct View {
  Topology topology;
  std::vector<std::shared_ptr<Connection>> connections;  // of topology.nodes()
};

// What a candidate is like, for the choice.
struct Candidate {
  bool usable = false;   // not left out, and not tried by this call
  bool up = false;       // the cluster believes so
  bool local = false;    // in the own datacenter
  bool replica = false;  // of the call's partition
  size_t open = 0;       // this client's calls there
};
// The index of the one to ask, of those that are usable: up before down, of the own datacenter
// before others, there a replica before others; of equal replicas the one with the fewest calls
// open, of equal others the first one from `turn` on. Nothing if none is usable.
std::optional<size_t> Choose(const std::vector<Candidate>& candidates, uint64_t turn);

// Thread-safe. Made by Connect; Close before the end.
class Cluster : public std::enable_shared_from_this<Cluster> {
 public:
  struct Options {
    std::vector<std::string> contact_points;  // HOST:PORT
    std::string datacenter;
    absl::Duration connect_timeout;
    absl::Duration topology_interval;
  };
  // See Client::Connect.
  static absl::StatusOr<std::shared_ptr<Cluster>> Connect(Options options, Timers& timers,
                                                          Channels& channels);
  // Ends all connections, and lets go of them.
  void Close();

  struct Target {
    std::shared_ptr<Connection> connection;
    std::shared_ptr<Session> session;
    bool replica = false;
  };
  // A node that is not in `tried`; nothing if none is left.
  std::optional<Target> Pick(std::string_view keyspace, std::optional<data::Token> token,
                             const std::vector<std::shared_ptr<Connection>>& tried);
  // kUnavailable, with what is known of each node.
  absl::Status NobodyLeft() const;

  void Sweep(base::MonotonicTime now);
  // Asks for the topology now rather than at its turn.
  void LookSoon();
  std::shared_ptr<const View> view() const;

 private:
  struct Look;

  Cluster(Options options, Timers& timers, Channels& channels)
      : options_(std::move(options)), timers_(timers), channels_(channels) {}
  void Install(Topology topology);
  std::vector<std::shared_ptr<Connection>> AllConnections() const;
  void ScheduleLook(absl::Duration in);
  void StartLook();
  void EndLook(Look* look, const grpc::Status& status);

  Options options_;  // the datacenter is filled in by Connect
  Timers& timers_;
  Channels& channels_;
  std::atomic<uint64_t> turn_{0};
  mutable base::Mutex mutex_;
  std::shared_ptr<const View> view_ ABSL_GUARDED_BY(mutex_);
  // No longer in the view, but with calls open.
  std::vector<std::shared_ptr<Connection>> retired_ ABSL_GUARDED_BY(mutex_);
  bool soon_ ABSL_GUARDED_BY(mutex_) = false;  // a look is to start at once
  std::mutex looks_mutex_;
  std::condition_variable looks_changed_;
  Look* look_ = nullptr;  // under way; under looks_mutex_, as closed_
  bool closed_ = false;
};

}  // namespace tholos::client
