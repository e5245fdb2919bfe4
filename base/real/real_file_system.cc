#include "base/real/real_file_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/real/io_error.h"
#include "base/real/real_file.h"
#include "base/strings.h"

// Every lambda below is awaited in the full expression that makes it, so what it refers to in the
// coroutine's frame outlives it.
namespace tholos::base {
namespace {

// The result of a call that returns -1 and sets errno on failure, as the result or -errno.
int OrErrno(int result) { return result < 0 ? -errno : result; }

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kOpenOrCreate:
      return O_RDWR | O_CREAT;
  }
  __builtin_unreachable();
}

int OpenDescriptor(const std::string& path, int flags) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (fd < 0 && errno == EINTR);
  return OrErrno(fd);
}

absl::Status MakeOneDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return absl::OkStatus();
  const int error = errno;
  struct stat info;
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::OkStatus();
  }
  return IoError("mkdir", path, error);
}

absl::Status MakeAllDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    absl::Status made = MakeOneDirectory(path.substr(0, end));
    if (!made.ok() || end == std::string::npos) return made;
  }
}

bool IsDirectory(const std::string& parent, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat info;
  const std::string path = StrCat(parent, "/", entry.d_name);
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return IoError("list", path, errno);
  std::vector<DirectoryEntry> entries;
  int error = 0;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), IsDirectory(path, *entry)});
  }
  ::closedir(directory);
  if (error != 0) return IoError("list", path, error);
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

int SyncDirectoryNow(const std::string& path) {
  const int fd = OpenDescriptor(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return fd;
  const int result = OrErrno(::fsync(fd));
  ::close(fd);
  return result;
}

// flock: held by the open file description, so it excludes a second lock of the same process too.
int OpenLocked(const std::string& path) {
  const int fd = OpenDescriptor(path, O_RDWR | O_CREAT);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

class RealLock final : public FileSystem::Lock {
 public:
  explicit RealLock(int fd) : fd_(fd) {}
  ~RealLock() override { ::close(fd_); }

 private:
  const int fd_;
};

}  // namespace

Task<absl::StatusOr<std::unique_ptr<File>>> RealFileSystem::Open(std::string path, OpenMode mode) {
  const int fd = co_await pool_->Run([&] { return OpenDescriptor(path, OpenFlags(mode)); });
  if (fd < 0) co_return IoError("open", path, -fd);
  co_return std::make_unique<RealFile>(fd, std::move(path), pool_);
}

Task<absl::Status> RealFileSystem::Rename(std::string from, std::string to) {
  const int result =
      co_await pool_->Run([&] { return OrErrno(::rename(from.c_str(), to.c_str())); });
  co_return result < 0 ? IoError("rename", StrCat(from, " to ", to), -result) : absl::OkStatus();
}

Task<absl::Status> RealFileSystem::Remove(std::string path) {
  const int result = co_await pool_->Run([&] { return OrErrno(::remove(path.c_str())); });
  co_return result < 0 ? IoError("remove", path, -result) : absl::OkStatus();
}

Task<absl::Status> RealFileSystem::Link(std::string from, std::string to) {
  const int result = co_await pool_->Run([&] { return OrErrno(::link(from.c_str(), to.c_str())); });
  co_return result < 0 ? IoError("link", StrCat(from, " to ", to), -result) : absl::OkStatus();
}

Task<absl::Status> RealFileSystem::MakeDirectories(std::string path) {
  co_return co_await pool_->Run([&] { return MakeAllDirectories(path); });
}

Task<absl::StatusOr<std::vector<DirectoryEntry>>> RealFileSystem::List(std::string path) {
  co_return co_await pool_->Run([&] { return ListDirectory(path); });
}

Task<absl::StatusOr<bool>> RealFileSystem::Exists(std::string path) {
  const int result = co_await pool_->Run([&] { return OrErrno(::access(path.c_str(), F_OK)); });
  if (result == -ENOENT || result == -ENOTDIR) co_return false;
  if (result < 0) co_return IoError("look up", path, -result);
  co_return true;
}

Task<absl::Status> RealFileSystem::SyncDirectory(std::string path) {
  const int result = co_await pool_->Run([&] { return SyncDirectoryNow(path); });
  co_return result < 0 ? IoError("sync directory", path, -result) : absl::OkStatus();
}

Task<absl::StatusOr<uint64_t>> RealFileSystem::FreeBytes(std::string path) {
  struct statvfs info;
  const int result = co_await pool_->Run([&] { return OrErrno(::statvfs(path.c_str(), &info)); });
  if (result < 0) co_return IoError("statvfs", path, -result);
  co_return uint64_t{info.f_bavail} * info.f_frsize;
}

Task<absl::StatusOr<std::unique_ptr<FileSystem::Lock>>> RealFileSystem::LockFile(std::string path) {
  const int fd = co_await pool_->Run([&] { return OpenLocked(path); });
  if (fd == -EWOULDBLOCK) {
    co_return absl::FailedPreconditionError(StrCat("lock ", path, ": another process holds it"));
  }
  if (fd < 0) co_return IoError("lock", path, -fd);
  co_return std::make_unique<RealLock>(fd);
}

}  // namespace tholos::base
