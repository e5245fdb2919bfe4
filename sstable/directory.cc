#include "sstable/directory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/format.h"
#include "sstable/reader.h"

namespace tholos::sstable {
namespace {

using base::Task;

struct Found {
  std::vector<uint64_t> generations;  // ascending
  std::vector<std::string> temporary;
};

Task<absl::StatusOr<Found>> FindFiles(base::FileSystem& fs, std::string directory) {
  THOLOS_CO_ASSIGN_OR_RETURN(const auto entries, co_await fs.List(directory));
  Found found;
  for (const base::DirectoryEntry& entry : entries) {
    if (entry.is_directory) continue;
    if (const auto generation = ParseFileName(entry.name)) {
      found.generations.push_back(*generation);
    } else if (entry.name.ends_with(".tmp")) {
      found.temporary.push_back(base::StrCat(directory, "/", entry.name));
    }
  }
  std::sort(found.generations.begin(), found.generations.end());
  co_return found;
}

Task<absl::StatusOr<TableStatistics>> ReadStatistics(base::FileSystem& fs, OpenOptions options) {
  THOLOS_CO_ASSIGN_OR_RETURN(const std::shared_ptr<SSTable> table,
                             co_await SSTable::Open(fs, std::move(options)));
  co_return table->metadata().statistics;
}

Task<absl::Status> RemoveTables(base::FileSystem& fs, std::string directory,
                                std::vector<uint64_t> generations) {
  if (generations.empty()) co_return absl::OkStatus();
  for (const uint64_t generation : generations) {
    THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTable(fs, directory, generation));
  }
  co_return co_await fs.SyncDirectory(directory);
}

}  // namespace

Task<absl::StatusOr<RecoveredDirectory>> RecoverDirectory(base::FileSystem& fs,
                                                          std::string directory,
                                                          data::TableId table) {
  THOLOS_CO_ASSIGN_OR_RETURN(const Found found, co_await FindFiles(fs, directory));
  for (const std::string& path : found.temporary) {
    THOLOS_CO_RETURN_IF_ERROR(co_await fs.Remove(path));
  }
  RecoveredDirectory recovered;
  std::set<uint64_t> replaced;
  std::vector<uint64_t> superseded;
  std::vector<uint64_t> empty;
  // The newest first: what it replaces is older, and need not be readable any more.
  for (auto it = found.generations.rbegin(); it != found.generations.rend(); ++it) {
    recovered.next_generation = std::max(recovered.next_generation, *it + 1);
    if (replaced.contains(*it)) {
      superseded.push_back(*it);
      continue;
    }
    OpenOptions options{
        .directory = directory, .generation = *it, .table = table, .load_filter = false};
    THOLOS_CO_ASSIGN_OR_RETURN(const TableStatistics statistics,
                               co_await ReadStatistics(fs, std::move(options)));
    replaced.insert(statistics.replaces.begin(), statistics.replaces.end());
    (statistics.partitions == 0 ? empty : recovered.generations).push_back(*it);
  }
  // Durably before the tables without partitions, whose only content is what they replace.
  THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTables(fs, directory, std::move(superseded)));
  THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTables(fs, directory, std::move(empty)));
  std::reverse(recovered.generations.begin(), recovered.generations.end());
  co_return recovered;
}

Task<absl::Status> RemoveTable(base::FileSystem& fs, std::string directory, uint64_t generation) {
  return fs.Remove(base::StrCat(directory, "/", FileName(generation)));
}

}  // namespace tholos::sstable
