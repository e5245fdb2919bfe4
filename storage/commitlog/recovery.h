// Reading a shard's commit log back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/log.h"
#include "storage/commitlog/log_position.h"
#include "storage/commitlog/segment_format.h"

namespace tholos::storage {

// A group's records share its position.
struct ReplayRecord {
  LogPosition position;
  std::string_view bytes;
  // False: nobody needs it any more (its table is gone, or SSTables have it). The sink says so.
  bool needed = true;
};

// Where replayed records go, some groups of one segment at a time: in the order of the log, from
// which the sink may depart, since the merge law knows no order.
class ReplaySink {
 public:
  virtual ~ReplaySink() = default;
  // A batch ends with the group that fills it. Larger ones are replayed faster; what they make
  // takes memory before AfterBatch can make room.
  virtual uint64_t batch_bytes() const = 0;
  virtual absl::Status Replay(std::span<ReplayRecord> records) = 0;
  // Everything before `end` was given to Replay: the time to make room.
  virtual base::Task<absl::Status> AfterBatch(LogPosition end) = 0;
};

// Follows the chain of segments in ascending order of id and says what each means. Pure; see
// segment_format.h for the reasoning.
class ChainJudge {
 public:
  ChainJudge(std::string directory, uint32_t shard)
      : directory_(std::move(directory)), shard_(shard) {}

  enum class Verdict {
    kUsed,    // its groups are to be replayed
    kUnused,  // no group of this segment id was ever durable: prepared, recycled, or torn in its
              // first group
  };
  // kDataLoss names file and offset of damage to what was durable, or the segment that is missing;
  // kFailedPrecondition: a format version that this build does not know.
  absl::StatusOr<Verdict> Next(uint64_t segment, const SegmentScan& scan);
  // There is no further segment. kDataLoss: the last group of the log was damaged, and no later one
  // says that it was not there.
  absl::Status End() const;

 private:
  // A damaged sector where a segment ends.
  struct DamagedEnd {
    uint64_t segment = 0;
    uint64_t end = 0;
    uint64_t sector = 0;  // offset in the file
  };
  std::string PathOf(uint64_t segment) const;
  absl::Status CheckPredecessor(uint64_t segment, LogPosition synced) const;

  const std::string directory_;
  const uint32_t shard_;
  std::map<uint64_t, uint64_t> used_ends_;
  std::optional<DamagedEnd> damaged_end_;
};

struct RecoveredLog {
  std::map<uint64_t, uint64_t> segments;  // in use: id -> file size
  std::map<uint64_t, uint64_t> unused;    // files that hold nothing: id -> file size
  uint64_t last_segment = 0;              // highest id of any file
  // Everything before it is known to be durable: the last valid group says so. What follows may be
  // in the page cache alone; those of its records that are needed must be written again before
  // anyone relies on them. In mode batch that is the last group, in mode periodic what was written
  // since the last sync. It may lie in an older segment than the last one, of which then nothing is
  // known to be durable.
  LogPosition proven;
  std::vector<std::string> unproven_records;
  uint64_t records = 0;
};

// Reads every segment of `directory` (which must exist) in order and replays it into `sink`. What
// was replayed counts only if the result is OK. Memory: one segment, and the records that are not
// proven.
base::Task<absl::StatusOr<RecoveredLog>> RecoverLog(base::FileSystem& fs, base::Log& log,
                                                    std::string directory, uint32_t shard,
                                                    ReplaySink& sink);

}  // namespace tholos::storage
