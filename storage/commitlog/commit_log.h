// One shard's commit log: the durable order of its writes.
//
//   Append --copied--> open group ---> one group: one write [, one sync] ---> on_durable of each
//   Append --copied-->     |           record, in log order
//                          (whatever arrives while a group is written is the next group)
//
// Two modes. They differ in what "durable", and with it an acknowledged write, means:
//
//   kBatch     the group is synced: it survives a power loss. The default.
//   kPeriodic  the operating system has the group: it survives the end of the process, but a power
//              loss takes what was written after the last sync: at most sync_period of time or
//              unsynced_bytes_max of data. Syncs run beside further groups.
//
// - In kBatch at most one group is not known to be durable, in kPeriodic those behind `synced`;
//   each group says how far the log was synced when it was written, so a torn tail can be told from
//   corruption (segment_format.h). A segment is synced whole before the next one is written to.
// - A failed write or sync poisons the log: the records of that group get kAborted (their outcome
//   is unknown: a restart may find them), and every later Append kFailedPrecondition. Nothing is
//   retried on a file whose sync failed.
// - On a full disk Append returns kResourceExhausted with nothing written, and works again when
//   space returns (segment_pool.h).
//
// Confined to the loop of its shard. Stop() writes and syncs what is pending and ends.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "storage/commitlog/log_position.h"
#include "storage/commitlog/recovery.h"
#include "storage/commitlog/segment_pool.h"
#include "storage/engine_options.h"

namespace tholos::storage {

struct CommitLogOptions {
  std::string directory;          // of this shard alone
  std::string archive_directory;  // of this shard alone; empty: closed segments are not kept
  uint32_t shard = 0;
  uint64_t segment_bytes = 32 << 20;  // a multiple of 4096
  // Ids of new segments are above this: positions that were given out for ever (in manifests) may
  // refer to segments that are gone.
  uint64_t last_segment_known = 0;
  // No new segment beyond this (the flushes that free segments are behind): kResourceExhausted.
  uint64_t bytes_max = 1 << 30;
  // Appended and not yet written. Beyond it Append answers kOverloaded at once: a disk that syncs
  // within a second at 32 MiB/s stays below.
  uint64_t pending_bytes_max = 32 << 20;
  // Of one group, unless a single record is larger: what a disk takes in a few milliseconds, and
  // little enough that the end of a segment that a group does not fit costs 3 % of it.
  uint64_t group_bytes_max = 1 << 20;
  CommitLogSync sync = CommitLogSync::kBatch;
  absl::Duration sync_period = absl::Milliseconds(500);
  uint64_t unsynced_bytes_max = 8 << 20;
  // Acknowledges before the sync: a mutant for the simulator to find.
  bool mutant_skip_sync = false;
};

struct CommitLogDeps {
  const base::Clock& clock;
  base::FileSystem& fs;
  base::Metrics& metrics;
  base::Log& log;
};

class CommitLog {
 public:
  // Runs on the loop, once the record is durable, before its writer goes on; in log order, without
  // suspension between the records of a group. The view ends with the call.
  using OnDurable = absl::FunctionRef<void(LogPosition, std::string_view record)>;

  // Runs behind the last on_durable of a group, before its writers go on: what those only noted can
  // be done for all of them at once.
  using GroupEnded = absl::AnyInvocable<void(LogPosition)>;

  // Replays what is there into `sink`, and starts a new segment when the first record comes.
  static base::Task<absl::StatusOr<std::unique_ptr<CommitLog>>> Open(CommitLogOptions options,
                                                                     CommitLogDeps deps,
                                                                     ReplaySink& sink);
  ~CommitLog();
  CommitLog(const CommitLog&) = delete;
  CommitLog& operator=(const CommitLog&) = delete;

  // The largest record that fits a segment of `segment_bytes`.
  static uint64_t RecordBytesMax(uint64_t segment_bytes);

  // absl::Status status = co_await log.Append(record, on_durable);
  //
  // The record is copied when the writer suspends; `on_durable` must live until it goes on. OK:
  // durable, and on_durable has run. Otherwise on_durable does not run:
  //   kResourceExhausted  no space for a segment, or overloaded: not written
  //   kUnavailable        a segment could not be made, or the log is stopping: not written
  //   kInvalidArgument    it fits no segment
  //   kAborted            its write or sync failed: the outcome is unknown
  //   kFailedPrecondition an earlier write or sync failed: not written
  class Appender {
   public:
    Appender(CommitLog& log, std::string_view record, OnDurable on_durable)
        : log_(log), record_(record), on_durable_(on_durable) {}
    Appender(const Appender&) = delete;
    Appender& operator=(const Appender&) = delete;
    bool await_ready() {
      status_ = log_.CheckAppend(record_.size());
      return !status_.ok();
    }
    void await_suspend(std::coroutine_handle<> writer) {
      writer_ = writer;
      log_.Enqueue(this);
    }
    absl::Status await_resume() { return std::move(status_); }

   private:
    friend class CommitLog;
    CommitLog& log_;
    std::string_view record_;
    OnDurable on_durable_;
    std::coroutine_handle<> writer_;
    size_t offset_ = 0;  // of the record in its group
    absl::Status status_;
  };
  [[nodiscard]] Appender Append(std::string_view record, OnDurable on_durable) {
    return Appender(*this, record, on_durable);
  }

  void SetGroupEnded(GroupEnded ended) { group_ended_ = std::move(ended); }

  // Every record that was replayed or given to on_durable lies before it; every later one at or
  // beyond it.
  LogPosition next_position() const { return next_; }
  // The caller needs no record before `position` any more.
  base::Task<void> Discard(LogPosition position) { return pool_.Discard(position.segment); }

  // Of all segment files, prepared ones included.
  uint64_t bytes() const { return pool_.bytes(); }
  // Of those that hold records.
  uint64_t used_bytes() const { return pool_.used_bytes(); }
  // The oldest segment that holds records; 0 if there is none but the one being written.
  uint64_t oldest_segment() const { return pool_.oldest_sealed(); }
  const absl::Status& poison() const { return poison_; }

  base::Task<void> Stop();

 private:
  struct Group {
    std::string bytes;
    std::vector<Appender*> records;
  };
  struct Instruments {
    base::Counter& syncs;
    base::Counter& records;
    base::Counter& written_bytes;
    base::Histogram& group_records;
    base::Gauge& pending_bytes;
    base::Gauge& unsynced_bytes;
  };

  CommitLog(CommitLogOptions options, CommitLogDeps deps);
  static Instruments MakeInstruments(base::Metrics& metrics, uint32_t shard);

  base::Task<absl::Status> RewriteUnproven(std::vector<std::string> records);
  base::Task<absl::Status> AppendUnproven(std::string record);

  absl::Status CheckAppend(size_t record_bytes) const;
  void Enqueue(Appender* appender);
  Group NewGroup();

  base::Task<void> Run();
  base::Task<void> WriteNextGroup();
  bool FitsActive(uint64_t group_bytes) const;
  base::Task<absl::Status> Rotate();
  base::Task<void> PrepareSpare();
  void Poison(const absl::Status& why);
  void Complete(Group group, const absl::Status& status, LogPosition place);
  void FailPending(const absl::Status& status);

  bool periodic() const { return options_.sync == CommitLogSync::kPeriodic; }
  base::Task<void> SyncPeriodically();
  // Makes everything durable that was written when it is called.
  base::Task<absl::Status> SyncActive();
  void SetUnsynced(uint64_t bytes);

  const CommitLogOptions options_;
  const CommitLogDeps deps_;
  // Of a group of several records.
  const uint64_t group_bytes_max_;
  Instruments instruments_;
  SegmentPool pool_;

  GroupEnded group_ended_;   // or null
  std::deque<Group> queue_;  // the last one is open
  Group unused_;             // its memory is for the next one
  uint64_t pending_bytes_ = 0;
  base::Event work_;
  bool stopping_ = false;
  absl::Status poison_;

  std::optional<Segment> active_;
  LogPosition synced_;  // the log is known to be durable up to here
  LogPosition next_;
  uint64_t unsynced_bytes_ = 0;
  base::Event unsynced_;        // there is something to sync
  base::Event sync_now_;        // too much for another period
  base::Semaphore syncing_{1};  // who holds it may rely on active_
  base::Scope scope_;
};

}  // namespace tholos::storage
