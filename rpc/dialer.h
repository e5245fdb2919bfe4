// Dialer: keeps a stream to every peer that somebody wants to talk to.
//
// One task a peer and class, on shard 0:
//
//   idle --wanted--> dialling --up--> connected --broken--> dialling ...
//                      |  ^
//               failed |  | after a pause of 50 ms, doubled up to 2 s and jittered; at once when
//                      v  | the peer itself connects to this node
//                     pause
//
// It goes back to idle when nobody wanted the peer for a while. Every change is told to all shards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "rpc/grpc_client.h"
#include "rpc/shard_port.h"

namespace tholos::rpc {

class Dialer final : public PeerDirectory {
 public:
  struct Deps {
    base::Executor& executor;
    const base::Clock& clock;
    base::Metrics& metrics;
    base::Log& log;
    base::RandomStream random;
    // Handles the frames of answers (any thread).
    std::function<absl::Status(std::string_view frame)> on_answers;
  };
  // `ports`, one a shard, must be there before the first Want() and outlive Stop().
  Dialer(Deps deps, const std::vector<std::unique_ptr<ShardPort>>& ports, size_t queue_bytes_max);

  // Before the first Want(): who this node is.
  void SetSelf(std::string cluster_name, Endpoint self);

  std::shared_ptr<ByteBudget> QueueBudget(const PeerKey& peer) override;
  void Want(const PeerKey& peer) override;
  // `peer` was heard of: attempts to reach it need not wait any longer. Any thread.
  void Reachable(const Endpoint& peer);

  // On shard 0. Breaks all streams, tells the shards, returns when gRPC has let go of them.
  base::Task<void> Stop();

 private:
  struct Peer {
    PeerKey key;
    base::MonotonicTime wanted_at;
    base::Event wake;     // wanted, reachable, stopping
    base::Event changed;  // of the attempt: up or done
    std::shared_ptr<OutboundStream> stream;
    bool up = false;
    bool done = false;
    bool failure_logged = false;
    absl::Status status;
  };

  void OnWanted(const PeerKey& key);
  base::Task<void> Run(Peer& peer);
  // One stream from dialling to its end. True if it was up for a while.
  base::Task<bool> RunStream(Peer& peer);
  void Dial(Peer& peer);
  void Publish(const Peer& peer, const absl::Status& why);
  void LogOutcome(Peer& peer, bool was_up);
  absl::Duration Pause(int failures);

  Deps deps_;
  const std::vector<std::unique_ptr<ShardPort>>& ports_;
  const size_t queue_bytes_max_;
  std::string cluster_name_;
  Endpoint self_;

  base::Mutex budgets_mutex_;
  absl::btree_map<PeerKey, std::shared_ptr<ByteBudget>> budgets_ ABSL_GUARDED_BY(budgets_mutex_);

  // Shard 0's.
  bool stopping_ = false;
  absl::btree_map<PeerKey, std::unique_ptr<Peer>> peers_;
  base::Scope scope_;
};

}  // namespace tholos::rpc
