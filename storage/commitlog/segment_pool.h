// The segment files of one shard's commit log: made ready before they are needed, sealed when full,
// archived, and recycled when nobody needs their records.
//
//   prepare --> spare --Next()--> active --Seal()--> sealed --Discard()--> recycled --> spare
//      ^                                   |                                   |
//      new file                            archive/<shard>/<id>.log            removed (too many)
//
// - One spare is prepared ahead of need, so a full disk is met before anything was accepted.
// - A recycled file keeps its blocks: writing over them changes no metadata, so its syncs are
//   cheaper than those of a new file. It gets the new segment's name first, durably, and then its
//   header: a file never carries a younger id than its name. Leftovers of its earlier life do not
//   verify (segment_format.h).
// - Segments go oldest first, each removal durable before the next: what a crash leaves is a chain
//   without a gap.
// - With an archive, a sealed segment is linked there (copied where no link is possible), and no
//   file is recycled: the archive has the same blocks. A segment that cannot be archived is tried
//   once more when it is discarded; then it goes, with an error in the log and a counter.
//
// Confined to the loop of its shard. The owner ends every call before it destroys the pool.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "storage/commitlog/segment_format.h"

namespace tholos::storage {

struct SegmentPoolOptions {
  std::string directory;          // of this shard alone
  std::string archive_directory;  // of this shard alone; empty: no archive
  uint32_t shard = 0;
  uint64_t segment_bytes = 32 << 20;
  bool batch = true;  // of the segments' headers
  // No new file beyond this.
  uint64_t bytes_max = 1 << 30;
  // Files kept for recycling: what a flush frees comes back within the next memtable.
  size_t recycled_max = 4;
};

// An open segment that is being written.
struct Segment {
  uint64_t id = 0;
  std::unique_ptr<base::File> file;
  uint64_t size = 0;  // of the file
  uint64_t end = 0;   // where in the stream the next group goes
  SectorEncoder sectors;
};

class SegmentPool {
 public:
  SegmentPool(SegmentPoolOptions options, base::FileSystem& fs, base::Log& log,
              base::Metrics& metrics);
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  // Segments that recovery found in use, and files that hold nothing; ids beyond `last_id` are new.
  base::Task<void> Adopt(std::map<uint64_t, uint64_t> sealed, std::map<uint64_t, uint64_t> unused,
                         uint64_t last_id);

  // Makes the spare if there is none. kResourceExhausted: no space, or beyond bytes_max;
  // kUnavailable: anything else. Nothing is left behind by a failure.
  base::Task<absl::Status> Prepare();
  // The spare, which is there: Prepare() has just returned OK.
  Segment Next();
  // `segment` is synced and holds all its records.
  base::Task<void> Seal(Segment segment);
  // Nobody needs records of segments before `segment`.
  base::Task<void> Discard(uint64_t segment);
  base::Task<void> Stop();

  std::string PathOf(uint64_t segment) const;
  uint64_t last_id() const { return last_id_; }
  // Of all files.
  uint64_t bytes() const { return bytes_; }
  // Of files that hold records, the active one included.
  uint64_t used_bytes() const { return used_bytes_; }
  // The oldest sealed segment; 0 if there is none.
  uint64_t oldest_sealed() const { return sealed_.empty() ? 0 : sealed_.begin()->first; }

 private:
  struct Sealed {
    uint64_t size = 0;
    bool archived = false;
  };

  bool archives() const { return !options_.archive_directory.empty(); }
  base::Task<absl::StatusOr<Segment>> Make(uint64_t id);
  base::Task<absl::StatusOr<std::unique_ptr<base::File>>> OpenFileFor(uint64_t id);
  base::Task<absl::StatusOr<std::unique_ptr<base::File>>> OpenRecycled(uint64_t id);
  base::Task<absl::Status> PrepareFile(base::File& file, std::string_view header);
  base::Task<void> DropFile(uint64_t id);
  base::Task<absl::Status> RemoveDurably(uint64_t id, uint64_t size);
  base::Task<void> RemoveBeyond(size_t keep);
  base::Task<void> Archive(uint64_t id);
  base::Task<absl::Status> LinkOrCopy(std::string from, std::string to);
  void AddBytes(int64_t delta);
  void AddUsed(int64_t delta) { used_bytes_ += static_cast<uint64_t>(delta); }

  const SegmentPoolOptions options_;
  base::FileSystem& fs_;
  base::Log& log_;
  base::Gauge& bytes_gauge_;
  base::Counter& recycled_total_;
  base::Counter& archived_total_;
  base::Counter& archive_failures_;

  std::optional<Segment> spare_;
  std::map<uint64_t, Sealed> sealed_;
  std::map<uint64_t, uint64_t> recycled_;  // id -> size
  uint64_t last_id_ = 0;
  uint64_t bytes_ = 0;
  uint64_t used_bytes_ = 0;
  bool removal_failed_ = false;
  bool stopped_ = false;
  // One change of the directory at a time.
  base::Semaphore directory_{1};
};

}  // namespace tholos::storage
