// ReplicaQueues: the queues of one shard's requests at the replicas (replica_queue.h), those of reads
// and of writes apart, and the requests that are refused because of them.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "coordinator/replica_plan.h"
#include "coordinator/replica_queue.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// Confined to its shard.
class ReplicaQueues {
 public:
  enum class Kind : uint8_t { kRead, kWrite };

  explicit ReplicaQueues(const base::Clock& clock) : clock_(clock) {}

  // A request that is under way. Its queues outlive it.
  class UnderWay {
   public:
    UnderWay(UnderWay&& o) noexcept
        : owner_(o.owner_),
          kind_(o.kind_),
          queue_(std::exchange(o.queue_, nullptr)),
          sent_(o.sent_) {}
    UnderWay& operator=(UnderWay&&) = delete;
    ~UnderWay() {
      if (queue_ != nullptr) queue_->Lost();
    }
    // OK, or an error that the replica itself gave: it was done with it.
    void Ended(const absl::Status& answer);

   private:
    friend class ReplicaQueues;
    UnderWay(ReplicaQueues* owner, Kind kind, ReplicaQueue* queue, base::MonotonicTime sent)
        : owner_(owner), kind_(kind), queue_(queue), sent_(sent) {}
    ReplicaQueues* owner_;
    Kind kind_;
    ReplicaQueue* queue_;
    base::MonotonicTime sent_;  // zero: it is not timed
  };
  [[nodiscard]] UnderWay Send(Kind kind, const ring::NodeId& replica);

  // Whether this many answers of each group can be had of replicas with room. kOverloaded names the
  // level's need. Targets with room come first then.
  absl::Status Admit(Kind kind, ReplicaPlan* plan);
  // Whether it is what Admit gave.
  static bool IsRefusal(const absl::Status& status);
  // Whether this replica has room for a write.
  bool HasRoom(Kind kind, const ring::NodeId& replica);

 private:
  struct Replica {
    std::array<ReplicaQueue, 2> queues;
    std::array<uint64_t, 2> sent{};
  };
  Replica& Of(const ring::NodeId& node);
  // Does what may change whether the queue is limited.
  template <typename Function>
  auto Counting(Kind kind, ReplicaQueue& queue, Function&& change);

  const base::Clock& clock_;
  std::array<int, 2> limited_{};                                          // queues, of each kind
  absl::flat_hash_map<ring::NodeId, std::unique_ptr<Replica>> replicas_;  // never iterated
};

}  // namespace tholos::coordinator
