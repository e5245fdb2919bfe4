// The directory of one table's SSTables, after a start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/key.h"

namespace tholos::sstable {

struct RecoveredDirectory {
  std::vector<uint64_t> generations;  // of the tables to open, ascending
  // Larger than every generation seen here, replaced and removed ones included.
  uint64_t next_generation = 1;
};

// Removes temporary files and tables that others replace (compaction.h), durably, and tables
// without partitions once nothing of what they replace is left. Files of other names are left
// alone. Call it before any table of the directory is opened or written. kNotFound if there is no
// such directory; kDataLoss names a file whose footer or statistics are damaged.
base::Task<absl::StatusOr<RecoveredDirectory>> RecoverDirectory(base::FileSystem& fs,
                                                                std::string directory,
                                                                data::TableId table);

// Removes a table's file. Its readers must be gone (SSTable::OnLastRelease). Not made durable: what
// replaces the table says so for as long as it may come back.
base::Task<absl::Status> RemoveTable(base::FileSystem& fs, std::string directory,
                                     uint64_t generation);

}  // namespace tholos::sstable
