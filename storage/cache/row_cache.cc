#include "storage/cache/row_cache.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/strings.h"
#include "data/codec.h"

namespace tholos::storage {
namespace {

// Of a row beside its strings: list node, two slots of hash tables, its part of a partition.
constexpr uint64_t kOverheadBytes = 384;

void NoteDeletion(const data::Deletion& deletion, int64_t* from) {
  if (!deletion.live()) *from = std::min(*from, deletion.local_seconds);
}

void NoteRow(const std::optional<data::Row>& row, int64_t* from) {
  if (!row.has_value()) return;
  NoteDeletion(row->deletion, from);
  *from = std::min(*from, row->liveness.expires_at);
  for (const data::ComplexDeletion& each : row->complex_deletions) {
    NoteDeletion(each.deletion, from);
  }
  for (const data::Cell& cell : row->cells) {
    if (cell.tombstone || cell.expiring()) *from = std::min(*from, cell.local_seconds);
  }
}

int64_t PurgeableFrom(const data::RowState& state) {
  int64_t from = data::kNoExpiry;
  NoteDeletion(state.partition_deletion, &from);
  NoteDeletion(state.range_deletion, &from);
  NoteRow(state.static_row, &from);
  NoteRow(state.row, &from);
  return from;
}

void Decode(std::string_view body, std::optional<data::Row>* row) {
  if (body.empty()) return;
  base::Reader in(body);
  THOLOS_CHECK(data::DecodeRowBody(&in, &row->emplace()).ok() && in.AtEnd());
}

}  // namespace

RowCache::RowCache(uint64_t bytes_max, sstable::FifoBlockCache& blocks, RowCacheMetrics metrics)
    : metrics_(metrics), blocks_(blocks), rows_(bytes_max / kShare) {
  rows_.OnLeave([this](CachedRow& row) { Leave(row); });
}

void RowCache::Leave(CachedRow& row) {
  Partition& partition = *row.partition;
  if (row.epoch == partition.epoch) --partition.rows;
  if (--partition.entries == 0) partitions_.erase(Name{partition.name});
}

void RowCache::NoteBytes() {
  blocks_.Lend(rows_.bytes());
  metrics_.bytes.Set(static_cast<int64_t>(rows_.bytes()));
}

std::unique_ptr<CachedRows> CachedRows::Make(RowCache& cache, const data::TableOptions& options) {
  const auto option = options.caching.find("rows_per_partition");
  if (option == options.caching.end()) return nullptr;
  std::string value = option->second;
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  uint64_t rows = 0;
  if (value == "ALL") {
    rows = std::numeric_limits<uint64_t>::max();
  } else if (!absl::SimpleAtoi(base::ToAbsl(value), &rows)) {
    return nullptr;
  }
  if (rows == 0) return nullptr;
  return std::unique_ptr<CachedRows>(new CachedRows(cache, rows));
}

// table | length of the key | key; a row's name is that of its partition and the clustering key.
void CachedRows::NamePartition(std::string_view key) const {
  cache_.name_.clear();
  base::PutFixed64(&cache_.name_, table_);
  base::PutBytes(&cache_.name_, key);
}

std::optional<data::RowState> CachedRows::Find(const data::DecoratedKey& key,
                                               std::string_view clustering, Moment moment) {
  NamePartition(key.key);
  cache_.name_.append(clustering);
  RowCache::CachedRow* row = cache_.rows_.Find({cache_.name_});
  const bool stale = row != nullptr && (row->epoch != row->partition->epoch ||
                                        row->purgeable_from < moment.gc_before_seconds);
  if (stale) {
    cache_.rows_.Erase({row->name});
    cache_.NoteBytes();
  }
  if (row == nullptr || stale) {
    cache_.metrics_.misses.Add();
    return std::nullopt;
  }
  cache_.metrics_.hits.Add();
  std::optional<data::RowState> state(std::in_place);
  state->sources = row->any ? 1 : 0;
  state->partition_deletion = row->partition_deletion;
  state->range_deletion = row->range_deletion;
  const std::string_view bodies = row->bodies;
  Decode(bodies.substr(0, row->static_bytes), &state->static_row);
  Decode(bodies.substr(row->static_bytes), &state->row);
  if (state->row.has_value()) state->row->clustering = clustering;
  return state;
}

CachedRows::Ticket CachedRows::Begin(const data::DecoratedKey& key) const {
  return {table_, writes_[SlotOf(key.token)]};
}

void CachedRows::Put(const Ticket& ticket, const data::DecoratedKey& key,
                     std::string_view clustering, const data::RowState& state, Moment moment) {
  if (ticket.table != table_ || ticket.writes != writes_[SlotOf(key.token)]) return;
  RowCache::CachedRow row;
  row.purgeable_from = PurgeableFrom(state);
  if (row.purgeable_from < moment.gc_before_seconds) return;
  NamePartition(key.key);
  const size_t partition_bytes = cache_.name_.size();
  const auto found = cache_.partitions_.find(RowCache::Name{cache_.name_});
  if (found != cache_.partitions_.end() && found->second->rows >= rows_max_) return;
  row.name = cache_.name_;
  row.name.append(clustering);
  if (cache_.rows_.contains({row.name})) return;
  row.any = state.sources > 0;
  row.partition_deletion = state.partition_deletion;
  row.range_deletion = state.range_deletion;
  if (state.static_row.has_value()) data::EncodeRowBody(*state.static_row, &row.bodies);
  row.static_bytes = static_cast<uint32_t>(row.bodies.size());
  if (state.row.has_value()) data::EncodeRowBody(*state.row, &row.bodies);

  // The partition must not leave with the rows that make room.
  std::unique_ptr<RowCache::Partition> made;
  RowCache::Partition* partition = nullptr;
  if (found == cache_.partitions_.end()) {
    made = std::make_unique<RowCache::Partition>();
    made->name.assign(row.name, 0, partition_bytes);
    partition = made.get();
    cache_.partitions_.emplace(RowCache::Name{partition->name}, std::move(made));
  } else {
    partition = found->second.get();
  }
  row.partition = partition;
  row.epoch = partition->epoch;
  ++partition->entries;
  ++partition->rows;
  const uint64_t bytes = kOverheadBytes + 2 * row.name.size() + row.bodies.size();
  const RowCache::CachedRow* kept = cache_.rows_.Put(
      std::move(row), bytes, [](const RowCache::CachedRow& of) { return RowCache::Name{of.name}; });
  if (kept == nullptr) {
    --partition->rows;
    if (--partition->entries == 0) cache_.partitions_.erase(RowCache::Name{partition->name});
  }
  cache_.NoteBytes();
}

void CachedRows::Forget(RowCache::Partition& partition) {
  ++partition.epoch;
  partition.rows = 0;
}

void CachedRows::Applied(const data::MutationView& update) {
  ++writes_[SlotOf(update.token())];
  NamePartition(update.key());
  const auto found = cache_.partitions_.find(RowCache::Name{cache_.name_});
  if (found == cache_.partitions_.end()) return;
  const bool beyond_rows =
      !update.deletion().live() || update.static_row().has_value() || update.has_range_tombstones();
  if (beyond_rows) return Forget(*found->second);
  const size_t partition_bytes = cache_.name_.size();
  update.ForEachRow([&](const data::RowView& row) {
    cache_.name_.resize(partition_bytes);
    cache_.name_.append(row.clustering);
    cache_.rows_.Erase({cache_.name_});
  });
  cache_.NoteBytes();
}

void CachedRows::Clear() { table_ = cache_.NextTable(); }

}  // namespace tholos::storage
