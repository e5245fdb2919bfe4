// An open file of SimFileSystem.
#pragma once

#include <memory>
#include <string>

#include "base/sim/sim_file_system.h"

namespace tholos::base::sim {

class SimFile final : public File {
 public:
  SimFile(SimFileSystem& fs, DiskNodePtr node, std::string path, bool writable);
  ~SimFile() override;

  Task<absl::StatusOr<std::string>> Read(uint64_t offset, size_t length) override;
  Task<absl::Status> Write(uint64_t offset, std::string_view data) override;
  Task<absl::Status> WriteDurably(uint64_t offset, std::string_view data) override;
  Task<absl::Status> Sync() override;
  Task<absl::Status> Allocate(uint64_t length) override;
  Task<absl::Status> Truncate(uint64_t length) override;
  Task<absl::StatusOr<uint64_t>> Size() override;
  Task<absl::Status> Close() override;
  const std::string& path() const override { return path_; }

 private:
  // `*sequence`, unless null, becomes the number of the change.
  Task<absl::Status> WriteNoting(uint64_t offset, std::string_view data,
                                 std::shared_ptr<uint64_t> sequence);
  // EBADF for a file that is closed or, for what changes it, read-only.
  absl::Status Check(std::string_view what, bool changes) const;

  SimFileSystem& fs_;
  const DiskNodePtr node_;
  const std::string path_;
  const bool writable_;
  const uint64_t generation_;
  bool closed_ = false;
};

}  // namespace tholos::base::sim
