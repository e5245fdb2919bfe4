// SchemaServiceImpl: the schema of this node, and how it and the others' become equal.
//
// A change, on the node that was asked:
//
//   1. current -> next          the caller's pure step
//   2. schema.bin               durable here
//   3. install                  storage makes or drops tables, on every shard
//   4. publish                  the next ClusterState: requests see it; gossip tells its digest
//   5. push                     to every live node, which merges (2 to 4 there) and acknowledges
//   6. spread                   gossip at once: every node sees that all have the same digest,
//                               which is what clients take for agreement
//
// A node that missed the push hears of another digest by gossip, pulls that peer's schema and
// merges it. A replica that gets a mutation of a table it does not know pulls at once
// (EnsureTable). Merging is commutative, associative and idempotent (data/schema/schema.h), so all
// of this may happen in any order and more than once.
//
// One change or merge at a time: 1 to 4 hold the one unit of a semaphore. 5 and 6 do not: two nodes
// that push to each other would wait for each other.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "cluster/schema_service.h"
#include "cluster/state_publisher.h"
#include "gossip/gossiper.h"
#include "rpc/transport.h"

namespace tholos::cluster {

struct SchemaServiceOptions {
  std::string directory;  // of schema.bin
  // Of one pull.
  absl::Duration pull_timeout = absl::Seconds(2);
  // How often peers with another schema are looked for, besides when one is heard of.
  absl::Duration check_interval = absl::Seconds(2);
  // Of one attempt to push to a live peer, and between two.
  absl::Duration push_timeout = absl::Seconds(3);
  absl::Duration push_retry = absl::Milliseconds(200);
};

struct SchemaServiceDeps {
  const base::Clock& clock;
  base::Executor& executor;
  base::FileSystem& fs;
  base::Log& log;
  rpc::Transport& transport;
  gossip::Gossiper& gossiper;
  StatePublisher& publisher;
};

// Built, started, stopped and destroyed on shard 0.
class SchemaServiceImpl final : public SchemaService {
 public:
  // Puts a schema in force in storage; returns when every shard has it. Runs on shard 0, never
  // twice at a time.
  using Install = std::function<base::Task<absl::Status>(data::Schema::Ptr)>;

  // `schema` from LoadSchema, installed already.
  SchemaServiceImpl(SchemaServiceOptions options, SchemaServiceDeps deps, data::Schema::Ptr schema,
                    Install install);
  ~SchemaServiceImpl() override;

  // Before the transport starts.
  void RegisterHandlers();
  // Follows gossip from here on; after Membership::Join.
  void Start();
  // Ends changes under way; before the gossiper is destroyed and storage stops.
  base::Task<void> Stop();

  base::Task<absl::Status> Apply(Change change, base::Deadline deadline) override;

  // For a message from `peer` that names a table unknown here: OK once it is known and in force;
  // kNotFound if the peer does not know it either. Calls for the same peer share one pull, and a
  // peer is not asked again within a second. From any shard.
  base::Task<absl::Status> EnsureTable(data::TableId table, base::Endpoint peer,
                                       base::Deadline deadline);

  // Shard 0 only.
  data::Schema::Ptr schema() const { return schema_; }

 private:
  // One pull that several may wait for.
  struct Pull {
    base::Event done;
    absl::Status status;
    base::MonotonicTime ended;
  };

  base::Task<absl::Status> ApplyHere(Change change, base::Deadline deadline);
  base::Task<absl::Status> ChangeHere(Change change);
  base::Task<absl::Status> Merge(data::Schema other);
  base::Task<absl::Status> Adopt(data::Schema next);
  base::Task<absl::Status> PushToAll(base::Deadline deadline);
  base::Task<absl::Status> PushTo(ring::NodeId id, std::string encoded, base::Deadline deadline);

  base::Task<absl::StatusOr<std::string>> HandlePush(rpc::Incoming incoming);
  base::Task<absl::StatusOr<std::string>> HandlePull(rpc::Incoming incoming);

  base::Task<absl::Status> EnsureTableHere(data::TableId table, base::Endpoint peer,
                                           base::Deadline deadline);
  void OnEvent(const gossip::PeerEvent& event);
  void PullIfDifferent(const ring::NodeId& id);
  base::Task<void> CheckPeers();
  std::shared_ptr<Pull> StartPull(base::Endpoint peer);
  base::Task<void> RunPull(base::Endpoint peer, std::shared_ptr<Pull> pull);

  const SchemaServiceOptions options_;
  const SchemaServiceDeps deps_;
  const Install install_;
  data::Schema::Ptr schema_;
  std::string own_digest_;
  base::Semaphore one_change_{1};
  absl::btree_map<base::Endpoint, std::shared_ptr<Pull>> pulls_;  // at most one a peer
  bool started_ = false;
  bool stopping_ = false;
  base::Event stop_;
  base::Gate gate_;  // Apply and EnsureTable
  base::Scope scope_;
};

}  // namespace tholos::cluster
