// Names and care of the engine's directories.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/schema/schema.h"

namespace tholos::storage {

std::string CommitLogDirectory(std::string_view root, uint32_t shard);
std::string TablesDirectory(std::string_view root);
// "<keyspace>.<table>-<id>". Names are cut at 64 bytes and reduced to [A-Za-z0-9_]: the id alone
// decides.
std::string TableDirectoryName(const data::TableSchema& table);
std::optional<data::TableId> ParseTableDirectoryName(std::string_view name);
// A table that is being dropped: to be removed at the next start at the latest.
std::string DroppedDirectoryName(std::string_view name);
bool IsDroppedDirectoryName(std::string_view name);

// With its parents; when it returns OK they survive a power loss.
base::Task<absl::Status> MakeDirectoriesDurably(base::FileSystem& fs, std::string path);
// Everything below it, and itself. Does nothing if it is not there. At most `depth` levels of
// directories.
base::Task<absl::Status> RemoveTree(base::FileSystem& fs, std::string path, int depth = 3);

// engine.meta: what was decided when the directory was made.
//    0  8  magic "THOLOSEM"
//    8  4  version, 1
//   12  4  shard count
//   16  8  XXH3-64 of everything before
struct EngineMeta {
  uint32_t shards = 0;
};
// Reads it, or writes it with `shards_if_new` if there is none. kDataLoss names the file.
base::Task<absl::StatusOr<EngineMeta>> ReadOrWriteMeta(base::FileSystem& fs, std::string root,
                                                       uint32_t shards_if_new);

}  // namespace tholos::storage
