#include "sstable/directory.h"

#include "base/strings.h"
#include "sstable/format.h"

namespace tholos::sstable {

base::Task<absl::Status> RemoveTable(base::FileSystem& fs, std::string directory,
                                     uint64_t generation) {
  return fs.Remove(base::StrCat(directory, "/", FileName(generation)));
}

}  // namespace tholos::sstable
