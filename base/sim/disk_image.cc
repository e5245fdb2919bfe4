#include "base/sim/disk_image.h"

#include <errno.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_split.h"
#include "base/real/io_error.h"
#include "base/status_macros.h"

namespace tholos::base::sim {
namespace {

using Change = DiskNode::Change;

// "" and "." are where one is; ".." is not simulated, and no name of ours contains it.
std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

DiskImage::DiskImage() {
  root_ = NewNode(true);
  root_->links = 1;
}

DiskImage::~DiskImage() {
  // Directories and what is to be done to them may refer to each other in a circle.
  for (const DiskNodePtr& node : LiveNodes()) {
    node->current.clear();
    node->durable.clear();
    node->unsynced.clear();
  }
}

std::vector<DiskNodePtr> DiskImage::LiveNodes() {
  std::erase_if(nodes_, [](const auto& node) { return node.expired(); });
  std::vector<DiskNodePtr> live;
  for (const auto& node : nodes_) live.push_back(node.lock());
  return live;
}

DiskNodePtr DiskImage::NewNode(bool is_directory) {
  auto node = std::make_shared<DiskNode>();
  node->is_directory = is_directory;
  if (nodes_.size() > 1000 && nodes_.size() % 1000 == 0) LiveNodes();
  nodes_.push_back(node);
  return node;
}

DiskNodePtr DiskImage::Find(const std::string& path) const {
  DiskNodePtr node = root_;
  for (const std::string& part : PartsOf(path)) {
    const auto it = node->current.find(part);
    if (it == node->current.end()) return nullptr;
    node = it->second;
  }
  return node;
}

absl::StatusOr<DiskImage::Place> DiskImage::PlaceOf(const std::string& path,
                                                    std::string_view what) const {
  std::vector<std::string> parts = PartsOf(path);
  if (parts.empty()) return IoError(what, path, EINVAL);
  Place place{.directory = root_, .name = std::move(parts.back())};
  parts.pop_back();
  for (const std::string& part : parts) {
    const auto it = place.directory->current.find(part);
    if (it == place.directory->current.end()) return IoError(what, path, ENOENT);
    if (!it->second->is_directory) return IoError(what, path, ENOTDIR);
    place.directory = it->second;
  }
  return place;
}

void DiskImage::Drop(DiskNode& directory, const std::string& name) {
  const auto it = directory.current.find(name);
  if (it == directory.current.end()) return;
  --it->second->links;
  directory.current.erase(it);
}

void DiskImage::AddName(DiskNode& directory, const std::string& name, DiskNodePtr node,
                        std::shared_ptr<CrossRename> cross) {
  Drop(directory, name);
  ++node->links;
  directory.current[name] = node;
  directory.unsynced.push_back({.kind = Change::Kind::kAdd,
                                .sequence = ++sequence_,
                                .name = name,
                                .node = std::move(node),
                                .cross = std::move(cross)});
}

void DiskImage::RemoveName(DiskNode& directory, const std::string& name,
                           std::shared_ptr<CrossRename> cross) {
  Drop(directory, name);
  directory.unsynced.push_back({.kind = Change::Kind::kRemove,
                                .sequence = ++sequence_,
                                .name = name,
                                .cross = std::move(cross)});
}

absl::StatusOr<DiskNodePtr> DiskImage::Open(const std::string& path, OpenMode mode) {
  THOLOS_ASSIGN_OR_RETURN(const Place place, PlaceOf(path, "open"));
  const auto it = place.directory->current.find(place.name);
  if (it != place.directory->current.end()) {
    if (mode == OpenMode::kCreate) return IoError("open", path, EEXIST);
    if (it->second->is_directory) return IoError("open", path, EISDIR);
    return it->second;
  }
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return IoError("open", path, ENOENT);
  DiskNodePtr node = NewNode(false);
  AddName(*place.directory, place.name, node);
  return node;
}

absl::Status DiskImage::Rename(const std::string& from, const std::string& to) {
  THOLOS_ASSIGN_OR_RETURN(const Place source, PlaceOf(from, "rename"));
  THOLOS_ASSIGN_OR_RETURN(const Place target, PlaceOf(to, "rename"));
  const auto it = source.directory->current.find(source.name);
  if (it == source.directory->current.end()) return IoError("rename", from, ENOENT);
  const DiskNodePtr node = it->second;
  const auto old = target.directory->current.find(target.name);
  if (old != target.directory->current.end()) {
    if (old->second == node) return absl::OkStatus();
    if (old->second->is_directory != node->is_directory) {
      return IoError("rename", to, node->is_directory ? ENOTDIR : EISDIR);
    }
    if (!old->second->current.empty()) return IoError("rename", to, ENOTEMPTY);
  }
  if (source.directory != target.directory) {
    auto cross = std::make_shared<CrossRename>(CrossRename{source.directory, target.directory});
    AddName(*target.directory, target.name, node, cross);
    RemoveName(*source.directory, source.name, cross);
    return absl::OkStatus();
  }
  Drop(*target.directory, target.name);
  source.directory->current.erase(source.name);
  source.directory->current[target.name] = node;
  source.directory->unsynced.push_back({.kind = Change::Kind::kRename,
                                        .sequence = ++sequence_,
                                        .name = source.name,
                                        .new_name = target.name,
                                        .node = node});
  return absl::OkStatus();
}

absl::Status DiskImage::Remove(const std::string& path) {
  THOLOS_ASSIGN_OR_RETURN(const Place place, PlaceOf(path, "remove"));
  const auto it = place.directory->current.find(place.name);
  if (it == place.directory->current.end()) return IoError("remove", path, ENOENT);
  if (!it->second->current.empty()) return IoError("remove", path, ENOTEMPTY);
  RemoveName(*place.directory, place.name);
  return absl::OkStatus();
}

absl::Status DiskImage::Link(const std::string& from, const std::string& to) {
  const DiskNodePtr node = Find(from);
  if (node == nullptr) return IoError("link", from, ENOENT);
  if (node->is_directory) return IoError("link", from, EPERM);
  THOLOS_ASSIGN_OR_RETURN(const Place place, PlaceOf(to, "link"));
  if (place.directory->current.contains(place.name)) return IoError("link", to, EEXIST);
  AddName(*place.directory, place.name, node);
  return absl::OkStatus();
}

absl::Status DiskImage::MakeDirectories(const std::string& path) {
  DiskNodePtr directory = root_;
  for (const std::string& part : PartsOf(path)) {
    auto it = directory->current.find(part);
    if (it == directory->current.end()) {
      AddName(*directory, part, NewNode(true));
      it = directory->current.find(part);
    }
    if (!it->second->is_directory) return IoError("make directory", path, ENOTDIR);
    directory = it->second;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirectoryEntry>> DiskImage::List(const std::string& path) const {
  const DiskNodePtr directory = Find(path);
  if (directory == nullptr) return IoError("list", path, ENOENT);
  if (!directory->is_directory) return IoError("list", path, ENOTDIR);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : directory->current) entries.push_back({name, node->is_directory});
  return entries;
}

absl::Status DiskImage::Write(DiskNode& file, const std::string& path, uint64_t offset,
                              std::string_view data) {
  const uint64_t end = offset + data.size();
  uint64_t fits = data.size();
  if (end > file.content.size()) {
    const uint64_t growth = end - file.content.size();
    const uint64_t free = FreeBytes();
    if (growth > free) fits -= std::min(fits, growth - free);
  }
  file.content.Write(offset, data.substr(0, fits), ++sequence_);
  return fits == data.size() ? absl::OkStatus() : IoError("write", path, ENOSPC);
}

absl::Status DiskImage::Resize(DiskNode& file, const std::string& path, uint64_t length,
                               std::string_view what) {
  if (length > file.content.size() && length - file.content.size() > FreeBytes()) {
    return IoError(what, path, ENOSPC);
  }
  file.content.Resize(length, ++sequence_);
  return absl::OkStatus();
}

uint64_t DiskImage::FreeBytes() const {
  if (capacity_ == std::numeric_limits<uint64_t>::max()) return uint64_t{1} << 50;
  uint64_t used = 0;
  for (const auto& weak : nodes_) {
    const DiskNodePtr node = weak.lock();
    if (node != nullptr && node->links + node->opens > 0) used += node->content.size();
  }
  return used >= capacity_ ? 0 : capacity_ - used;
}

void DiskImage::MakeDurable(DiskNode& directory, const Change& change) {
  switch (change.kind) {
    case Change::Kind::kAdd:
      directory.durable[change.name] = change.node;
      return;
    case Change::Kind::kRemove:
      directory.durable.erase(change.name);
      return;
    case Change::Kind::kRename:
      directory.durable.erase(change.name);
      directory.durable[change.new_name] = change.node;
      return;
  }
}

void DiskImage::SyncNames(DiskNode& directory, uint64_t sequence_max) {
  std::vector<Change> changes;
  std::swap(changes, directory.unsynced);
  std::vector<std::pair<DiskNodePtr, uint64_t>> others;
  for (Change& change : changes) {
    if (change.sequence > sequence_max) {
      directory.unsynced.push_back(std::move(change));
      continue;
    }
    MakeDurable(directory, change);
    if (change.cross == nullptr) continue;
    // The other half becomes durable with this one, and all that came before it.
    const DiskNodePtr& other = change.cross->from_directory.get() == &directory
                                   ? change.cross->to_directory
                                   : change.cross->from_directory;
    others.emplace_back(other, change.sequence + 1);
  }
  for (const auto& [other, sequence] : others) {
    const bool has_half = std::any_of(
        other->unsynced.begin(), other->unsynced.end(),
        [limit = sequence](const Change& c) { return c.cross != nullptr && c.sequence <= limit; });
    if (has_half) SyncNames(*other, sequence);
  }
}

absl::Status DiskImage::SyncDirectory(const std::string& path, uint64_t sequence_max) {
  const DiskNodePtr directory = Find(path);
  if (directory == nullptr) return IoError("sync directory", path, ENOENT);
  if (!directory->is_directory) return IoError("sync directory", path, ENOTDIR);
  SyncNames(*directory, sequence_max);
  return absl::OkStatus();
}

// One flag for each unsynced change: none, all, the first ones, or any.
std::vector<bool> DiskImage::ChooseKept(const DiskNode& directory, RandomStream& random) {
  const size_t count = directory.unsynced.size();
  std::vector<bool> kept(count);
  const uint64_t way = random.Below(4);
  const size_t prefix = random.Below(count + 1);
  std::set<std::string> lost;  // names
  for (size_t i = 0; i < count; ++i) {
    const Change& change = directory.unsynced[i];
    kept[i] = way == 0 ? false : way == 1 ? true : way == 2 ? i < prefix : random.Chance(0.5);
    if (lost.contains(change.name) || lost.contains(change.new_name)) kept[i] = false;
    if (kept[i]) continue;
    lost.insert(change.name);
    if (!change.new_name.empty()) lost.insert(change.new_name);
  }
  return kept;
}

void DiskImage::CloseAll() {
  for (const DiskNodePtr& node : LiveNodes()) node->opens = 0;
}

void DiskImage::LosePower(RandomStream& random) {
  const std::vector<DiskNodePtr> nodes = LiveNodes();
  std::vector<std::vector<bool>> kept;  // for each node
  for (const DiskNodePtr& node : nodes) {
    node->content.LosePower(random);
    const auto& flags = kept.emplace_back(ChooseKept(*node, random));
    for (size_t i = 0; i < flags.size(); ++i) {
      const Change& change = node->unsynced[i];
      if (change.cross != nullptr && change.kind == Change::Kind::kAdd)
        change.cross->kept = flags[i];
    }
  }
  for (size_t n = 0; n < nodes.size(); ++n) {
    const DiskNodePtr& node = nodes[n];
    const std::vector<bool>& flags = kept[n];
    for (size_t i = 0; i < flags.size(); ++i) {
      const Change& change = node->unsynced[i];
      const bool removes_half = change.cross != nullptr && change.kind == Change::Kind::kRemove;
      if (removes_half ? change.cross->kept : flags[i]) MakeDurable(*node, change);
    }
    node->unsynced.clear();
    node->current = node->durable;
    node->links = 0;
  }
  root_->links = 1;
  for (const DiskNodePtr& node : nodes) {
    for (const auto& [name, child] : node->current) ++child->links;
  }
}

}  // namespace tholos::base::sim
