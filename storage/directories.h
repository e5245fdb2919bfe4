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

// engine.meta: how the token space is divided among shards. A start with another number of shards
// makes a new layout, whose commit logs are in directories of their own.
//    0  8  magic "THOLOSEM"
//    8  4  version, 2
//   12  4  shard count
//   16  8  layout number, from 1
//   24  8  XXH3-64 of everything before
struct Layout {
  uint64_t number = 1;
  uint32_t shards = 0;
  friend bool operator==(const Layout&, const Layout&) = default;
};
// Reads it, or writes it with `shards_if_new` if there is none. kDataLoss names the file.
base::Task<absl::StatusOr<Layout>> ReadOrWriteLayout(base::FileSystem& fs, std::string root,
                                                     uint32_t shards_if_new);
base::Task<absl::Status> WriteLayout(base::FileSystem& fs, std::string root, Layout layout);

// "<root>/commitlog".
std::string CommitLogsDirectory(std::string_view root);
// Of one shard of a layout: "<root>/commitlog/<layout>-<shard>".
std::string CommitLogDirectory(std::string_view root, uint64_t layout, uint32_t shard);
// The layout of a name in CommitLogsDirectory.
std::optional<uint64_t> ParseCommitLogDirectoryName(std::string_view name);
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

}  // namespace tholos::storage
