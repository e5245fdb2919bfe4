// Checks a whole SSTable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "sstable/statistics.h"

namespace tholos::sstable {

struct VerifyFinding {
  std::string section;  // "footer", "statistics", "dictionary", "filter", "root", "index page",
                        // "data block", "file"
  uint64_t offset = 0;  // of the block, in the file
  std::string what;
  friend bool operator==(const VerifyFinding&, const VerifyFinding&) = default;
};

struct VerifyReport {
  std::vector<VerifyFinding> findings;  // the first 1000, in the order of the check
  uint64_t findings_total = 0;
  uint64_t blocks = 0;
  uint64_t partitions = 0;
  uint64_t rows = 0;
  bool ok() const { return findings_total == 0; }
  // A line each.
  std::string ToString() const;
};

// Reads every byte of the file: checksums of all blocks, that blocks follow each other without
// gaps, entries in order and well formed, the index agrees with the blocks, the filter knows every
// partition, statistics are what the contents give. A damaged block does not end the check. An
// error only if the file cannot be read at all.
base::Task<absl::StatusOr<VerifyReport>> VerifyTable(base::FileSystem& fs, std::string directory,
                                                     uint64_t generation, data::TableId table);

// The same of a file under any name, whatever table and generation it says it is.
base::Task<absl::StatusOr<VerifyReport>> VerifyFile(base::FileSystem& fs, std::string path);

// The contents as text, for debugging: footer, statistics, and every partition and row. Ends at the
// first error.
base::Task<absl::Status> DumpTo(base::FileSystem& fs, std::string directory, uint64_t generation,
                                data::TableId table, std::string* out);

}  // namespace tholos::sstable
