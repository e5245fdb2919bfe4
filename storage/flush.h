// Writing a frozen memtable to an SSTable.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "sstable/statistics.h"
#include "sstable/writer.h"
#include "storage/memtable/memtable.h"

namespace tholos::storage {

// Visible and durable when it returns OK; nothing is left otherwise, nor if the memtable holds
// nothing that is worth a row (nullopt). For a background loop: `memtable` must not change any
// more.
base::Task<absl::StatusOr<std::optional<sstable::TableMetadata>>> WriteMemtable(
    base::FileSystem& fs, sstable::WriterOptions options, std::shared_ptr<const Memtable> memtable);

}  // namespace tholos::storage
