// An open file of RealFileSystem.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/real/blocking_pool.h"

namespace tholos::base {

class IoRing;

class RealFile final : public File {
 public:
  // Owns `fd`.
  RealFile(int fd, std::string path, std::shared_ptr<BlockingPool> pool)
      : fd_(fd), path_(std::move(path)), pool_(std::move(pool)) {}
  ~RealFile() override;

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
  // Fills `data` from `*done` on as far as the page cache can. True if that settles the read.
  bool ReadCached(uint64_t offset, std::string* data, size_t* done);
  Task<absl::StatusOr<std::string>> ReadRest(uint64_t offset, std::string data, size_t done);
  // direct_fd_, once.
  Task<void> OpenDirect();
  Task<absl::Status> WriteZeros(uint64_t offset, uint64_t end);

  int fd_;
  int direct_fd_ = -1;  // of the same file, past the page cache
  enum class Direct : uint8_t { kNotTried, kUsed, kRefused };
  Direct direct_ = Direct::kNotTried;
  const std::string path_;
  const std::shared_ptr<BlockingPool> pool_;
  // Cleared once the file system says that it knows no reads that must not wait.
  bool cached_reads_ = true;
};

}  // namespace tholos::base
