// Saving what is readable of a damaged SSTable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "sstable/statistics.h"
#include "sstable/verifier.h"
#include "sstable/writer.h"

namespace tholos::sstable {

struct ScrubReport {
  TableMetadata written;
  uint64_t blocks_lost = 0;   // data blocks that are damaged
  uint64_t entries_lost = 0;  // rows and headers of readable blocks that make no sense
  // Rows whose partition's header was lost: they are kept, its tombstone and static row are not.
  uint64_t partitions_without_header = 0;
  std::vector<VerifyFinding> lost;  // what and where; the first 1000
  bool ok() const { return lost.empty(); }
  // A line each.
  std::string ToString() const;
};

// Copies every readable entry of the file at `path` into a new SSTable, of which `output` names the
// directory, generation and file id; its table is the file's. The file itself is left as it is. An
// error (kDataLoss) if nothing can be found in it without its footer or root; nothing is written
// then.
base::Task<absl::StatusOr<ScrubReport>> ScrubFile(base::FileSystem& fs, std::string path,
                                                  WriterOptions output);

}  // namespace tholos::sstable
