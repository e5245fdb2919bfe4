// Batchlog: the logged batches that this node guards for their coordinators.
//
//   coordinator                     two guards                      replicas
//     ── kBatchStore ───────────────► durable
//     ── kWrite, for every mutation ────────────────────────────────►
//     ── kBatchRemove (all done) ───► forgotten
//     X  dies before that             after the batch's time is up:
//                                     kReplayWrite, for every one ──►
//
// A batch is a row of the table system_local.batches in this node's storage engine, written before
// the answer; so it survives the coordinator, and with two guards one of them. A batch that was not
// removed when its time is up is replayed: written to all its replicas (hints for those that are
// away), until a quorum of each has it; then it is removed. Applying a mutation twice changes
// nothing, so both guards may do it, and the coordinator beside them.
//
// Not replayed: mutations of tables that are gone or were truncated since; and nothing at all of a
// batch that is older than the smallest gc_grace_seconds of its tables, for tombstones that shadow
// it may have been purged. Its age is this node's clock less its coordinator's, and so has the
// difference of the two in it, as the age by which a replica purges tombstones has.
//
// The body of kBatchStore, and the value of the row:
//   id (16) | created: wall microseconds (fixed64) | count (varint) | mutations (bytes each,
//   data/codec.h)
// The body of kBatchRemove: id (16).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "coordinator/faults.h"
#include "coordinator/truncations.h"
#include "coordinator/write/write.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {

struct LoggedBatch {
  base::Uuid id;
  int64_t created_micros = 0;
  std::vector<std::string> mutations;  // encoded
};
std::string EncodeBatch(const LoggedBatch& batch);
// kDataLoss if it is malformed.
absl::StatusOr<LoggedBatch> DecodeBatch(std::string_view bytes);

struct BatchlogOptions {
  // How often batches whose time is up are looked for.
  absl::Duration replay_interval = absl::Seconds(1);
  // How long after the message's deadline a batch is left to its coordinator, and after a failed
  // replay to itself.
  absl::Duration grace = absl::Seconds(5);
  // One attempt to replay a mutation: an answer that was lost on the way is not waited for long.
  absl::Duration replay_time_max = absl::Seconds(5);
  // A batch without a deadline, or one found at start.
  absl::Duration request_time_max = absl::Seconds(30);
};

// One of a node; its parts are confined to the shards that own the batches' ids.
class Batchlog {
 public:
  struct Deps {
    const base::Clock& clock;
    base::Executor& executor;
    base::Metrics& metrics;
    base::Log& log;
    storage::Engine& engine;
    const ring::ClusterStateHolder& cluster;
    const Truncations& truncations;
    const Faults& faults = kNoFaults;
  };
  // `writers`: of the shards, in their order.
  Batchlog(BatchlogOptions options, Deps deps, std::vector<Writer*> writers);

  // Before the transport starts.
  void RegisterWith(rpc::Transport& transport);
  // Finds what an earlier run left. On shard 0, before Start. Errors are the engine's.
  base::Task<absl::Status> Recover();
  // Begins to replay. On shard 0.
  void Start();
  // On shard 0; before the writers stop.
  base::Task<void> Stop();

  // From any shard; the caller's is resumed. OK: it is durable here.
  base::Task<absl::Status> Store(std::string encoded, base::Deadline deadline);
  base::Task<absl::Status> Remove(base::Uuid id, base::Deadline deadline);

 private:
  struct Shard {
    // When each is to be replayed, if it is still there.
    absl::btree_map<base::Uuid, base::MonotonicTime> due;
    base::Scope scope;
    base::Event stopping;
  };

  Shard& Here();
  base::Task<absl::StatusOr<std::string>> HandleStore(rpc::Incoming message);
  base::Task<absl::StatusOr<std::string>> HandleRemove(rpc::Incoming message);
  base::Task<absl::Status> StoreHere(std::string encoded, base::Deadline deadline);
  base::Task<absl::Status> RemoveHere(base::Uuid id, base::Deadline deadline);

  base::Task<void> Run(int shard);
  base::Task<void> ReplayDue(int shard);
  // OK: nothing is left to be done.
  base::Task<absl::Status> Replay(int shard, base::Uuid id);
  base::Task<absl::StatusOr<std::optional<LoggedBatch>>> Load(base::Uuid id);
  std::vector<data::Mutation> DecodeParts(const LoggedBatch& batch);
  bool IsTooOld(const LoggedBatch& batch, const std::vector<data::Mutation>& mutations) const;
  base::Task<absl::Status> ReplayMutation(Writer* writer, data::Mutation mutation,
                                          int64_t created_micros);

  const BatchlogOptions options_;
  const Deps deps_;
  const std::vector<Writer*> writers_;
  std::vector<std::unique_ptr<Shard>> shards_;
  bool started_ = false;
  base::Counter& stored_;
  base::Counter& replayed_;
};

// Where an encoded batch belongs.
data::Token GuardToken(std::string_view encoded_batch);
// The data of a batch's row: its key, and where its token is.
data::DecoratedKey BatchKey(const base::Uuid& id);

}  // namespace tholos::coordinator
