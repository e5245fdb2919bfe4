#include "storage/table.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {

using base::Task;

Table::Table(TableOptions options, TableDeps deps, std::shared_ptr<TableFiles> files,
             std::shared_ptr<const data::TableSchema> schema)
    : options_(std::move(options)),
      deps_(deps),
      files_(std::move(files)),
      slice_(sstable::PartOfTokens(options_.shard, files_->layout().shards)),
      active_(std::make_shared<Memtable>()) {
  SetSchema(std::move(schema));
}

Table::~Table() = default;

// What a table option says; its default, and a line in the log, if that makes no sense here.
template <typename Options>
Options Table::Understood(std::string_view name, absl::StatusOr<Options> parsed) {
  if (parsed.ok()) return *std::move(parsed);
  deps_.log.Warning("storage", base::StrCat("table ", schema_->QualifiedName(), " has the default ",
                                            name, ": ", base::ToStd(parsed.status().message())));
  return Options();
}

void Table::SetSchema(std::shared_ptr<const data::TableSchema> schema) {
  schema_ = std::move(schema);
  const data::TableOptions& options = schema_->options;
  strategy_ = Understood("compaction", sstable::ParseCompactionStrategy(options.compaction));
  compression_ = Understood("compression", sstable::ParseCompression(options.compression));
  cached_rows_ = CachedRows::Make(deps_.row_cache, options);
}

void Table::BeginStop() {
  stopping_ = true;
  cancel_compactions_ = true;
}

Task<void> Table::Stop() {
  BeginStop();
  auto no_flush = co_await flushing_.Acquire(1);
  auto no_compaction = co_await compacting_.Acquire(kCompactionsMax);
  active_ = std::make_shared<Memtable>();
  frozen_.clear();
  deps_.metrics.sstables.Add(-static_cast<int64_t>(parts_.size()));
  deps_.metrics.sstable_bytes.Add(-static_cast<int64_t>(sstable_bytes()));
  parts_.clear();
}

int64_t Table::Apply(const data::MutationView& update, LogPosition position,
                     const Lookahead* ahead) {
  const uint64_t before = active_->bytes();
  active_->Apply(update, position, ahead == nullptr ? nullptr : &ahead->hint());
  if (cached_rows_ != nullptr) cached_rows_->Applied(update);
  return static_cast<int64_t>(active_->bytes()) - static_cast<int64_t>(before);
}

absl::StatusOr<std::unique_ptr<data::PartitionSource>> Table::NewSource(
    data::Selection selection) const {
  if (!damage_.ok()) return damage_;
  std::vector<std::unique_ptr<data::PartitionSource>> sources;
  const auto add = [&](std::unique_ptr<data::PartitionSource> source) {
    if (source != nullptr) sources.push_back(std::move(source));
  };
  if (!active_->empty()) add(MemtableSource(active_, selection));
  for (const Frozen& frozen : frozen_) add(MemtableSource(frozen.memtable, selection));
  const auto pattern =
      selection.key.has_value() ? sstable::ReadPattern::kRandom : sstable::ReadPattern::kSequential;
  for (const Part& part : parts_) {
    if (!part.table->MayContain(selection)) continue;
    if (part.whole) {
      sources.push_back(part.table->NewSource(selection, pattern));
      continue;
    }
    const sstable::TokenInterval wanted =
        selection.key.has_value()
            ? sstable::TokenInterval{selection.key->token, selection.key->token}
            : sstable::IntervalOf(selection.range);
    for (const auto& interval : sstable::Intersection(part.live.held, wanted)) {
      data::Selection held = selection;
      held.range = sstable::RangeOf(interval);
      sources.push_back(part.table->NewSource(std::move(held), pattern));
    }
  }
  // Memtables and SSTables are canonical: what one alone has is as a merge would give it.
  if (sources.size() == 1) return std::move(sources.front());
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
  for (const Part& part : parts_) bytes += part.bytes;
  return bytes;
}

}  // namespace tholos::storage
