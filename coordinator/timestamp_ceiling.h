// TimestampCeiling: what keeps a node's timestamps from going back over a restart, also if its
// clock was set back in between.
//
// A little above the last timestamp there is always a ceiling on disk; a restarted node goes on
// from there. It is kAbove higher: less than a restart takes, so that a clock that runs right has
// passed it by then. A timestamp of a peer that jumps above it makes a new one within kInterval.
#pragma once

#include "absl/status/status.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/log.h"
#include "coordinator/timestamp_source.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// A row of system_local.clock. On shard 0.
class TimestampCeiling {
 public:
  static constexpr absl::Duration kInterval = absl::Milliseconds(500);
  static constexpr absl::Duration kAbove = absl::Seconds(2);

  struct Deps {
    const base::Clock& clock;
    base::Log& log;
    storage::Engine& engine;
    TimestampSource& timestamps;
  };
  explicit TimestampCeiling(Deps deps) : deps_(deps) {}

  // Before the first timestamp. If the table is damaged it is emptied, with an error in the log:
  // the node then trusts its clock, as at its first start.
  base::Task<absl::Status> Load();
  void Start() { scope_.Spawn(Run()); }
  base::Task<void> Stop();

 private:
  base::Task<void> Run();
  base::Task<absl::Status> ReadCeiling();
  base::Task<absl::Status> Raise(data::Timestamp ceiling);

  const Deps deps_;
  data::Timestamp ceiling_ = 0;
  base::Event stopping_;
  base::Scope scope_;
};

}  // namespace tholos::coordinator
