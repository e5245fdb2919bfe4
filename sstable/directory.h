// The files in the directory of one table's SSTables.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/file_system.h"

namespace tholos::sstable {

// Removes a table's file. Its readers must be gone (SSTable::OnLastRelease). Not made durable: the
// owner's own record of live tables decides what a file that comes back after a power loss means.
base::Task<absl::Status> RemoveTable(base::FileSystem& fs, std::string directory,
                                     uint64_t generation);

}  // namespace tholos::sstable
