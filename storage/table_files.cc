#include "storage/table_files.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/directory.h"
#include "sstable/format.h"

namespace tholos::storage {

using base::Task;

TableFiles::TableFiles(TableFilesOptions options, base::FileSystem& fs, base::Log& log,
                       Manifest manifest)
    : options_(std::move(options)),
      fs_(fs),
      log_(log),
      home_(base::Loop::Current()),
      manifest_(std::move(manifest)) {}

TableFiles::~TableFiles() = default;

std::string TableFiles::PathOf(uint64_t generation) const {
  return base::StrCat(options_.directory, "/", sstable::FileName(generation));
}

// Opening ----------------------------------------------------------------------------------------

Task<absl::StatusOr<std::shared_ptr<TableFiles>>> TableFiles::Open(
    TableFilesOptions options, base::FileSystem& fs, base::Log& log,
    std::shared_ptr<const data::TableSchema> schema) {
  Manifest manifest{.table = schema->id,
                    .name = schema->QualifiedName(),
                    .layout = options.layout.number,
                    .flushed_before = std::vector<LogPosition>(options.layout.shards)};
  std::shared_ptr<TableFiles> files(
      new TableFiles(std::move(options), fs, log, std::move(manifest)));
  THOLOS_CO_RETURN_IF_ERROR(co_await files->Recover());
  co_return files;
}

Task<absl::Status> TableFiles::Recover() {
  auto entries = co_await fs_.List(options_.directory);
  if (absl::IsNotFound(entries.status())) co_return absl::OkStatus();
  if (!entries.ok()) co_return entries.status();
  auto manifest = co_await ReadManifest(fs_, options_.directory);
  if (absl::IsNotFound(manifest.status())) {
    // The directory was made and its first manifest not yet written, so there can be no SSTable.
    for (const base::DirectoryEntry& entry : *entries) {
      if (!sstable::ParseFileName(entry.name).has_value()) continue;
      co_return absl::DataLossError(base::StrCat(options_.directory, "/manifest is missing"));
    }
  } else {
    if (!manifest.ok()) co_return manifest.status();
    THOLOS_CO_RETURN_IF_ERROR(co_await AdoptManifest(*std::move(manifest)));
  }
  co_await RemoveLeftovers(*std::move(entries));
  co_await RemoveTornSnapshots();
  co_return absl::OkStatus();
}

Task<absl::Status> TableFiles::AdoptManifest(Manifest manifest) {
  const auto wrong = [this](std::string_view what) {
    return absl::DataLossError(base::StrCat(options_.directory, "/manifest: ", what));
  };
  if (manifest.table != manifest_.table) co_return wrong("it belongs to another table");
  const Layout& layout = options_.layout;
  if (manifest.layout > layout.number) co_return wrong("it belongs to a later layout");
  if (manifest.layout < layout.number) {
    // All logs of the old layout were flushed before the new one was made.
    manifest.layout = layout.number;
    manifest.flushed_before.assign(layout.shards, {});
  }
  if (manifest.flushed_before.size() != layout.shards) {
    co_return wrong("it belongs to another number of shards");
  }
  manifest.name = manifest_.name;
  manifest_ = std::move(manifest);
  made_ = true;
  next_generation_ = manifest_.next_generation;
  base::MutexLock lock(&mutex_);
  for (const LiveTable& table : manifest_.tables) uses_[table.generation].state = State::kListed;
  co_return absl::OkStatus();
}

// Their generations are never given again, so what cannot be removed does no harm.
Task<void> TableFiles::RemoveLeftovers(std::vector<base::DirectoryEntry> entries) {
  for (const base::DirectoryEntry& entry : entries) {
    if (entry.is_directory) continue;
    const auto generation = sstable::ParseFileName(entry.name);
    if (generation.has_value()) {
      next_generation_ = std::max(next_generation_.load(), *generation + 1);
      if (manifest_.Find(*generation) != nullptr) continue;
    } else if (!entry.name.ends_with(".tmp")) {
      continue;
    }
    const std::string path = base::StrCat(options_.directory, "/", entry.name);
    log_.Info("storage", base::StrCat("removing ", path, ", which no manifest lists"));
    NoteLeft(co_await fs_.Remove(path));
  }
}

void TableFiles::NoteLeft(const absl::Status& removed) {
  if (removed.ok()) return;
  log_.Warning("storage",
               base::StrCat("left for the next start: ", base::ToStd(removed.message())));
}

Task<TableFiles::Part> TableFiles::PartOf(uint32_t shard) {
  return base::RunOn(home_, PartOfHere(shard));
}

Task<TableFiles::Part> TableFiles::PartOfHere(uint32_t shard) {
  auto lock = co_await changing_.Acquire(1);
  Part part{.flushed_before = manifest_.flushed_before[shard]};
  const sstable::TokenInterval slice = sstable::PartOfTokens(shard, options_.layout.shards);
  for (const LiveTable& table : manifest_.tables) {
    LiveTable held = table;
    held.held = sstable::Intersection(table.held, slice);
    if (!held.held.empty()) part.tables.push_back(std::move(held));
  }
  co_return part;
}

// What was let go of on other shards a moment ago may not have been heard of here.
Task<void> TableFiles::Stop() {
  co_await base::RunOn(home_, scope_.Stop());
  std::vector<uint64_t> gone;
  {
    base::MutexLock lock(&mutex_);
    for (const auto& [generation, use] : uses_) {
      if (use.state == State::kGone && use.pins == 0) gone.push_back(generation);
    }
  }
  co_await Discard(std::move(gone));
}

// Changes ----------------------------------------------------------------------------------------

Task<absl::Status> TableFiles::EnsureDirectory() {
  return base::RunOn(home_, EnsureDirectoryHere());
}

Task<absl::Status> TableFiles::EnsureDirectoryHere() {
  if (made_) co_return absl::OkStatus();
  auto lock = co_await changing_.Acquire(1);
  co_return co_await MakeDirectory();
}

Task<absl::Status> TableFiles::MakeDirectory() {
  if (made_) co_return absl::OkStatus();
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(fs_, options_.directory));
  THOLOS_CO_RETURN_IF_ERROR(co_await WriteManifest(fs_, options_.directory, manifest_));
  made_ = true;
  co_return absl::OkStatus();
}

Task<absl::Status> TableFiles::Install(Change change) {
  std::vector<Change> changes;
  changes.push_back(std::move(change));
  return Install(std::move(changes));
}

Task<absl::Status> TableFiles::Install(std::vector<Change> changes) {
  return base::RunOn(home_, InstallHere(std::move(changes)));
}

Task<absl::Status> TableFiles::InstallHere(std::vector<Change> changes) {
  auto lock = co_await changing_.Acquire(1);
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectory());
  Manifest next = manifest_;
  for (const Change& change : changes) {
    const sstable::TokenInterval slice =
        sstable::PartOfTokens(change.shard, options_.layout.shards);
    for (LiveTable& table : next.tables) {
      if (std::find(change.removed.begin(), change.removed.end(), table.generation) !=
          change.removed.end()) {
        table.held = sstable::Without(table.held, slice);
      }
    }
    for (const uint64_t added : change.added) next.tables.push_back({added, added, {slice}});
    if (change.flushed_before.has_value()) {
      THOLOS_CHECK(*change.flushed_before >= next.flushed_before[change.shard]);
      next.flushed_before[change.shard] = *change.flushed_before;
    }
  }
  std::erase_if(next.tables, [](const LiveTable& table) { return table.held.empty(); });
  co_return co_await Commit(std::move(next));
}

Task<absl::Status> TableFiles::InstallLinked(std::vector<LiveTable> tables) {
  return base::RunOn(home_, InstallLinkedHere(std::move(tables)));
}

Task<absl::Status> TableFiles::InstallLinkedHere(std::vector<LiveTable> tables) {
  auto lock = co_await changing_.Acquire(1);
  Manifest next = manifest_;
  next.tables.insert(next.tables.end(), tables.begin(), tables.end());
  co_return co_await Commit(std::move(next));
}

// With changing_ held.
Task<absl::Status> TableFiles::Commit(Manifest next) {
  std::sort(next.tables.begin(), next.tables.end(),
            [](const LiveTable& a, const LiveTable& b) { return a.generation < b.generation; });
  next.next_generation = next_generation_;
  MarkUncertain(next);
  THOLOS_CO_RETURN_IF_ERROR(co_await WriteManifest(fs_, options_.directory, next));
  manifest_ = std::move(next);
  Resolve();
  co_return absl::OkStatus();
}

void TableFiles::MarkUncertain(const Manifest& next) {
  base::MutexLock lock(&mutex_);
  for (const LiveTable& table : next.tables) {
    if (manifest_.Find(table.generation) == nullptr) {
      uses_[table.generation].state = State::kUncertain;
    }
  }
  for (const LiveTable& table : manifest_.tables) {
    if (next.Find(table.generation) == nullptr) {
      uses_[table.generation].state = State::kUncertain;
    }
  }
}

// The manifest on disk is known: so is what was uncertain.
void TableFiles::Resolve() {
  std::vector<uint64_t> gone;
  {
    base::MutexLock lock(&mutex_);
    for (auto& [generation, use] : uses_) {
      if (use.state != State::kUncertain) continue;
      const bool listed = manifest_.Find(generation) != nullptr;
      use.state = listed ? State::kListed : State::kGone;
      if (!listed && use.pins == 0) gone.push_back(generation);
    }
  }
  for (const uint64_t generation : gone) scope_.Spawn(RemoveFile(generation));
}

// Uses -------------------------------------------------------------------------------------------

void TableFiles::Pin(uint64_t generation) {
  base::MutexLock lock(&mutex_);
  ++uses_[generation].pins;
}

void TableFiles::Unpin(uint64_t generation) {
  {
    base::MutexLock lock(&mutex_);
    Use& use = uses_[generation];
    THOLOS_CHECK(use.pins > 0);
    if (--use.pins > 0 || use.state != State::kGone) return;
  }
  home_.Post([files = shared_from_this(), generation] {
    files->scope_.Spawn(files->RemoveFile(generation));
  });
}

Task<void> TableFiles::Discard(std::vector<uint64_t> generations) {
  return base::RunOn(home_, DiscardHere(std::move(generations)));
}

Task<void> TableFiles::DiscardHere(std::vector<uint64_t> generations) {
  for (const uint64_t generation : generations) {
    bool unused = false;
    {
      base::MutexLock lock(&mutex_);
      Use& use = uses_[generation];
      if (use.state == State::kNew) use.state = State::kGone;
      unused = use.state == State::kGone && use.pins == 0;
    }
    if (unused) co_await RemoveFile(generation);
  }
}

Task<void> TableFiles::RemoveFile(uint64_t generation) {
  {
    base::MutexLock lock(&mutex_);
    uses_.erase(generation);
  }
  NoteLeft(co_await sstable::RemoveTable(fs_, options_.directory, generation));
}

}  // namespace tholos::storage
