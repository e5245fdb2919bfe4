#include "storage/table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/directory.h"
#include "sstable/format.h"
#include "storage/directories.h"
#include "storage/flush.h"

namespace tholos::storage {

Table::Table(TableOptions options, TableDeps deps, std::shared_ptr<const data::TableSchema> schema)
    : options_(std::move(options)),
      deps_(deps),
      schema_(std::move(schema)),
      active_(std::make_shared<Memtable>()) {
  manifest_.shard = options_.shard;
  manifest_.table = schema_->id;
}

Table::~Table() = default;

// Opening ----------------------------------------------------------------------------------------

base::Task<absl::StatusOr<std::shared_ptr<Table>>> Table::Open(
    TableOptions options, TableDeps deps, std::shared_ptr<const data::TableSchema> schema) {
  std::shared_ptr<Table> table(new Table(std::move(options), deps, std::move(schema)));
  THOLOS_CO_RETURN_IF_ERROR(co_await table->Recover());
  co_return table;
}

base::Task<absl::Status> Table::Recover() {
  auto entries = co_await deps_.fs.List(options_.directory);
  if (absl::IsNotFound(entries.status())) co_return absl::OkStatus();
  if (!entries.ok()) co_return entries.status();
  auto manifest = co_await ReadManifest(deps_.fs, options_.directory, schema_->id, options_.shard);
  if (absl::IsNotFound(manifest.status())) {
    // The directory was made and its first manifest not yet written, so there can be no SSTable.
    for (const base::DirectoryEntry& entry : *entries) {
      if (!sstable::ParseFileName(entry.name).has_value()) continue;
      co_return absl::DataLossError(base::StrCat(options_.directory, "/manifest is missing"));
    }
    co_await RemoveLeftovers(*std::move(entries));
    co_return absl::OkStatus();
  }
  if (!manifest.ok()) co_return manifest.status();
  manifest_ = *std::move(manifest);
  directory_made_ = true;
  next_generation_ = manifest_.next_generation;
  co_await RemoveLeftovers(*std::move(entries));
  for (uint64_t generation : manifest_.generations) {
    auto table = co_await OpenSSTable(generation);
    if (table.ok()) {
      Adopt(*std::move(table));
    } else if (absl::IsNotFound(table.status()) || absl::IsDataLoss(table.status())) {
      NoteDamage(table.status());
    } else {
      co_return table.status();
    }
  }
  co_return absl::OkStatus();
}

void Table::NoteDamage(const absl::Status& status) {
  const std::string line =
      base::StrCat("table ", schema_->QualifiedName(), ", shard ", options_.shard,
                   " is damaged: ", base::ToStd(status.message()));
  deps_.log.Error("storage", line);
  if (damage_.ok()) damage_ = absl::DataLossError(line);
}

// Their generations are never given again, so what cannot be removed does no harm.
base::Task<void> Table::RemoveLeftovers(std::vector<base::DirectoryEntry> entries) {
  for (const base::DirectoryEntry& entry : entries) {
    const auto generation = sstable::ParseFileName(entry.name);
    if (generation.has_value()) {
      next_generation_ = std::max(next_generation_.load(), *generation + 1);
      const auto& live = manifest_.generations;
      if (std::binary_search(live.begin(), live.end(), *generation)) continue;
    } else if (!entry.name.ends_with(".tmp")) {
      continue;
    }
    const std::string path = base::StrCat(options_.directory, "/", entry.name);
    NoteLeft(co_await deps_.fs.Remove(path));
  }
}

void Table::NoteLeft(const absl::Status& removed) {
  if (removed.ok()) return;
  deps_.log.Warning("storage",
                    base::StrCat("left for the next start: ", base::ToStd(removed.message())));
}

base::Task<absl::StatusOr<Table::SSTablePtr>> Table::OpenSSTable(uint64_t generation) {
  return sstable::SSTable::Open(deps_.fs, {.directory = options_.directory,
                                           .generation = generation,
                                           .table = schema_->id,
                                           .cache = &deps_.cache});
}

base::Task<absl::Status> Table::EnsureDirectory() {
  if (directory_made_) co_return absl::OkStatus();
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(deps_.fs, options_.directory));
  THOLOS_CO_RETURN_IF_ERROR(co_await WriteManifest(deps_.fs, options_.directory, manifest_));
  directory_made_ = true;
  co_return absl::OkStatus();
}

base::Task<void> Table::Stop() {
  BeginStop();
  auto no_flush = co_await flushing_.Acquire(1);
  auto no_compaction = co_await compacting_.Acquire(1);
  co_await scope_.Stop();
  active_ = std::make_shared<Memtable>();
  frozen_.clear();
  deps_.metrics.sstables.Add(-static_cast<int64_t>(sstables_.size()));
  deps_.metrics.sstable_bytes.Add(-static_cast<int64_t>(sstable_bytes()));
  sstables_.clear();
}

// Reading and writing ----------------------------------------------------------------------------

int64_t Table::Apply(data::Partition update, LogPosition position) {
  const uint64_t before = active_->bytes();
  active_->Apply(std::move(update), position);
  return static_cast<int64_t>(active_->bytes()) - static_cast<int64_t>(before);
}

absl::StatusOr<std::unique_ptr<data::PartitionSource>> Table::NewSource(
    const data::Selection& selection) const {
  if (!damage_.ok()) return damage_;
  std::vector<std::unique_ptr<data::PartitionSource>> sources;
  if (!active_->empty()) sources.push_back(MemtableSource(active_, selection));
  for (const Frozen& frozen : frozen_) {
    sources.push_back(MemtableSource(frozen.memtable, selection));
  }
  const auto pattern =
      selection.key.has_value() ? sstable::ReadPattern::kRandom : sstable::ReadPattern::kSequential;
  for (const SSTablePtr& table : sstables_) {
    if (table->MayContain(selection)) sources.push_back(table->NewSource(selection, pattern));
  }
  return data::MergeSources(std::move(sources), selection.reversed);
}

std::optional<LogPosition> Table::first_unflushed() const {
  if (!frozen_.empty()) return frozen_.front().memtable->first_position();
  return active_->first_position();
}

uint64_t Table::memtable_bytes() const {
  uint64_t bytes = active_->bytes();
  for (const Frozen& frozen : frozen_) bytes += frozen.memtable->bytes();
  return bytes;
}

uint64_t Table::sstable_bytes() const {
  uint64_t bytes = 0;
  for (const SSTablePtr& table : sstables_) bytes += table->metadata().file_bytes;
  return bytes;
}

// Flush ------------------------------------------------------------------------------------------

void Table::Freeze(LogPosition end) {
  if (active_->empty()) return;
  frozen_.push_back({std::exchange(active_, std::make_shared<Memtable>()), end});
}

base::Task<absl::Status> Table::Flush(std::function<LogPosition()> log_end) {
  auto lock = co_await flushing_.Acquire(1);
  if (stopping_) co_return absl::OkStatus();
  // What an earlier attempt left goes first: at most one more memtable is frozen at a time.
  while (!frozen_.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await FlushOldest());
  Freeze(log_end());
  while (!frozen_.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await FlushOldest());
  co_return absl::OkStatus();
}

base::Task<absl::Status> Table::FlushOldest() {
  THOLOS_CO_RETURN_IF_ERROR(co_await EnsureDirectory());
  const Frozen frozen = frozen_.front();
  sstable::WriterOptions options;
  options.directory = options_.directory;
  options.generation = next_generation_++;
  options.file_id = deps_.random.Next();
  options.table = schema_->id;
  base::Task<absl::StatusOr<sstable::TableMetadata>> write =
      WriteMemtable(deps_.fs, options, frozen.memtable);
  THOLOS_CO_ASSIGN_OR_RETURN(const sstable::TableMetadata written,
                             co_await base::RunOn(deps_.executor.background(), std::move(write)));
  Change change{.flushed_before = frozen.end};
  const bool has_contents = written.statistics.partitions > 0;
  if (has_contents) {
    THOLOS_CO_ASSIGN_OR_RETURN(SSTablePtr table, co_await OpenSSTable(written.generation));
    change.added.push_back(std::move(table));
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await Install(std::move(change)));
  frozen_.pop_front();
  if (!has_contents) co_await RemoveFile(written.generation);
  deps_.metrics.flushes.Add();
  deps_.metrics.flushed_bytes.Add(written.file_bytes);
  co_return absl::OkStatus();
}

base::Task<absl::Status> Table::Install(Change change) {
  auto lock = co_await installing_.Acquire(1);
  Manifest next = manifest_;
  auto& generations = next.generations;
  for (uint64_t removed : change.removed) std::erase(generations, removed);
  for (const SSTablePtr& added : change.added) generations.push_back(added->generation());
  std::sort(generations.begin(), generations.end());
  if (change.flushed_before.has_value()) next.flushed_before = *change.flushed_before;
  next.next_generation = next_generation_;
  THOLOS_CO_RETURN_IF_ERROR(co_await WriteManifest(deps_.fs, options_.directory, next));
  manifest_ = std::move(next);
  for (uint64_t removed : change.removed) {
    auto it = std::find_if(sstables_.begin(), sstables_.end(),
                           [&](const SSTablePtr& t) { return t->generation() == removed; });
    THOLOS_CHECK(it != sstables_.end());
    Retire(*it);
    sstables_.erase(it);
  }
  for (SSTablePtr& added : change.added) Adopt(std::move(added));
  co_return absl::OkStatus();
}

void Table::Adopt(SSTablePtr table) {
  deps_.metrics.sstables.Add(1);
  deps_.metrics.sstable_bytes.Add(static_cast<int64_t>(table->metadata().file_bytes));
  sstables_.push_back(std::move(table));
}

// Its file goes when the last reader lets go; or, if that is after Stop(), at the next open.
void Table::Retire(const SSTablePtr& table) {
  deps_.metrics.sstables.Add(-1);
  deps_.metrics.sstable_bytes.Add(-static_cast<int64_t>(table->metadata().file_bytes));
  table->OnLastRelease([this](uint64_t generation) { scope_.Spawn(RemoveFile(generation)); });
}

base::Task<void> Table::RemoveFile(uint64_t generation) {
  NoteLeft(co_await sstable::RemoveTable(deps_.fs, options_.directory, generation));
}

// Compaction -------------------------------------------------------------------------------------

base::Task<absl::StatusOr<bool>> Table::CompactOnce() {
  auto lock = co_await compacting_.Acquire(1);
  if (stopping_ || compaction_failed_ || !damage_.ok()) co_return false;
  std::vector<sstable::CompactionCandidate> candidates;
  for (const SSTablePtr& table : sstables_) {
    candidates.push_back({table->generation(), table->metadata().file_bytes});
  }
  sstable::CompactionPick pick = sstable::PickSizeTiered(std::move(candidates));
  if (pick.generations.empty()) co_return false;
  THOLOS_CO_RETURN_IF_ERROR(co_await Compact(std::move(pick.generations)));
  co_return true;
}

base::Task<absl::Status> Table::CompactAll() {
  auto lock = co_await compacting_.Acquire(1);
  if (stopping_) co_return absl::OkStatus();
  if (!damage_.ok()) co_return damage_;
  std::vector<uint64_t> inputs;
  bool purgeable = false;
  for (const SSTablePtr& table : sstables_) {
    inputs.push_back(table->generation());
    purgeable |= table->metadata().statistics.min_local_deletion_seconds != data::kNoExpiry;
  }
  if (inputs.empty() || (inputs.size() == 1 && !purgeable)) co_return absl::OkStatus();
  co_return co_await Compact(std::move(inputs));
}

sstable::PurgeableBefore Table::PurgeableBeforeOutside(const std::vector<uint64_t>& inputs) const {
  std::vector<sstable::OverlappingSource> others;
  others.push_back({.min_timestamp = active_->min_timestamp()});
  for (const Frozen& frozen : frozen_) {
    others.push_back({.min_timestamp = frozen.memtable->min_timestamp()});
  }
  for (const SSTablePtr& table : sstables_) {
    if (std::find(inputs.begin(), inputs.end(), table->generation()) != inputs.end()) continue;
    others.push_back(sstable::OverlapOf(table->metadata()));
  }
  return sstable::PurgeableBeforeFor(std::move(others));
}

sstable::CompactionOptions Table::CompactionOptionsFor(std::vector<uint64_t> inputs) {
  sstable::CompactionOptions options;
  options.directory = options_.directory;
  options.table = schema_->id;
  options.purgeable_before = PurgeableBeforeOutside(inputs);
  options.inputs = std::move(inputs);
  // File ids are drawn here: the random stream belongs to the shard.
  options.next_output = [this, file_id = deps_.random.Next()]() mutable {
    return sstable::OutputId{next_generation_++, file_id++};
  };
  options.now_seconds = deps_.clock.WallSeconds();
  options.gc_before_seconds = options.now_seconds - schema_->gc_grace_seconds;
  options.stop = &stopping_;
  return options;
}

base::Task<absl::Status> Table::Compact(std::vector<uint64_t> inputs) {
  base::Task<absl::StatusOr<sstable::CompactionResult>> compaction =
      sstable::Compact(deps_.fs, CompactionOptionsFor(inputs));
  auto result = co_await base::RunOn(deps_.executor.background(), std::move(compaction));
  if (!result.ok()) {
    if (absl::IsCancelled(result.status())) co_return result.status();
    deps_.metrics.failed_compactions.Add();
    deps_.log.Error("storage", base::StrCat("compaction of ", schema_->QualifiedName(), ": ",
                                            base::ToStd(result.status().message())));
    // A damaged input fails every time; until a restart only CompactAll tries again.
    if (absl::IsDataLoss(result.status())) compaction_failed_ = true;
    co_return result.status();
  }
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<SSTablePtr> outputs,
                             co_await OpenOutputs(result->outputs));
  THOLOS_CO_RETURN_IF_ERROR(
      co_await Install({.removed = std::move(inputs), .added = std::move(outputs)}));
  for (const sstable::TableMetadata& output : result->outputs) {
    if (output.statistics.partitions == 0) co_await RemoveFile(output.generation);
  }
  deps_.metrics.compactions.Add();
  deps_.metrics.compaction_read_bytes.Add(result->input_bytes);
  deps_.metrics.compaction_written_bytes.Add(result->output_bytes);
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<std::vector<Table::SSTablePtr>>> Table::OpenOutputs(
    std::vector<sstable::TableMetadata> outputs) {
  std::vector<SSTablePtr> tables;
  for (const sstable::TableMetadata& output : outputs) {
    if (output.statistics.partitions == 0) continue;
    auto table = co_await OpenSSTable(output.generation);
    if (!table.ok()) {
      tables.clear();
      for (const sstable::TableMetadata& each : outputs) co_await RemoveFile(each.generation);
      co_return table.status();
    }
    tables.push_back(*std::move(table));
  }
  co_return tables;
}

}  // namespace tholos::storage
