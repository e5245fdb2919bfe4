// HintLog: the hints of one shard for one node, in files that are appended to in groups, read from
// the oldest on, and removed when read.
//
//   files  [1: being delivered] [2: closed] [3: appended to]
//           ^ cursor                                     ^ a group of hints: one write, one sync
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "coordinator/faults.h"
#include "coordinator/hints/hint_format.h"
#include "coordinator/hints/hint_metrics.h"
#include "coordinator/hints/hint_options.h"
#include "coordinator/hints/hint_totals.h"
#include "coordinator/hints/repair_needs.h"
#include "coordinator/write_message.h"

namespace tholos::coordinator {

struct HintDeps {
  const base::Clock& clock;
  base::FileSystem& fs;
  base::Log& log;
  Faults faults;
  RepairNeeds* repairs = nullptr;  // told of hints that are dropped; null: nobody is
};

struct Hint {
  int64_t created_micros = 0;
  std::string body;
  uint64_t end = 0;  // offset behind it in its file
};

// Confined to one loop. One reader at a time.
class HintLog {
 public:
  // Writing goes on in `scope`, which is stopped before the log is destroyed.
  // `totals`: of the target, over all shards.
  HintLog(ring::NodeId target, const HintOptions& options, HintDeps deps, HintMetrics& metrics,
          HintTotals::Target& totals, base::Scope& scope)
      : target_(target),
        options_(options),
        deps_(deps),
        metrics_(metrics),
        totals_(totals),
        scope_(scope) {}

  // A file that was found at start, closed. In the order of their sequences, before anything else.
  void Adopt(uint64_t sequence, uint64_t size, int64_t created_micros);

  // A file that was found and cannot be used: its number is not given again.
  void Reserve(uint64_t sequence);

  // OK: it is on disk. kResourceExhausted: the disk is full. After any error nothing of it will be
  // read.
  base::Task<absl::Status> Append(int64_t created_micros,
                                  std::shared_ptr<const WriteMessage> message);

  // What follows the cursor, up to these bounds but at least one hint; empty if nothing is left
  // now. Skips what does not verify.
  struct Batch {
    std::vector<Hint> hints;
    uint64_t sequence = 0;
    uint64_t end = 0;  // offset behind the last one
  };
  base::Task<absl::StatusOr<Batch>> Read(size_t bytes_max, size_t count_max);
  // The batch was delivered up to its `end`: the cursor moves there. A file that was delivered to
  // its end is removed.
  base::Task<absl::Status> Advance(Batch batch);
  // Removes files whose hints are all too old.
  base::Task<absl::Status> DropOld();
  // Removes all files: their node has left. Those that are appended to meanwhile stay.
  base::Task<absl::Status> DropAll();

  bool empty() const { return files_.empty() && waiting_.empty() && !writing_; }
  HintTotals::Target& totals() { return totals_; }
  const ring::NodeId& target() const { return target_; }

 private:
  struct Segment {
    HintFileId id;
    uint64_t size = 0;  // synced
    int64_t created_micros = 0;
  };
  struct Waiting {
    int64_t created_micros;
    std::shared_ptr<const WriteMessage> message;
    base::Completion<absl::Status> done;
  };

  std::string PathOf(const HintFileId& id) const {
    return options_.directory + "/" + HintFileName(id);
  }
  bool Appending(const Segment& segment) const {
    return appended_ != nullptr && &segment == &files_.back();
  }

  base::Task<void> WriteGroups();
  base::Task<absl::Status> WriteGroup(std::vector<Waiting*> group);
  base::Task<absl::Status> Roll();
  base::Task<absl::Status> CreateFile();

  base::Task<absl::StatusOr<std::string>> ReadChunk(const Segment& segment, size_t bytes_max);
  size_t TakeHints(const Segment& segment, std::string_view chunk, size_t count_max,
                   std::vector<Hint>* hints);
  size_t SkipCorrupt(const Segment& segment, std::string_view rest);
  base::Task<absl::Status> RemoveFront();
  void CountBytes(int64_t change);
  void NeedsRepair(const WriteMessage& message, std::string_view why);

  const ring::NodeId target_;
  const HintOptions& options_;
  const HintDeps deps_;
  HintMetrics& metrics_;
  HintTotals::Target& totals_;
  base::Scope& scope_;

  std::deque<Segment> files_;  // by sequence

  std::unique_ptr<base::File> appended_;  // files_.back(), if any
  std::vector<Waiting*> waiting_;
  bool writing_ = false;

  std::unique_ptr<base::File> read_;  // files_.front(), once it was read from
  uint64_t cursor_ = kHintHeaderBytes;
};

}  // namespace tholos::coordinator
