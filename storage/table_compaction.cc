// A table's compactions: what is due, and carrying it out. The decisions are
// sstable/compaction/picker.h's.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/table.h"

namespace tholos::storage {

using base::Task;

namespace {

// Outputs that will be larger learn a dictionary: it is 0.05 % of them.
constexpr uint64_t kDictionaryFromBytes = 64 << 20;
constexpr size_t kDictionaryBytes = 32 << 10;
constexpr absl::Duration kRetryDelay = absl::Seconds(30);
// What cannot be read (kDataLoss) most likely cannot the next time, and each attempt reads the
// inputs up to there: it is tried after 30 s, 1 min, 2 min, ..., 4 h 16 min.
constexpr int kRetryDoublingsMax = 9;

bool Contains(const std::vector<uint64_t>& generations, uint64_t generation) {
  return std::find(generations.begin(), generations.end(), generation) != generations.end();
}

}  // namespace

// Deciding ---------------------------------------------------------------------------------------

data::Timestamp Table::MemtableMinTimestamp() const {
  data::Timestamp oldest = active_->min_timestamp();
  for (const Frozen& frozen : frozen_) oldest = std::min(oldest, frozen.memtable->min_timestamp());
  return oldest;
}

int64_t Table::GcBeforeSeconds() const {
  const int64_t graceful = deps_.clock.WallSeconds() - schema_->gc_grace_seconds;
  if (deps_.reconciled == nullptr) return graceful;
  return std::min(graceful,
                  deps_.reconciled->ReconciledUpTo(schema_->id, slice_.first, slice_.last));
}

sstable::CompactionCandidate Table::CandidateOf(const Part& part) const {
  const sstable::TableMetadata& metadata = part.table->metadata();
  const sstable::TableStatistics& statistics = metadata.statistics;
  sstable::CompactionCandidate candidate{
      .generation = part.generation(),
      .bytes = part.bytes,
      .tokens = {statistics.first_key.token, statistics.last_key.token},
      .partitions = statistics.partitions,
      .min_timestamp = statistics.min_timestamp,
      .max_timestamp = statistics.max_timestamp,
      .max_local_deletion_seconds = statistics.max_local_deletion_seconds,
      .spans_shards = !part.whole,
      .busy = compacting_now_.contains(part.generation()) || WaitsForRetry(part.generation())};
  if (!part.whole) {
    const sstable::TokenInterval held{part.live.held.front().first, part.live.held.back().last};
    candidate.tokens = sstable::Intersection(candidate.tokens, held).value_or(held);
    candidate.partitions =
        statistics.partitions * part.bytes / std::max<uint64_t>(1, metadata.file_bytes);
  }
  return candidate;
}

sstable::PickerState Table::PickerStateNow() const {
  sstable::PickerState state{.slice = slice_,
                             .flush_bytes = flush_bytes_average_,
                             .now_micros = deps_.clock.WallMicros(),
                             .gc_before_seconds = GcBeforeSeconds(),
                             .memtable_min_timestamp = MemtableMinTimestamp()};
  for (const Part& part : parts_) state.tables.push_back(CandidateOf(part));
  state.replacing = [this](const auto& newer, const auto& largest) {
    return rows_replaced_ * PartitionsReplaced(newer, largest);
  };
  return state;
}

// The share of partitions of `newer` that filters of `largest` know; all of them, if there are too
// few to ask about.
double Table::PartitionsReplaced(const std::vector<uint64_t>& newer,
                                 const std::vector<uint64_t>& largest) const {
  constexpr size_t kKeysMin = 16;
  constexpr size_t kKeysMax = 256;
  std::vector<const sstable::SSTable*> known;
  std::vector<data::DecoratedKey> keys;
  for (const Part& part : parts_) {
    if (Contains(largest, part.generation())) known.push_back(part.table.get());
    if (!Contains(newer, part.generation())) continue;
    auto some = part.table->SampleKeys(std::max<size_t>(4, kKeysMax / newer.size()));
    std::move(some.begin(), some.end(), std::back_inserter(keys));
  }
  if (keys.size() < kKeysMin) return 1;
  const auto found = std::count_if(keys.begin(), keys.end(), [&known](const auto& key) {
    return std::any_of(known.begin(), known.end(),
                       [&key](const auto* table) { return table->MayContain(key); });
  });
  return static_cast<double>(found) / static_cast<double>(keys.size());
}

// Partitions that are found in both may still have other rows: a compaction for space that found
// less than it was begun for makes the next one wait longer.
void Table::NoteReplaced(const sstable::CompactionPick& pick,
                         const sstable::CompactionResult& result) {
  constexpr double kReplacedMin = 0.05;
  if (result.input_rows == 0) return;
  const double gone =
      1 - static_cast<double>(result.output_rows) / static_cast<double>(result.input_rows);
  if (pick.reason == sstable::CompactionPick::Reason::kSpace && pick.replaced_bytes > 0) {
    const double found =
        gone * static_cast<double>(pick.bytes) / static_cast<double>(pick.replaced_bytes);
    rows_replaced_ = std::clamp(rows_replaced_ * found, kReplacedMin, 1.0);
  } else if (gone > 0.25) {
    rows_replaced_ = 1;
  }
}

std::vector<sstable::CompactionPick> Table::DueCompactions() const {
  if (stopping_ || pause_.has_value() || !damage_.ok()) return {};
  if (compacting_.waiters() > 0) return {};
  return sstable::PickCompactions(PickerStateNow(), strategy_);
}

uint64_t Table::CompactionBacklog() const {
  if (!damage_.ok()) return 0;
  sstable::PickerState state = PickerStateNow();
  std::erase_if(state.tables, [this](const auto& of) { return WaitsForRetry(of.generation); });
  return sstable::CompactionBacklog(state, strategy_);
}

std::optional<base::MonotonicTime> Table::compaction_retry() const {
  if (failed_inputs_.empty() || deps_.clock.Now() >= compaction_retry_) return std::nullopt;
  return compaction_retry_;
}

bool Table::WaitsForRetry(uint64_t generation) const {
  return failed_inputs_.contains(generation) && compaction_retry().has_value();
}

sstable::PurgeableBefore Table::PurgeableBeforeOutside(const std::vector<uint64_t>& inputs) const {
  std::vector<sstable::OverlappingSource> others;
  others.push_back({.min_timestamp = MemtableMinTimestamp()});
  for (const Part& part : parts_) {
    if (Contains(inputs, part.generation())) continue;
    others.push_back(sstable::OverlapOf(part.table->metadata()));
  }
  return sstable::PurgeableBeforeFor(std::move(others));
}

// Doing ------------------------------------------------------------------------------------------

void Table::Claim(const sstable::CompactionPick& pick) {
  compacting_now_.insert(pick.generations.begin(), pick.generations.end());
}

Task<absl::Status> Table::Compact(sstable::CompactionPick pick) {
  absl::Status status = absl::CancelledError("the table is busy");
  auto turn = compacting_.TryAcquire(1);
  if (turn && !stopping_) {
    if (pick.reason == sstable::CompactionPick::Reason::kExpired) {
      status = co_await DropExpired(pick.generations);
    } else {
      status = co_await Merge(pick);
    }
    NoteCompaction(pick.generations, status);
  }
  for (const uint64_t generation : pick.generations) compacting_now_.erase(generation);
  co_return status;
}

Task<absl::Status> Table::CompactAll() {
  auto alone = co_await compacting_.Acquire(kCompactionsMax);
  if (stopping_) co_return absl::OkStatus();
  if (!damage_.ok()) co_return damage_;
  sstable::CompactionPick everything;
  std::vector<sstable::CompactionCandidate> candidates;
  bool worthwhile = parts_.size() > 1;
  for (const Part& part : parts_) {
    everything.generations.push_back(part.generation());
    everything.bytes += part.bytes;
    candidates.push_back(CandidateOf(part));
    worthwhile |= !part.whole ||
                  part.table->metadata().statistics.min_local_deletion_seconds != data::kNoExpiry;
  }
  if (!worthwhile) co_return absl::OkStatus();
  everything.split_points = sstable::SplitPointsFor(candidates, slice_, strategy_);
  absl::Status merged = co_await Merge(everything);
  NoteCompaction(everything.generations, merged);
  co_return merged;
}

// Which of the inputs is bad is not known; all of them wait.
void Table::NoteCompaction(const std::vector<uint64_t>& inputs, const absl::Status& status) {
  if (absl::IsCancelled(status)) return;
  if (status.ok()) {
    for (const uint64_t generation : inputs) failed_inputs_.erase(generation);
    if (failed_inputs_.empty()) compaction_failures_ = 0;
    return;
  }
  const int doublings =
      absl::IsDataLoss(status) ? std::min(compaction_failures_, kRetryDoublingsMax) : 0;
  const absl::Duration delay = kRetryDelay * (1 << doublings);
  ++compaction_failures_;
  failed_inputs_.insert(inputs.begin(), inputs.end());
  compaction_retry_ = deps_.clock.Now() + delay;
  deps_.metrics.failed_compactions.Add();
  deps_.log.Error("storage",
                  base::StrCat("compaction of ", schema_->QualifiedName(), ", tried again in ",
                               absl::FormatDuration(delay), ": ", base::ToStd(status.message())));
}

data::Timestamp Table::NewestOf(const std::vector<uint64_t>& generations) const {
  data::Timestamp newest = data::kNoTimestamp;
  for (const Part& part : parts_) {
    if (!Contains(generations, part.generation())) continue;
    newest = std::max(newest, part.table->metadata().statistics.max_timestamp);
  }
  return newest;
}

// Nothing else is as old: not what was there when they were picked, nor what came since.
bool Table::MayDrop(const std::vector<uint64_t>& generations) const {
  const data::Timestamp written =
      std::min(MemtableMinTimestamp(), purge_guard_.min_timestamp_under_way());
  for (const Part& part : parts_) {
    if (!Contains(generations, part.generation())) continue;
    const data::Timestamp newest = part.table->metadata().statistics.max_timestamp;
    const sstable::TokenInterval tokens = CandidateOf(part).tokens;
    if (written <= newest) return false;
    for (const Part& other : parts_) {
      if (Contains(generations, other.generation())) continue;
      const data::Timestamp oldest = other.table->metadata().statistics.min_timestamp;
      if (oldest <= newest && CandidateOf(other).tokens.Overlaps(tokens)) return false;
    }
  }
  return true;
}

Task<absl::Status> Table::DropExpired(std::vector<uint64_t> generations) {
  const PurgeGuard::Installing installing(purge_guard_, NewestOf(generations));
  if (!MayDrop(generations)) co_return absl::CancelledError("something as old was written");
  THOLOS_CO_RETURN_IF_ERROR(
      co_await files_->Install({.shard = options_.shard, .removed = generations}));
  Remove(generations);
  deps_.metrics.expired_sstables.Add(generations.size());
  co_return absl::OkStatus();
}

sstable::CompactionOptions Table::CompactionOptionsFor(const std::vector<uint64_t>& inputs) {
  sstable::CompactionOptions options;
  options.directory = files_->directory();
  options.table = schema_->id;
  options.purgeable_before = PurgeableBeforeOutside(inputs);
  for (const Part& part : parts_) {
    if (!Contains(inputs, part.generation())) continue;
    options.inputs.push_back({.generation = part.generation(),
                              .written_as = part.live.written_as,
                              .held = part.whole ? sstable::TokenIntervals() : part.live.held});
  }
  // File ids are drawn here: the random stream belongs to the shard.
  options.next_output = [files = files_, file_id = deps_.random.Next()]() mutable {
    return sstable::OutputId{files->NextGeneration(), file_id++};
  };
  options.now_seconds = deps_.clock.WallSeconds();
  options.gc_before_seconds = GcBeforeSeconds();
  options.mutant_purge_expired = options_.mutant_purge_expired;
  options.stop = &cancel_compactions_;
  options.block_bytes = compression_.block_bytes;
  options.compression = compression_.algorithm;
  options.compression_level = compression_.level;
  return options;
}

Task<absl::Status> Table::Merge(sstable::CompactionPick pick) {
  absl::StatusOr<bool> installed = co_await MergeOnce(pick, /*purge=*/true);
  // Something old was written meanwhile. What purges nothing can always be installed.
  if (installed.ok() && !*installed) installed = co_await MergeOnce(pick, /*purge=*/false);
  co_return installed.status();
}

// False: what was purged could by now shadow something, and all is as before.
Task<absl::StatusOr<bool>> Table::MergeOnce(const sstable::CompactionPick& pick, bool purge) {
  const std::vector<uint64_t> inputs = pick.generations;
  const auto throttled = ThrottledFileSystem(deps_.fs, deps_.throttle, deps_.clock);
  sstable::CompactionOptions options = CompactionOptionsFor(inputs);
  if (!purge) options.purgeable_before = nullptr;
  if (pick.bytes / (pick.split_points.size() + 1) >= kDictionaryFromBytes) {
    options.dictionary_bytes = kDictionaryBytes;
  }
  options.split_points = pick.split_points;
  const auto meanwhile = flushed_meanwhile_.insert(flushed_meanwhile_.end(),
                                                   std::numeric_limits<data::Timestamp>::max());
  auto result = co_await base::RunOn(deps_.executor.background(),
                                     sstable::Compact(*throttled, std::move(options)));
  const data::Timestamp flushed = *meanwhile;
  flushed_meanwhile_.erase(meanwhile);
  THOLOS_CO_RETURN_IF_ERROR(result.status());

  const PurgeGuard::Installing installing(purge_guard_, result->newest_purged);
  const data::Timestamp oldest =
      std::min({MemtableMinTimestamp(), purge_guard_.min_timestamp_under_way(), flushed});
  if (result->newest_purged != data::kNoTimestamp && oldest <= result->newest_purged) {
    std::vector<uint64_t> outputs;
    for (const auto& output : result->outputs) outputs.push_back(output.generation);
    co_await files_->Discard(std::move(outputs));
    deps_.metrics.unsafe_purges.Add();
    co_return false;
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await InstallOutputs(inputs, result->outputs));
  NoteReplaced(pick, *result);
  deps_.metrics.compactions.Add();
  deps_.metrics.compaction_read_bytes.Add(result->input_bytes);
  deps_.metrics.compaction_written_bytes.Add(result->output_bytes);
  co_return true;
}

Task<absl::Status> Table::InstallOutputs(std::vector<uint64_t> inputs,
                                         std::vector<sstable::TableMetadata> outputs) {
  TableFiles::Change change{.shard = options_.shard, .removed = inputs};
  for (const sstable::TableMetadata& output : outputs) change.added.push_back(output.generation);
  std::vector<Part> parts;
  for (const uint64_t added : change.added) {
    auto opened = co_await OpenPart({added, added, {slice_}});
    if (!opened.ok()) {
      parts.clear();
      co_await files_->Discard(change.added);
      co_return opened.status();
    }
    parts.push_back(*std::move(opened));
  }
  THOLOS_CO_RETURN_IF_ERROR(co_await files_->Install(std::move(change)));
  Remove(inputs);
  for (Part& part : parts) Adopt(std::move(part));
  co_return absl::OkStatus();
}

}  // namespace tholos::storage
