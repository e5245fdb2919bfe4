// HintStore: the writes that nodes have missed, on disk until they were delivered (hint_format.h).
//
// A hint is synced before Add returns: at consistency level ANY it may be all there is of an
// acknowledged write.
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
#include "coordinator/write_message.h"

namespace tholos::coordinator {

// Lives on shard 0: everything but Add is called there.
class HintStore {
 public:
  // Creates the directory (in one that is durable), finds what an earlier run left. Files that are
  // not hints' are left alone; one with a torn header never had a durable hint and is removed.
  static base::Task<absl::StatusOr<std::unique_ptr<HintStore>>> Open(HintOptions options,
                                                                     HintDeps deps,
                                                                     base::Executor& executor,
                                                                     base::Metrics& metrics);

  // From any shard. OK: the hint is durable. kResourceExhausted: a bound or the disk is full;
  // kDeadlineExceeded: the write is older than hints may be. `created_micros`: when the write was
  // made, wall time.
  base::Task<absl::Status> Add(ring::NodeId target, std::shared_ptr<const WriteMessage> message,
                               int64_t created_micros);

  // The nodes with hints, in the order of their ids.
  std::vector<ring::NodeId> Targets() const;
  // Valid as long as the store.
  HintLog* LogOf(const ring::NodeId& target);

  // The target will not get this write by a hint.
  void NeedsRepair(const ring::NodeId& target, const WriteMessage& message, std::string_view why);
  // It will get none, and neither will those that have its ranges now.
  void NodeLeft(const ring::NodeId& target) {
    if (deps_.repairs != nullptr) deps_.repairs->NoteAll(target, "its hints were dropped: it left");
  }

  bool IsTooOld(int64_t created_micros) const;
  const HintOptions& options() const { return options_; }
  HintMetrics& metrics() { return metrics_; }

  // Finishes what was added. Later calls of Add fail.
  base::Task<void> Stop();

 private:
  HintStore(HintOptions options, HintDeps deps, base::Executor& executor, base::Metrics& metrics)
      : options_(std::move(options)), deps_(deps), executor_(executor), metrics_(metrics) {}

  base::Task<absl::Status> Recover();
  struct FoundFile {
    std::string header;
    uint64_t size = 0;
  };
  base::Task<absl::StatusOr<FoundFile>> LookInto(HintFileId id);
  base::Task<absl::Status> RecoverFile(HintFileId id);
  base::Task<absl::Status> AddHere(ring::NodeId target, std::shared_ptr<const WriteMessage> message,
                                   int64_t created_micros);
  absl::Status CheckRoom(const ring::NodeId& target, size_t bytes);
  HintLog& LogFor(const ring::NodeId& target);

  const HintOptions options_;
  const HintDeps deps_;
  base::Executor& executor_;
  HintMetrics metrics_;
  base::Gate adding_;
  base::Scope writing_;
  absl::btree_map<ring::NodeId, std::unique_ptr<HintLog>> logs_;
  uint64_t pending_bytes_ = 0;
  base::MonotonicTime warned_full_until_;
};

}  // namespace tholos::coordinator
