// The tree of one simulated disk: files and directories, as they are seen now and as a power loss
// leaves them. Synchronous; SimFileSystem adds time and faults.
//
// Names behave as file_system.h says: an entry that was created, renamed or removed is durable once
// its directory was synced. A power loss keeps any of the unsynced changes of a directory, in any
// combination in which no change is kept that follows a lost one to the same name. A rename is kept
// or lost as a whole, between two directories too; when the creation of its source is lost, so is
// it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/sim/file_content.h"

namespace tholos::base::sim {

// A file or directory, whatever its names.
struct DiskNode;
using DiskNodePtr = std::shared_ptr<DiskNode>;

// A rename from one directory to another.
struct CrossRename {
  DiskNodePtr from_directory;
  DiskNodePtr to_directory;
  bool kept = false;  // decided by the power loss
};

struct DiskNode {
  bool is_directory = false;
  int links = 0;  // names in current directories
  int opens = 0;  // handles
  FileContent content;

  struct Change {
    enum class Kind { kAdd, kRemove, kRename } kind;
    uint64_t sequence = 0;
    std::string name;
    std::string new_name;  // kRename
    DiskNodePtr node;
    std::shared_ptr<CrossRename> cross;  // of a kAdd and a kRemove that are one rename
  };
  std::map<std::string, DiskNodePtr> current;
  std::map<std::string, DiskNodePtr> durable;
  std::vector<Change> unsynced;
};

class DiskImage {
 public:
  DiskImage();
  ~DiskImage();

  absl::StatusOr<DiskNodePtr> Open(const std::string& path, OpenMode mode);
  absl::Status Rename(const std::string& from, const std::string& to);
  absl::Status Remove(const std::string& path);
  absl::Status Link(const std::string& from, const std::string& to);
  absl::Status MakeDirectories(const std::string& path);
  absl::StatusOr<std::vector<DirectoryEntry>> List(const std::string& path) const;
  bool Exists(const std::string& path) const { return Find(path) != nullptr; }
  // Nothing at that path: null.
  DiskNodePtr Find(const std::string& path) const;

  // Contents of open files. ENOSPC: as much as fits is written.
  absl::Status Write(DiskNode& file, const std::string& path, uint64_t offset,
                     std::string_view data);
  absl::Status Resize(DiskNode& file, const std::string& path, uint64_t length,
                      std::string_view what);

  // What has been changed so far: the argument of a sync that starts now.
  uint64_t sequence() const { return sequence_; }
  absl::Status SyncDirectory(const std::string& path, uint64_t sequence_max);

  void LosePower(RandomStream& random);
  // The handles of a process that ended are gone.
  void CloseAll();

  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t FreeBytes() const;

 private:
  struct Place {  // a name in a directory that exists
    DiskNodePtr directory;
    std::string name;
  };
  absl::StatusOr<Place> PlaceOf(const std::string& path, std::string_view what) const;
  DiskNodePtr NewNode(bool is_directory);
  void AddName(DiskNode& directory, const std::string& name, DiskNodePtr node,
               std::shared_ptr<CrossRename> cross = nullptr);
  void RemoveName(DiskNode& directory, const std::string& name,
                  std::shared_ptr<CrossRename> cross = nullptr);
  void Drop(DiskNode& directory, const std::string& name);
  static void MakeDurable(DiskNode& directory, const DiskNode::Change& change);
  static void SyncNames(DiskNode& directory, uint64_t sequence_max);
  static std::vector<bool> ChooseKept(const DiskNode& directory, RandomStream& random);
  std::vector<DiskNodePtr> LiveNodes();

  DiskNodePtr root_;
  std::vector<std::weak_ptr<DiskNode>> nodes_;  // all, in the order of their creation
  uint64_t sequence_ = 0;
  uint64_t capacity_ = std::numeric_limits<uint64_t>::max();
};

}  // namespace tholos::base::sim
