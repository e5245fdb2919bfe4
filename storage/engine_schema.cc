// Tables that come and go.
//
// A table is dropped when its directory has been renamed, durably; a crash during the removal is
// ended at the next start. So is one between the change of the schema and the rename: at a start,
// the directory of a table that the schema knows to be dropped, or replaced by another of its name,
// goes. Data of tables that the schema has never heard of is left alone: it is not for the engine
// to decide that a schema is complete.
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/directories.h"
#include "storage/sharded_engine.h"

namespace tholos::storage {

using base::Task;

std::string ShardedEngine::DirectoryOf(const data::TableSchema& table) const {
  return base::StrCat(TablesDirectory(options_.directory), "/", TableDirectoryName(table));
}

Task<absl::Status> ShardedEngine::OpenFiles(const data::Schema& schema) {
  for (auto& table : schema.tables()) {
    if (files_.contains(table->id)) continue;
    THOLOS_CO_ASSIGN_OR_RETURN(
        FilesPtr files,
        co_await TableFiles::Open({DirectoryOf(*table), layout_}, deps_.fs, deps_.log, table));
    files_[table->id] = std::move(files);
  }
  co_return absl::OkStatus();
}

// What failed is tried again by the next change, and by the next start.
Task<absl::Status> ShardedEngine::SetSchema(data::Schema::Ptr schema) {
  auto lock = co_await maintenance_.Acquire(1);
  if (stopped_) co_return absl::UnavailableError("storage: the node is stopping");
  THOLOS_CO_RETURN_IF_ERROR(co_await OpenFiles(*schema));
  THOLOS_CO_RETURN_IF_ERROR(co_await TryOnEveryShard(
      [this, schema](ShardEngine& shard) { return shard.SetSchema(schema, files_); }));
  for (auto it = files_.begin(); it != files_.end();) {
    if (schema->FindTable(it->first) == nullptr) {
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveDropped(it->second));
      it = files_.erase(it);
    } else {
      ++it;
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ShardedEngine::RemoveDropped(FilesPtr files) {
  co_await files->Stop();
  const std::string& directory = files->directory();
  co_return co_await RemoveDirectory(directory.substr(directory.rfind('/') + 1));
}

Task<absl::Status> ShardedEngine::RemoveDirectory(std::string name) {
  const std::string tables = TablesDirectory(options_.directory);
  const std::string to = base::StrCat(tables, "/", DroppedDirectoryName(name));
  absl::Status renamed = co_await deps_.fs.Rename(base::StrCat(tables, "/", name), to);
  if (!absl::IsNotFound(renamed)) {
    THOLOS_CO_RETURN_IF_ERROR(renamed);
    THOLOS_CO_RETURN_IF_ERROR(co_await deps_.fs.SyncDirectory(tables));
  }
  co_return co_await RemoveTree(deps_.fs, to);
}

Task<absl::Status> ShardedEngine::TidyTableDirectories(const data::Schema& schema) {
  const std::string tables = TablesDirectory(options_.directory);
  THOLOS_CO_ASSIGN_OR_RETURN(auto entries, co_await deps_.fs.List(tables));
  for (const base::DirectoryEntry& entry : entries) {
    const std::string path = base::StrCat(tables, "/", entry.name);
    if (IsDroppedDirectoryName(entry.name)) {
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTree(deps_.fs, path));
      continue;
    }
    const auto id = ParseTableDirectoryName(entry.name);
    if (id.has_value() && schema.FindTable(*id) != nullptr) continue;
    THOLOS_CO_ASSIGN_OR_RETURN(const bool dropped, co_await IsDropped(path, schema));
    if (dropped) {
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveDirectory(entry.name));
    } else {
      deps_.log.Warning("storage", base::StrCat(path, " belongs to no table of the schema"));
    }
  }
  co_return absl::OkStatus();
}

// Its manifest has the name that the schema is to know.
Task<absl::StatusOr<bool>> ShardedEngine::IsDropped(std::string directory,
                                                    const data::Schema& schema) {
  const auto manifest = co_await ReadManifest(deps_.fs, std::move(directory));
  if (!manifest.ok()) co_return false;
  const size_t dot = manifest->name.find('.');
  if (dot == std::string::npos) co_return false;
  co_return schema.HasDropped(manifest->name.substr(0, dot), manifest->name.substr(dot + 1),
                              manifest->table);
}

}  // namespace tholos::storage
