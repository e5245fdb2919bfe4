// HintStore: the writes that nodes have missed, on disk until they were delivered (hint_format.h).
//
// A hint is synced before Add returns: at consistency level ANY it may be all there is of an
// acknowledged write.
//
// Each shard writes the hints of what it coordinates into files of its own and delivers them; the
// limits are those of the node. What an earlier run left, with however many shards, is shard 0's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/executor.h"
#include "coordinator/hints/hint_log.h"
#include "coordinator/hints/hint_metrics.h"
#include "coordinator/hints/hint_options.h"
#include "coordinator/hints/hint_totals.h"
#include "coordinator/write_message.h"

namespace tholos::coordinator {

// Add and what is said of the "current shard" are for all shards, the rest for shard 0.
class HintStore {
 public:
  // Creates the directory (in one that is durable), finds what an earlier run left. Files that are
  // not hints' are left alone; one with a torn header never had a durable hint and is removed.
  static base::Task<absl::StatusOr<std::unique_ptr<HintStore>>> Open(HintOptions options,
                                                                     HintDeps deps,
                                                                     base::Executor& executor,
                                                                     base::Metrics& metrics);

  // From any loop. OK: the hint is durable. kResourceExhausted: a bound or the disk is full;
  // kDeadlineExceeded: the write is older than hints may be. `created_micros`: when the write was
  // made, wall time.
  base::Task<absl::Status> Add(ring::NodeId target, std::shared_ptr<const WriteMessage> message,
                               int64_t created_micros);

  // The nodes with hints of the current shard, in the order of their ids.
  std::vector<ring::NodeId> Targets() const;
  // Those of the current shard. Valid as long as the store.
  HintLog* LogOf(const ring::NodeId& target);

  // The target will not get this write by a hint.
  void NeedsRepair(const ring::NodeId& target, const WriteMessage& message, std::string_view why);
  // It will get none, and neither will those that have its ranges now.
  void NodeLeft(const ring::NodeId& target) {
    if (deps_.repairs != nullptr) deps_.repairs->NoteAll(target, "its hints were dropped: it left");
  }

  bool IsTooOld(int64_t created_micros) const;
  const HintOptions& options() const { return options_; }
  HintTotals& totals() { return totals_; }
  size_t shard_count() const { return shards_.size(); }
  HintMetrics& metrics() { return metrics_; }

  // Finishes what was added. Later calls of Add fail.
  base::Task<void> Stop();

 private:
  // Confined to its shard.
  struct Shard {
    base::Gate adding;
    base::Scope writing;
    absl::btree_map<ring::NodeId, std::unique_ptr<HintLog>> logs;
    base::MonotonicTime warned_full_until;
  };

  HintStore(HintOptions options, HintDeps deps, base::Executor& executor, base::Metrics& metrics);

  Shard& Here() const;
  base::Task<absl::Status> Recover();
  struct FoundFile {
    std::string header;
    uint64_t size = 0;
  };
  base::Task<absl::StatusOr<FoundFile>> LookInto(HintFileId id);
  base::Task<absl::Status> RecoverFile(HintFileId id);
  base::Task<absl::Status> AddHere(ring::NodeId target, std::shared_ptr<const WriteMessage> message,
                                   int64_t created_micros);
  // Reserves `bytes` of those on their way to disk, if OK.
  absl::Status TakeRoom(Shard& shard, HintLog& log, size_t bytes);
  HintLog& LogFor(Shard& shard, const ring::NodeId& target);

  const HintOptions options_;
  const HintDeps deps_;
  base::Executor& executor_;
  HintMetrics metrics_;
  HintTotals totals_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tholos::coordinator
