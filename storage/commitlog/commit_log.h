// One shard's commit log: the durable order of its writes.
//
//   Append ---> pending ---> one group: one write, one sync ---> on_durable of each record, in log
//   order Append -/               (whatever arrives meanwhile is the next group)
//
// - At most one group is in flight, so that a torn tail can be told from corruption
// (segment_format.h).
// - A failed write or sync poisons the log: the records of that group get kAborted (their outcome
// is
//   unknown: a restart may find them), and every later Append kFailedPrecondition. Nothing is
//   retried on a file whose sync failed.
// - Segments are preallocated before the first record goes into them, one ahead of need, so a full
// disk
//   is met before anything was accepted: Append returns kResourceExhausted and works again when
//   space returns.
// - Discard() keeps one segment for recycling and removes the rest, oldest first.
//
// Confined to the loop of its shard. Stop() writes what is pending and ends.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "storage/commitlog/log_position.h"
#include "storage/commitlog/recovery.h"

namespace tholos::storage {

struct CommitLogOptions {
  std::string directory;  // of this shard alone
  uint32_t shard = 0;
  uint64_t segment_bytes = 32 << 20;
  // Ids of new segments are above this: positions that were given out for ever (in manifests) may
  // refer to segments that are gone.
  uint64_t last_segment_known = 0;
  // No new segment beyond this (the flushes that free segments are behind): kResourceExhausted.
  uint64_t bytes_max = 1 << 30;
  // Appended and not yet durable. Beyond it Append answers kOverloaded at once: a disk that syncs
  // within a second at 32 MiB/s stays below.
  uint64_t pending_bytes_max = 32 << 20;
  // Of one group, unless a single record is larger: what a disk takes in a few milliseconds.
  uint64_t group_bytes_max = 4 << 20;
  // Acknowledges before the sync: a mutant for the simulator to find.
  bool mutant_skip_sync = false;
};

struct CommitLogDeps {
  base::FileSystem& fs;
  base::Metrics& metrics;
  base::Log& log;
};

class CommitLog {
 public:
  // Runs on the loop, once the record is durable, before Append returns; in log order, without
  // suspension between the records of a group.
  using OnDurable = absl::AnyInvocable<void(LogPosition)>;

  // Replays what is there into `sink`, and starts a new segment when the first record comes.
  static base::Task<absl::StatusOr<std::unique_ptr<CommitLog>>> Open(CommitLogOptions options,
                                                                     CommitLogDeps deps,
                                                                     ReplaySink& sink);
  ~CommitLog();
  CommitLog(const CommitLog&) = delete;
  CommitLog& operator=(const CommitLog&) = delete;

  // The largest record that fits a segment of `segment_bytes`.
  static uint64_t RecordBytesMax(uint64_t segment_bytes);

  // OK: durable, and on_durable has run. Otherwise on_durable does not run:
  //   kResourceExhausted  no space for a segment, or overloaded: not written
  //   kUnavailable        a segment could not be made, or the log is stopping: not written
  //   kAborted            its write or sync failed: the outcome is unknown
  //   kFailedPrecondition an earlier write or sync failed: not written
  base::Task<absl::Status> Append(std::string record, OnDurable on_durable);

  // Every record that was replayed or given to on_durable lies before it; every later one at or
  // beyond it.
  LogPosition next_position() const { return next_; }
  // The caller needs no record before `position` any more.
  base::Task<void> Discard(LogPosition position);

  // Of all segment files, prepared ones included.
  uint64_t bytes() const { return bytes_; }
  // The oldest segment that holds records; 0 if there is none but the one being written.
  uint64_t oldest_segment() const { return sealed_.empty() ? 0 : sealed_.begin()->first; }
  const absl::Status& poison() const { return poison_; }

  base::Task<void> Stop();

 private:
  struct Pending {
    std::string record;
    OnDurable on_durable;
    absl::Status status;
    base::Event done;
  };
  struct Segment {
    uint64_t id = 0;
    std::unique_ptr<base::File> file;
    uint64_t size = 0;
    uint64_t end = 0;  // where the next group goes
  };
  struct Group {
    std::vector<Pending*> records;
    std::string bytes;
  };
  struct Instruments {
    base::Counter& syncs;
    base::Counter& records;
    base::Counter& written_bytes;
    base::Histogram& group_records;
    base::Gauge& pending_bytes;
    base::Gauge& bytes;
  };

  CommitLog(CommitLogOptions options, CommitLogDeps deps);
  static Instruments MakeInstruments(base::Metrics& metrics, uint32_t shard);

  std::string PathOf(uint64_t segment) const;
  base::Task<void> AdoptRecovered(RecoveredLog recovered);
  base::Task<absl::Status> RewriteUnproven(std::vector<std::string> records);

  base::Task<void> Run();
  base::Task<void> WriteNextGroup();
  bool FitsActive(uint64_t group_bytes) const;
  Group TakeGroup();
  base::Task<absl::Status> WriteAndSync(std::string_view bytes);
  void Complete(Group group, absl::Status status, LogPosition place);
  void FailPending(const absl::Status& status);

  base::Task<absl::Status> Rotate();
  base::Task<absl::Status> PrepareSpare();
  base::Task<void> PrepareSpareInBackground();
  base::Task<absl::StatusOr<Segment>> MakeSegment(uint64_t id);
  base::Task<absl::StatusOr<std::unique_ptr<base::File>>> OpenFileFor(uint64_t id);
  base::Task<absl::Status> PrepareFile(base::File& file, uint64_t id);
  base::Task<void> DropFile(uint64_t id);
  base::Task<void> RemoveRecycled(size_t keep);
  void AddBytes(int64_t delta);

  const CommitLogOptions options_;
  const CommitLogDeps deps_;
  Instruments instruments_;

  std::deque<Pending*> queue_;
  uint64_t pending_bytes_ = 0;
  base::Event work_;
  bool stopping_ = false;
  absl::Status poison_;

  std::optional<Segment> active_;
  std::optional<Segment> spare_;
  std::map<uint64_t, uint64_t> sealed_;  // id -> size, older than the active one
  // Discarded, or found empty, and kept for the next segment: id -> size.
  std::map<uint64_t, uint64_t> recycled_;
  uint64_t last_id_ = 0;
  LogPosition synced_;  // the log is known to be durable up to here
  LogPosition next_;
  uint64_t bytes_ = 0;
  bool removal_failed_ = false;

  // One change of the directory at a time: segments go oldest first, each durably, so that what
  // remains after a crash is a chain without a gap.
  base::Semaphore directory_{1};
  base::Scope scope_;
};

}  // namespace tholos::storage
