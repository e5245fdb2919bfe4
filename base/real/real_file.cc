#include "base/real/real_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/huge_block.h"
#include "base/real/io_error.h"
#include "base/real/real_loop.h"
#include "base/status_macros.h"
#include "base/strings.h"

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

// `flags` are those of pwritev2.
Task<int> WriteSome(BlockingPool& pool, int fd, const char* buffer, size_t length, uint64_t offset,
                    int flags) {
  length = std::min(length, kCallBytesMax);
  if (IoRing* ring = CurrentRing()) {
    co_return co_await IoOperation::Write(*ring, fd, buffer, length, offset, flags);
  }
  co_return co_await pool.Run([=] {
    iovec part{const_cast<char*>(buffer), length};
    const ssize_t n = ::pwritev2(fd, &part, 1, static_cast<off_t>(offset), flags);
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

// The same file past the page cache, if it may be written to; or -errno.
int OpenPastCache(int fd) {
  if ((::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR) return -EBADF;
  const int direct = ::open(StrCat("/proc/self/fd/", fd).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
  return direct < 0 ? -errno : direct;
}

bool IsOfBlocks(uint64_t number) { return number % File::kBlockBytes == 0; }

}  // namespace

RealFile::~RealFile() {
  // The last close of a removed file frees its blocks, which takes a while.
  for (const int fd : {direct_fd_, fd_}) {
    if (fd >= 0) pool_->RunDetached([fd] { ::close(fd); });
  }
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
    const int n = co_await WriteSome(*pool_, fd_, data.data(), data.size(), offset, 0);
    if (n == -EINTR || n == -EAGAIN) continue;
    // A device that takes nothing and names no error is full.
    if (n <= 0) co_return IoError("write", path_, n == 0 ? ENOSPC : -n);
    data.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  co_return absl::OkStatus();
}

// Past the page cache a write over what was written before is handed to the device where it stands;
// with the cache between, io_uring gives it to a thread of the kernel's.
Task<absl::Status> RealFile::WriteDurably(uint64_t offset, std::string_view data) {
  if (direct_ == Direct::kNotTried) co_await OpenDirect();
  while (!data.empty()) {
    const bool direct = direct_ == Direct::kUsed && IsOfBlocks(offset) && IsOfBlocks(data.size()) &&
                        IsOfBlocks(reinterpret_cast<uintptr_t>(data.data()));
    const int n = co_await WriteSome(*pool_, direct ? direct_fd_ : fd_, data.data(), data.size(),
                                     offset, RWF_DSYNC);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n == -EINVAL && direct) {
      // The file system or its device wants larger blocks. Other writes may have the descriptor.
      direct_ = Direct::kRefused;
      continue;
    }
    if (n <= 0) co_return IoError("write", path_, n == 0 ? ENOSPC : -n);
    data.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  co_return absl::OkStatus();
}

Task<void> RealFile::OpenDirect() {
  const int fd = co_await pool_->Run([this] { return OpenPastCache(fd_); });
  if (direct_ != Direct::kNotTried) {  // another write was faster
    if (fd >= 0) ::close(fd);
    co_return;
  }
  direct_fd_ = std::max(fd, -1);
  direct_ = fd < 0 ? Direct::kRefused : Direct::kUsed;
}

Task<absl::Status> RealFile::Sync() {
  const int result = co_await DataSync(*pool_, fd_);
  co_return result < 0 ? IoError("sync", path_, -result) : absl::OkStatus();
}

Task<absl::Status> RealFile::Allocate(uint64_t length) {
  if (length == 0) co_return absl::OkStatus();
  THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t size, co_await Size());
  int result = co_await Reserve(*pool_, fd_, length);
  while (result == -EINTR) result = co_await Reserve(*pool_, fd_, length);
  if (result == -EOPNOTSUPP) {
    // No reservations on this file system: at least the size is as promised.
    result = co_await pool_->Run([this, length] { return GrowTo(fd_, length); });
  }
  if (result < 0) co_return IoError("allocate", path_, -result);
  co_return co_await WriteZeros(size, length);
}

// Whole blocks of [offset, end), unless that went through the page cache. What was reserved and
// never written is read as zeros, too, but writing there changes metadata.
Task<absl::Status> RealFile::WriteZeros(uint64_t offset, uint64_t end) {
  constexpr size_t kZeroBytes = 256 << 10;
  offset = (offset + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  end = end / kBlockBytes * kBlockBytes;
  if (offset >= end) co_return absl::OkStatus();
  if (direct_ == Direct::kNotTried) co_await OpenDirect();
  const std::unique_ptr<char, decltype(&std::free)> zeros(
      static_cast<char*>(std::aligned_alloc(kBlockBytes, kZeroBytes)), &std::free);
  std::memset(zeros.get(), 0, kZeroBytes);
  while (offset < end && direct_ == Direct::kUsed) {
    const size_t bytes = std::min<uint64_t>(kZeroBytes, end - offset);
    const int n = co_await WriteSome(*pool_, direct_fd_, zeros.get(), bytes, offset, 0);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n == -EINVAL) co_return absl::OkStatus();
    if (n <= 0) co_return IoError("allocate", path_, n == 0 ? ENOSPC : -n);
    offset += static_cast<uint64_t>(n);
  }
  co_return absl::OkStatus();
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
  if (direct_fd_ >= 0) ::close(std::exchange(direct_fd_, -1));  // not the last one: at once
  direct_ = Direct::kRefused;
  const int fd = std::exchange(fd_, -1);
  // Linux closes the descriptor even when it reports EINTR.
  const int result = co_await pool_->Run([fd] { return ::close(fd) < 0 ? -errno : 0; });
  co_return result < 0 && result != -EINTR ? IoError("close", path_, -result) : absl::OkStatus();
}

}  // namespace tholos::base
