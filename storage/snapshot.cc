// Snapshots of a table's files, by hard links.
//
// A snapshot is built under a temporary name and renamed when all of it is durable. The manifest
// does not change meanwhile, so every file that it lists is there.
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/format.h"
#include "storage/table_files.h"

namespace tholos::storage {
namespace {

using base::Task;

constexpr std::string_view kTemporary = ".tmp";
constexpr size_t kNameBytesMax = 128;

absl::Status CheckName(const std::string& name) {
  bool good = !name.empty() && name.size() <= kNameBytesMax && name[0] != '.' &&
              !name.ends_with(kTemporary);
  for (const char c : name) {
    good &= absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(base::StrCat("'", name, "' is no name of a snapshot: 1 to ",
                                                 kNameBytesMax, " of [A-Za-z0-9_.-]"));
}

Task<absl::StatusOr<uint64_t>> SizeOf(base::FileSystem& fs, std::string path) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kRead));
  auto size = co_await file->Size();
  (co_await file->Close()).IgnoreError();
  co_return size;
}

}  // namespace

std::string TableFiles::SnapshotPath(const std::string& name) const {
  return base::StrCat(options_.directory, "/snapshots/", name);
}

Task<void> TableFiles::RemoveTornSnapshots() {
  auto entries = co_await fs_.List(base::StrCat(options_.directory, "/snapshots"));
  if (!entries.ok()) co_return;
  for (const base::DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(kTemporary)) continue;
    NoteLeft(co_await RemoveTree(fs_, SnapshotPath(entry.name)));
  }
}

Task<absl::StatusOr<TableSnapshot>> TableFiles::Snapshot(std::string name) {
  return base::RunOn(home_, SnapshotHere(std::move(name)));
}

Task<absl::StatusOr<TableSnapshot>> TableFiles::SnapshotHere(std::string name) {
  THOLOS_CO_RETURN_IF_ERROR(CheckName(name));
  auto lock = co_await changing_.Acquire(1);
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectory());
  const std::string path = SnapshotPath(name);
  const std::string temporary = path + std::string(kTemporary);
  THOLOS_CO_ASSIGN_OR_RETURN(const bool exists, co_await fs_.Exists(path));
  if (exists) {
    co_return absl::AlreadyExistsError(
        base::StrCat("snapshot ", name, " of ", manifest_.name, " exists"));
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTree(fs_, temporary));
  absl::Status made = co_await LinkAll(temporary);
  if (made.ok()) made = co_await fs_.Rename(temporary, path);
  if (!made.ok()) {
    NoteLeft(co_await RemoveTree(fs_, temporary));
    co_return made;
  }
  THOLOS_CO_RETURN_IF_ERROR(
      co_await fs_.SyncDirectory(base::StrCat(options_.directory, "/snapshots")));
  co_return co_await Measure(name);
}

// Into the directory `to`, durably.
Task<absl::Status> TableFiles::LinkAll(std::string to) {
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(fs_, to));
  for (const LiveTable& table : manifest_.tables) {
    THOLOS_CO_RETURN_IF_ERROR(co_await fs_.Link(
        PathOf(table.generation), base::StrCat(to, "/", sstable::FileName(table.generation))));
  }
  // Its directory sync covers the links.
  co_return co_await WriteManifest(fs_, to, manifest_);
}

Task<absl::StatusOr<TableSnapshot>> TableFiles::Measure(std::string name) {
  THOLOS_CO_ASSIGN_OR_RETURN(const Manifest manifest,
                             co_await ReadManifest(fs_, SnapshotPath(name)));
  TableSnapshot snapshot{.name = name, .sstables = manifest.tables.size()};
  for (const LiveTable& table : manifest.tables) {
    const std::string path =
        base::StrCat(SnapshotPath(name), "/", sstable::FileName(table.generation));
    THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t bytes, co_await SizeOf(fs_, path));
    snapshot.bytes += bytes;
  }
  co_return snapshot;
}

Task<absl::StatusOr<std::vector<TableSnapshot>>> TableFiles::ListSnapshots() {
  return base::RunOn(home_, ListSnapshotsHere());
}

Task<absl::StatusOr<std::vector<TableSnapshot>>> TableFiles::ListSnapshotsHere() {
  auto lock = co_await changing_.Acquire(1);
  std::vector<TableSnapshot> snapshots;
  auto entries = co_await fs_.List(base::StrCat(options_.directory, "/snapshots"));
  if (absl::IsNotFound(entries.status())) co_return snapshots;
  if (!entries.ok()) co_return entries.status();
  for (const base::DirectoryEntry& entry : *entries) {
    if (entry.name.ends_with(kTemporary)) continue;
    THOLOS_CO_ASSIGN_OR_RETURN(TableSnapshot snapshot, co_await Measure(entry.name));
    snapshots.push_back(std::move(snapshot));
  }
  co_return snapshots;
}

Task<absl::Status> TableFiles::RemoveSnapshot(std::string name) {
  return base::RunOn(home_, RemoveSnapshotHere(std::move(name)));
}

// The rename makes it a torn one, which a crash during the removal leaves to the next start.
Task<absl::Status> TableFiles::RemoveSnapshotHere(std::string name) {
  THOLOS_CO_RETURN_IF_ERROR(CheckName(name));
  auto lock = co_await changing_.Acquire(1);
  const std::string temporary = SnapshotPath(name) + std::string(kTemporary);
  absl::Status renamed = co_await fs_.Rename(SnapshotPath(name), temporary);
  if (absl::IsNotFound(renamed)) {
    co_return absl::NotFoundError(
        base::StrCat("there is no snapshot ", name, " of ", manifest_.name));
  }
  THOLOS_CO_RETURN_IF_ERROR(renamed);
  THOLOS_CO_RETURN_IF_ERROR(
      co_await fs_.SyncDirectory(base::StrCat(options_.directory, "/snapshots")));
  co_return co_await RemoveTree(fs_, temporary);
}

Task<absl::StatusOr<std::vector<LiveTable>>> TableFiles::LinkSnapshot(std::string name) {
  return base::RunOn(home_, LinkSnapshotHere(std::move(name)));
}

Task<absl::StatusOr<std::vector<LiveTable>>> TableFiles::LinkSnapshotHere(std::string name) {
  THOLOS_CO_RETURN_IF_ERROR(CheckName(name));
  auto lock = co_await changing_.Acquire(1);
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectory());
  auto manifest = co_await ReadManifest(fs_, SnapshotPath(name));
  if (absl::IsNotFound(manifest.status())) {
    co_return absl::NotFoundError(
        base::StrCat("there is no snapshot ", name, " of ", manifest_.name));
  }
  if (!manifest.ok()) co_return manifest.status();
  if (manifest->table != manifest_.table) {
    co_return absl::DataLossError(
        base::StrCat(SnapshotPath(name), "/manifest: it belongs to another table"));
  }
  std::vector<LiveTable> linked;
  std::vector<uint64_t> generations;
  absl::Status status;
  for (const LiveTable& table : manifest->tables) {
    LiveTable copy = table;
    copy.generation = NextGeneration();
    status = co_await fs_.Link(
        base::StrCat(SnapshotPath(name), "/", sstable::FileName(table.generation)),
        PathOf(copy.generation));
    if (!status.ok()) break;
    generations.push_back(copy.generation);
    linked.push_back(std::move(copy));
  }
  if (status.ok()) status = co_await fs_.SyncDirectory(options_.directory);
  if (status.ok()) co_return linked;
  co_await DiscardHere(std::move(generations));
  co_return status;
}

Task<absl::Status> TableFiles::Backup(uint64_t generation) {
  const std::string directory = base::StrCat(options_.directory, "/backups");
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(fs_, directory));
  absl::Status linked = co_await fs_.Link(
      PathOf(generation), base::StrCat(directory, "/", sstable::FileName(generation)));
  if (!linked.ok() && !absl::IsAlreadyExists(linked)) co_return linked;
  co_return co_await fs_.SyncDirectory(directory);
}

}  // namespace tholos::storage
