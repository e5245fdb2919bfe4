// The manifest of a table: which SSTables are live, what part of each, and from where each shard's
// commit log is needed.
//
// It is the truth about tables/<table>/: an .sst file that it does not list is a leftover (of a
// crash during a flush or a compaction) and is removed at open; a file that it lists and that is
// not there is damage. A flush, a compaction, a truncation or a restored snapshot takes effect, on
// all shards at once, at the moment the new manifest replaces the old one, atomically (temporary
// name, sync, rename, directory sync), so a crash leaves either the state before or the state
// after. If that replacement fails its outcome is unknown until a later one succeeds: neither the
// old nor the new files are removed before.
//
// An SSTable holds the tokens of the shard that wrote it. After a start with another number of
// shards several shards may hold parts of one; each compacts its own part away, and the part that
// was compacted is no longer held by anybody: what a compaction has purged must not come back.
//
// Layout, integers little-endian:
//    0  8  magic "THOLOSMF"
//    8  4  version, 2
//   12  4  shard count S of the layout
//   16 16  table id
//   32  8  layout number (engine.meta)
//   40  8  next_generation
//   48  2  length N of the name, then the name: "<keyspace>.<table>"
//    .  S x 16  flushed_before of each shard: segment id, offset. Records of this table before it
//       are in the SSTables; replaying them could bring back what a compaction has purged, or what
//       a truncation has removed
//    .  4  count of SSTables, then each, by ascending generation:
//       8  generation: the number in the file's name
//       8  the generation in the file's footer: another one if a snapshot was restored
//       4  count of token intervals that are held, at least 1; then each: first, last (inclusive)
//    n  8  XXH3-64 of everything before
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/schema/schema.h"
#include "sstable/compaction/token_interval.h"
#include "storage/commitlog/log_position.h"

namespace tholos::storage {

struct LiveTable {
  uint64_t generation = 0;
  uint64_t written_as = 0;
  sstable::TokenIntervals held;  // ascending, disjoint
  friend bool operator==(const LiveTable&, const LiveTable&) = default;
};

struct Manifest {
  data::TableId table;
  std::string name;
  uint64_t layout = 1;
  uint64_t next_generation = 1;
  std::vector<LogPosition> flushed_before;  // of each shard
  std::vector<LiveTable> tables;            // by ascending generation
  // nullptr if it is not listed.
  const LiveTable* Find(uint64_t generation) const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string EncodeManifest(const Manifest& manifest);
// kDataLoss says what is wrong; kFailedPrecondition: another format version.
absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes);

// `directory`/manifest. kNotFound if there is none; kDataLoss names the file and what is wrong.
base::Task<absl::StatusOr<Manifest>> ReadManifest(base::FileSystem& fs, std::string directory);
base::Task<absl::Status> WriteManifest(base::FileSystem& fs, std::string directory,
                                       Manifest manifest);

}  // namespace tholos::storage
