// Files and directories of the kernel.
//
// Reads that the page cache answers complete at once. Other reads, writes, syncs and reservations
// go through the io_uring of the loop that calls; where there is none, and for everything about
// names, through the executor's blocking threads. Nothing here blocks a loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/real/real_executor.h"

namespace tholos::base {

// Called on loops of `executor`, which outlives it.
class RealFileSystem final : public FileSystem {
 public:
  explicit RealFileSystem(RealExecutor& executor) : pool_(executor.shared_blocking()) {}

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override;
  Task<absl::Status> Rename(std::string from, std::string to) override;
  Task<absl::Status> Remove(std::string path) override;
  Task<absl::Status> Link(std::string from, std::string to) override;
  Task<absl::Status> MakeDirectories(std::string path) override;
  Task<absl::StatusOr<std::vector<DirectoryEntry>>> List(std::string path) override;
  Task<absl::StatusOr<bool>> Exists(std::string path) override;
  Task<absl::Status> SyncDirectory(std::string path) override;
  Task<absl::StatusOr<uint64_t>> FreeBytes(std::string path) override;
  Task<absl::StatusOr<std::unique_ptr<Lock>>> LockFile(std::string path) override;

 private:
  std::shared_ptr<BlockingPool> pool_;
};

}  // namespace tholos::base
