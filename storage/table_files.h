// The files of one table: its directory, its manifest (manifest.h), snapshots and backups.
//
//   tables/<keyspace>.<table>-<id>/manifest
//   tables/<keyspace>.<table>-<id>/<generation>.sst
//   tables/<keyspace>.<table>-<id>/snapshots/<name>/   a manifest and hard links, as above
//   tables/<keyspace>.<table>-<id>/backups/<generation>.sst   a link of every flushed SSTable
//
// One for all shards of a table. The manifest is changed on the loop that opened it (home); calls
// may come from every loop and are carried there. A file is removed when no manifest lists it any
// more and the last reader on any shard has let go of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "storage/directories.h"
#include "storage/manifest.h"

namespace tholos::storage {

struct TableFilesOptions {
  std::string directory;
  Layout layout;
};

struct TableSnapshot {
  std::string name;
  uint64_t sstables = 0;
  uint64_t bytes = 0;  // of the files, whoever else links them
};

class TableFiles : public std::enable_shared_from_this<TableFiles> {
 public:
  // Removes leftovers. kDataLoss names a damaged manifest. The doors outlive it.
  static base::Task<absl::StatusOr<std::shared_ptr<TableFiles>>> Open(
      TableFilesOptions options, base::FileSystem& fs, base::Log& log,
      std::shared_ptr<const data::TableSchema> schema);
  ~TableFiles();
  TableFiles(const TableFiles&) = delete;
  TableFiles& operator=(const TableFiles&) = delete;

  const std::string& directory() const { return options_.directory; }
  const Layout& layout() const { return options_.layout; }

  // Of a new SSTable. From any thread; never given twice.
  uint64_t NextGeneration() { return next_generation_++; }

  // Says that an SSTable is open, or closed, somewhere. From any thread.
  void Pin(uint64_t generation);
  void Unpin(uint64_t generation);

  // What a shard is to open.
  struct Part {
    std::vector<LiveTable> tables;  // `held` is that of the shard alone
    LogPosition flushed_before;
  };
  base::Task<Part> PartOf(uint32_t shard);

  // What a flush, a compaction or a truncation changes.
  struct Change {
    uint32_t shard = 0;
    std::vector<uint64_t> removed;  // the shard's part of them
    std::vector<uint64_t> added;    // they hold the tokens of the shard
    std::optional<LogPosition> flushed_before;
  };
  // Durable, all or nothing, when it returns OK. After an error: either, until a later change
  // succeeds.
  base::Task<absl::Status> Install(std::vector<Change> changes);
  base::Task<absl::Status> Install(Change change);

  // Makes the directory, durably, before the first file is written.
  base::Task<absl::Status> EnsureDirectory();
  // Removes SSTables that were never installed.
  base::Task<void> Discard(std::vector<uint64_t> generations);

  // Everything listed, by hard links; durable when it returns OK, nothing is left otherwise.
  // kAlreadyExists; kInvalidArgument for a name that is no file name.
  base::Task<absl::StatusOr<TableSnapshot>> Snapshot(std::string name);
  base::Task<absl::StatusOr<std::vector<TableSnapshot>>> ListSnapshots();
  // kNotFound.
  base::Task<absl::Status> RemoveSnapshot(std::string name);
  // Links a snapshot's SSTables under new generations, durably but not installed. kNotFound;
  // kDataLoss.
  base::Task<absl::StatusOr<std::vector<LiveTable>>> LinkSnapshot(std::string name);
  base::Task<absl::Status> InstallLinked(std::vector<LiveTable> tables);
  // Links an SSTable into backups/.
  base::Task<absl::Status> Backup(uint64_t generation);

  // Waits for removals.
  base::Task<void> Stop();

 private:
  enum class State : uint8_t {
    kNew,        // written, not installed yet
    kListed,     // in the manifest
    kUncertain,  // the manifest that lists it, or does not any more, may or may not be durable
    kGone,       // in no manifest
  };
  struct Use {
    State state = State::kNew;
    int pins = 0;
  };

  TableFiles(TableFilesOptions options, base::FileSystem& fs, base::Log& log, Manifest manifest);
  base::Task<absl::Status> Recover();
  base::Task<absl::Status> AdoptManifest(Manifest manifest);
  base::Task<void> RemoveLeftovers(std::vector<base::DirectoryEntry> entries);
  base::Task<void> RemoveTornSnapshots();
  void NoteLeft(const absl::Status& removed);

  base::Task<Part> PartOfHere(uint32_t shard);
  base::Task<absl::Status> InstallHere(std::vector<Change> changes);
  base::Task<absl::Status> InstallLinkedHere(std::vector<LiveTable> tables);
  base::Task<absl::Status> EnsureDirectoryHere();
  base::Task<void> DiscardHere(std::vector<uint64_t> generations);
  base::Task<absl::StatusOr<TableSnapshot>> SnapshotHere(std::string name);
  base::Task<absl::StatusOr<std::vector<TableSnapshot>>> ListSnapshotsHere();
  base::Task<absl::Status> RemoveSnapshotHere(std::string name);
  base::Task<absl::StatusOr<std::vector<LiveTable>>> LinkSnapshotHere(std::string name);

  base::Task<absl::Status> MakeDirectory();
  base::Task<absl::Status> Commit(Manifest next);
  void MarkUncertain(const Manifest& next);
  void Resolve();
  base::Task<absl::Status> LinkAll(std::string to);
  base::Task<absl::StatusOr<TableSnapshot>> Measure(std::string name);
  base::Task<void> RemoveFile(uint64_t generation);
  std::string PathOf(uint64_t generation) const;
  std::string SnapshotPath(const std::string& name) const;

  const TableFilesOptions options_;
  base::FileSystem& fs_;
  base::Log& log_;
  base::Loop& home_;

  Manifest manifest_;  // home only
  bool made_ = false;  // home only
  std::atomic<uint64_t> next_generation_ = 1;
  base::Semaphore changing_{1};
  base::Scope scope_;

  base::Mutex mutex_;
  std::map<uint64_t, Use> uses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::storage
