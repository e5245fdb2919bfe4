#include "base/real/real_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/huge_block.h"
#include "base/real/io_error.h"
#include "base/real/real_loop.h"

namespace tholos::base {
namespace {

// One system call moves at most this much: the kernel's own limit is just below 2 GiB.
constexpr size_t kCallBytesMax = size_t{1} << 30;

IoRing* CurrentRing() {
  const RealLoop* loop = RealLoop::CurrentOrNull();
  return loop == nullptr ? nullptr : loop->ring();
}

// These take one step, through the ring or else the pool, and return what the system call would, or
// -errno.
Task<int> ReadSome(BlockingPool& pool, int fd, char* buffer, size_t length, uint64_t offset) {
  length = std::min(length, kCallBytesMax);
  if (IoRing* ring = CurrentRing()) {
    co_return co_await IoOperation::Read(*ring, fd, buffer, length, offset);
  }
  co_return co_await pool.Run([=] {
    const ssize_t n = ::pread(fd, buffer, length, static_cast<off_t>(offset));
    return n < 0 ? -errno : static_cast<int>(n);
  });
}

Task<int> WriteSome(BlockingPool& pool, int fd, const char* buffer, size_t length,
                    uint64_t offset) {
  length = std::min(length, kCallBytesMax);
  if (IoRing* ring = CurrentRing()) {
    co_return co_await IoOperation::Write(*ring, fd, buffer, length, offset);
  }
  co_return co_await pool.Run([=] {
    const ssize_t n = ::pwrite(fd, buffer, length, static_cast<off_t>(offset));
    return n < 0 ? -errno : static_cast<int>(n);
  });
}

Task<int> DataSync(BlockingPool& pool, int fd) {
  if (IoRing* ring = CurrentRing()) co_return co_await IoOperation::DataSync(*ring, fd);
  co_return co_await pool.Run([=] { return ::fdatasync(fd) < 0 ? -errno : 0; });
}

Task<int> Reserve(BlockingPool& pool, int fd, uint64_t length) {
  if (IoRing* ring = CurrentRing()) co_return co_await IoOperation::Allocate(*ring, fd, length);
  co_return co_await pool.Run(
      [=] { return ::fallocate(fd, 0, 0, static_cast<off_t>(length)) < 0 ? -errno : 0; });
}

int GrowTo(int fd, uint64_t length) {
  struct stat info;
  if (::fstat(fd, &info) < 0) return -errno;
  if (static_cast<uint64_t>(info.st_size) >= length) return 0;
  return ::ftruncate(fd, static_cast<off_t>(length)) < 0 ? -errno : 0;
}

}  // namespace

RealFile::~RealFile() {
  // The last close of a removed file frees its blocks, which takes a while.
  if (fd_ >= 0) pool_->RunDetached([fd = fd_] { ::close(fd); });
}

Task<absl::StatusOr<std::string>> RealFile::Read(uint64_t offset, size_t length) {
  std::string data;
  data.reserve(length);
  AdviseHugePages(data.data(), length);
  data.resize(length);
  size_t done = 0;
  if (ReadCached(offset, &data, &done)) {
    data.resize(done);
    return Task<absl::StatusOr<std::string>>::Ready(std::move(data));
  }
  return ReadRest(offset, std::move(data), done);
}

bool RealFile::ReadCached(uint64_t offset, std::string* data, size_t* done) {
  while (cached_reads_ && *done < data->size()) {
    iovec part{data->data() + *done, data->size() - *done};
    const ssize_t n = ::preadv2(fd_, &part, 1, static_cast<off_t>(offset + *done), RWF_NOWAIT);
    if (n == 0) return true;  // the end of the file
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EOPNOTSUPP || errno == ENOSYS) cached_reads_ = false;
      return false;
    }
    *done += static_cast<size_t>(n);
  }
  return *done == data->size();
}

Task<absl::StatusOr<std::string>> RealFile::ReadRest(uint64_t offset, std::string data,
                                                     size_t done) {
  while (done < data.size()) {
    const int n =
        co_await ReadSome(*pool_, fd_, data.data() + done, data.size() - done, offset + done);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return IoError("read", path_, -n);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  data.resize(done);
  co_return data;
}

Task<absl::Status> RealFile::Write(uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const int n = co_await WriteSome(*pool_, fd_, data.data(), data.size(), offset);
    if (n == -EINTR || n == -EAGAIN) continue;
    // A device that takes nothing and names no error is full.
    if (n <= 0) co_return IoError("write", path_, n == 0 ? ENOSPC : -n);
    data.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RealFile::Sync() {
  const int result = co_await DataSync(*pool_, fd_);
  co_return result < 0 ? IoError("sync", path_, -result) : absl::OkStatus();
}

Task<absl::Status> RealFile::Allocate(uint64_t length) {
  if (length == 0) co_return absl::OkStatus();
  int result = co_await Reserve(*pool_, fd_, length);
  while (result == -EINTR) result = co_await Reserve(*pool_, fd_, length);
  if (result == -EOPNOTSUPP) {
    // No reservations on this file system: at least the size is as promised.
    result = co_await pool_->Run([this, length] { return GrowTo(fd_, length); });
  }
  co_return result < 0 ? IoError("allocate", path_, -result) : absl::OkStatus();
}

Task<absl::Status> RealFile::Truncate(uint64_t length) {
  const int result = co_await pool_->Run(
      [this, length] { return ::ftruncate(fd_, static_cast<off_t>(length)) < 0 ? -errno : 0; });
  co_return result < 0 ? IoError("truncate", path_, -result) : absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> RealFile::Size() {
  struct stat info;
  // Answered from the open inode: does not block.
  if (::fstat(fd_, &info) < 0) {
    return Task<absl::StatusOr<uint64_t>>::Ready(IoError("stat", path_, errno));
  }
  return Task<absl::StatusOr<uint64_t>>::Ready(static_cast<uint64_t>(info.st_size));
}

Task<absl::Status> RealFile::Close() {
  if (fd_ < 0) co_return absl::OkStatus();
  const int fd = std::exchange(fd_, -1);
  // Linux closes the descriptor even when it reports EINTR.
  const int result = co_await pool_->Run([fd] { return ::close(fd) < 0 ? -errno : 0; });
  co_return result < 0 && result != -EINTR ? IoError("close", path_, -result) : absl::OkStatus();
}

}  // namespace tholos::base
