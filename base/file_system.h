// The file door: asynchronous files and directories.
//
// Durability is what the simulator takes at its word: bytes are durable after File::Sync() returned
// OK; a created, renamed or removed name is durable after SyncDirectory() of its directory returned
// OK. Until then a power loss may keep, lose, tear or reorder any of it. A failed Sync says nothing
// about what is on disk and must not be retried (the kernel may have dropped the dirty pages):
// abandon the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"

namespace tholos::base {

enum class OpenMode {
  kRead,         // must exist
  kCreate,       // read and write; must not exist
  kReadWrite,    // must exist
  kOpenOrCreate  // read and write
};

// An open file. Used by one loop at a time; concurrent reads are fine, and so are concurrent writes
// to disjoint ranges. Close() before destruction when written to; the destructor closes silently.
// Errors: kNotFound, kResourceExhausted (ENOSPC, EDQUOT), kDataLoss (EIO), kPermissionDenied,
// kInternal; every message names the operation and the path.
class File {
 public:
  static constexpr size_t kBlockBytes = 4096;
  virtual ~File() = default;

  // Reads up to `length` bytes at `offset`; fewer only at the end of the file.
  virtual Task<absl::StatusOr<std::string>> Read(uint64_t offset, size_t length) = 0;
  // Writes all of `data` (which must stay valid until the task ends) at `offset`, growing the file.
  // After an error any part may have been written.
  virtual Task<absl::Status> Write(uint64_t offset, std::string_view data) = 0;
  // Makes data and size durable (fdatasync).
  virtual Task<absl::Status> Sync() = 0;
  // Write, and a Sync of these bytes alone: after OK they are durable, with the size that the file
  // needs for them. An error says as little as that of a failed Sync: abandon the file.
  //
  // Costs the least where the range was written before or is Allocate's, and offset, length and the
  // bytes' address are multiples of kBlockBytes: past the page cache, if the file system can.
  virtual Task<absl::Status> WriteDurably(uint64_t offset, std::string_view data) = 0;
  // Reserves space for [0, length) without changing what is read; the size becomes at least
  // `length`, the new bytes are zero, and where possible really written as such: what is written
  // over them later changes no metadata. Durable after Sync.
  virtual Task<absl::Status> Allocate(uint64_t length) = 0;
  virtual Task<absl::Status> Truncate(uint64_t length) = 0;
  virtual Task<absl::StatusOr<uint64_t>> Size() = 0;
  virtual Task<absl::Status> Close() = 0;
  virtual const std::string& path() const = 0;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

// Thread-safe. Paths are '/'-separated.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) = 0;
  // Replaces `to` if it exists.
  virtual Task<absl::Status> Rename(std::string from, std::string to) = 0;
  // A file or an empty directory.
  virtual Task<absl::Status> Remove(std::string path) = 0;
  // A hard link.
  virtual Task<absl::Status> Link(std::string from, std::string to) = 0;
  // With its parents; fine if it exists.
  virtual Task<absl::Status> MakeDirectories(std::string path) = 0;
  // Sorted by name.
  virtual Task<absl::StatusOr<std::vector<DirectoryEntry>>> List(std::string path) = 0;
  virtual Task<absl::StatusOr<bool>> Exists(std::string path) = 0;
  virtual Task<absl::Status> SyncDirectory(std::string path) = 0;
  virtual Task<absl::StatusOr<uint64_t>> FreeBytes(std::string path) = 0;
  // Holds an exclusive lock on `path` (created if missing) until the returned object is destroyed
  // or the process ends. kFailedPrecondition if another process holds it.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  virtual Task<absl::StatusOr<std::unique_ptr<Lock>>> LockFile(std::string path) = 0;
};

// Whole small files. WriteFileAtomically: temporary name, sync, rename, directory sync; afterwards
// the file has either its old or its new contents, durably.
Task<absl::StatusOr<std::string>> ReadFile(FileSystem& fs, std::string path, uint64_t size_max);
Task<absl::Status> WriteFileAtomically(FileSystem& fs, std::string path, std::string contents);

}  // namespace tholos::base
