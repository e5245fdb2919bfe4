// The manifest of one table on one shard: which SSTables are live, and from where the commit log is
// needed.
//
// It is the truth about tables/<table>/<shard>/: an .sst file that it does not list is a leftover
// (of a crash during a flush or a compaction) and is removed at open; a file that it lists and that
// is not there is damage. A flush or a compaction takes effect at the moment the new manifest
// replaces the old one, atomically (temporary name, sync, rename, directory sync), so a crash
// leaves either the state before or the state after. If that replacement fails its outcome is
// unknown: neither the old nor the new files are removed in that run.
//
// Layout, integers little-endian:
//    0  8  magic "THOLOSMF"
//    8  4  version, 1
//   12  4  shard
//   16 16  table id
//   32  8  flushed_before: segment id  \ records of this table before it are in the SSTables;
//   replaying 40  8  flushed_before: offset      / them could bring back what a compaction has
//   purged 48  8  next_generation 56  4  count, then count generations of 8 bytes each, ascending
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
#include "storage/commitlog/log_position.h"

namespace tholos::storage {

struct Manifest {
  uint32_t shard = 0;
  data::TableId table;
  LogPosition flushed_before;
  uint64_t next_generation = 1;
  std::vector<uint64_t> generations;  // ascending
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string EncodeManifest(const Manifest& manifest);
// kDataLoss says what is wrong; kFailedPrecondition: another format version.
absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes);

// `directory`/manifest. kNotFound if there is none; kDataLoss names the file and what is wrong,
// also when the manifest is that of another table or shard.
base::Task<absl::StatusOr<Manifest>> ReadManifest(base::FileSystem& fs, std::string directory,
                                                  data::TableId table, uint32_t shard);
base::Task<absl::Status> WriteManifest(base::FileSystem& fs, std::string directory,
                                       Manifest manifest);

}  // namespace tholos::storage
