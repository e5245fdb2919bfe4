// One row by its full primary key: the memtables and then, in any order, the SSTables that may have
// it. What is looked at is settled when the lookup begins, so a flush or compaction beside it
// neither hides a row nor shows it twice.
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "sstable/row_lookup.h"
#include "storage/table.h"

namespace tholos::storage {
namespace {

using base::Task;
using sstable::LookupKey;
using sstable::RowLookup;
using sstable::SSTable;
using Answer = absl::StatusOr<data::RowState>;

// Where a lookup waits for the disk: the first of `tables` misses a block, which `read` brings; the
// others were not asked.
struct Waiting {
  std::vector<std::shared_ptr<const SSTable>> tables;
  LookupKey key;
  data::RowState state;
  RowLookup lookup;
  Task<absl::StatusOr<std::string>> read;
};

Task<Answer> FindInRest(Waiting rest) {
  THOLOS_CO_RETURN_IF_ERROR(rest.lookup.Take(co_await std::move(rest.read)));
  for (size_t i = 0; i < rest.tables.size(); ++i) {
    if (i > 0) rest.lookup = RowLookup(*rest.tables[i]);
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const bool done, rest.lookup.Try(rest.key, &rest.state));
      if (done) break;
      THOLOS_CO_RETURN_IF_ERROR(rest.lookup.Take(co_await rest.lookup.Read()));
    }
  }
  data::MakeCanonical(&rest.state);
  co_return std::move(rest.state);
}

}  // namespace

std::optional<std::string_view> Table::RowOf(const data::ReadCommand& command) const {
  if (!command.key.has_value() || command.after.has_value()) return std::nullopt;
  if (command.slices.empty() && schema_->clustering_size() == 0) return "";
  if (command.slices.size() != 1) return std::nullopt;
  // From the key to right behind it.
  const data::Slice& slice = command.slices.front();
  const size_t size = slice.lower.size();
  const bool is_row = slice.upper.size() == size + 1 && slice.upper.back() == '\0' &&
                      slice.upper.starts_with(slice.lower);
  return is_row ? std::optional<std::string_view>(slice.lower) : std::nullopt;
}

Task<Answer> Table::FindRow(const data::DecoratedKey& key, std::string_view clustering) {
  if (!damage_.ok()) return Task<Answer>::Ready(damage_);
  if (cached_rows_ == nullptr) return FindRowInSources(key, clustering);
  if (auto cached = cached_rows_->Find(key, clustering, PurgedBefore())) {
    return Task<Answer>::Ready(*std::move(cached));
  }
  const CachedRows::Ticket ticket = cached_rows_->Begin(key);
  Task<Answer> task = FindRowInSources(key, clustering);
  if (auto found = task.TakeReady()) {
    if (found->ok()) cached_rows_->Put(ticket, key, clustering, **found, PurgedBefore());
    return Task<Answer>::Ready(*std::move(found));
  }
  return CacheRow(std::move(task), ticket, key, std::string(clustering));
}

Task<Answer> Table::CacheRow(Task<Answer> task, CachedRows::Ticket ticket, data::DecoratedKey key,
                             std::string clustering) {
  Answer found = co_await std::move(task);
  if (found.ok() && cached_rows_ != nullptr) {
    cached_rows_->Put(ticket, key, clustering, *found, PurgedBefore());
  }
  co_return found;
}

Task<Answer> Table::FindRowInSources(const data::DecoratedKey& key,
                                     std::string_view clustering) const {
  Answer state(absl::in_place);
  const auto look_into_memtables = [&] {
    active_->Find(key, clustering, &*state);
    for (const Frozen& frozen : frozen_) frozen.memtable->Find(key, clustering, &*state);
  };
  if (parts_.empty()) {
    look_into_memtables();
    data::MakeCanonical(&*state);
    return Task<Answer>::Ready(std::move(state));
  }
  const LookupKey wanted(key, clustering);
  for (const Part& part : parts_) part.table->PrefetchFilter(wanted.filter_hash());
  look_into_memtables();
  const auto may_have = [&](const Part& part) {
    return part.table->MayContain(key, wanted.filter_hash()) &&
           (part.whole || std::any_of(part.live.held.begin(), part.live.held.end(),
                                      [&](const sstable::TokenInterval& interval) {
                                        return interval.Contains(key.token);
                                      }));
  };
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (!may_have(parts_[i])) continue;
    RowLookup lookup(*parts_[i].table);
    while (true) {
      const absl::StatusOr<bool> done = lookup.Try(wanted, &*state);
      if (!done.ok()) return Task<Answer>::Ready(done.status());
      if (*done) break;
      Task<absl::StatusOr<std::string>> read = lookup.Read();
      if (auto stored = read.TakeReady()) {
        if (absl::Status status = lookup.Take(*std::move(stored)); !status.ok()) {
          return Task<Answer>::Ready(status);
        }
        continue;
      }
      Waiting rest{
          {parts_[i].table}, wanted, *std::move(state), std::move(lookup), std::move(read)};
      for (size_t later = i + 1; later < parts_.size(); ++later) {
        if (may_have(parts_[later])) rest.tables.push_back(parts_[later].table);
      }
      return FindInRest(std::move(rest));
    }
  }
  data::MakeCanonical(&*state);
  return Task<Answer>::Ready(std::move(state));
}

}  // namespace tholos::storage
