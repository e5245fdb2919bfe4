// TimestampCeiling: what keeps a node's timestamps from going back over a restart, also if its
// clock was set back in between.
//
// A little above the last timestamp there is always a ceiling on disk; a restarted node goes on
// from there. It is kAbove higher: less than a restart takes, so that a clock that runs right has
// passed it by then. A write whose timestamp is above it (the first one after a while, or after a
// jump of the clock) makes a new one before it is sent.
#pragma once

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "coordinator/timestamp_source.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// A row of system_local.clock. On shard 0, but for Cover.
class TimestampCeiling {
 public:
  static constexpr absl::Duration kInterval = absl::Milliseconds(500);
  static constexpr absl::Duration kAbove = absl::Seconds(2);

  struct Deps {
    const base::Clock& clock;
    base::Executor& executor;
    base::Log& log;
    storage::Engine& engine;
    TimestampSource& timestamps;
  };
  explicit TimestampCeiling(Deps deps) : deps_(deps) {}

  // Before the first timestamp. If the table is damaged it is emptied, with an error in the log:
  // the node then trusts its clock, as at its first start. kDataLoss names a file that the disk did
  // not give (EIO): what it holds may be whole, and is left alone.
  base::Task<absl::Status> Load();
  void Start() { scope_.Spawn(Run()); }
  base::Task<void> Stop();

  // After a restart all timestamps are above this one. From any shard.
  bool Covers(data::Timestamp timestamp) const {
    return timestamp <= ceiling_.load(std::memory_order_relaxed);
  }
  // OK: now it does. From any shard; the caller's is resumed.
  base::Task<absl::Status> RaiseAbove(data::Timestamp timestamp, base::Deadline deadline);

 private:
  // Many may wait for one.
  struct Raising {
    base::Event done;
    absl::Status status;
  };
  base::Task<void> RaiseOnce(std::shared_ptr<Raising> raising);
  base::Task<void> Run();
  base::Task<absl::Status> ReadCeiling();
  void NoteRaised(const absl::Status& raised);
  base::Task<absl::Status> Raise(data::Timestamp ceiling);

  const Deps deps_;
  std::atomic<data::Timestamp> ceiling_ = 0;  // on disk
  data::Timestamp wanted_ = 0;
  uint64_t failures_in_a_row_ = 0;
  std::shared_ptr<Raising> raising_;  // null: none is under way
  base::Event stopping_;
  base::Scope scope_;
};

}  // namespace tholos::coordinator
