#include "storage/memtable/memtable.h"

#include <algorithm>
#include <utility>

namespace tholos::storage {
namespace {

// A node of std::map: three pointers and a colour.
constexpr uint64_t kMapNodeBytes = 40;

uint64_t PartitionBytes(const data::DecoratedKey& key) {
  return kMapNodeBytes + sizeof(Memtable::Partitions::value_type) + key.key.size();
}

uint64_t RowBytes(const std::string& clustering, const data::Row& row) {
  return kMapNodeBytes + sizeof(std::string) + clustering.size() + data::ApproximateBytes(row);
}

}  // namespace

void Memtable::Apply(data::Partition update, LogPosition position) {
  if (!first_position_.has_value()) first_position_ = position;
  auto [it, inserted] = partitions_.try_emplace(std::move(update.key));
  if (inserted) bytes_ += PartitionBytes(it->first);
  Contents& contents = it->second;
  if (!update.deletion.live()) ApplyPartitionDeletion(contents, update.deletion);
  if (update.static_row.has_value()) ApplyStatic(contents, *std::move(update.static_row));
  for (const data::RangeTombstone& each : update.range_tombstones) ApplyRange(contents, each);
  for (data::Row& row : update.rows) ApplyRow(contents, std::move(row));
}

void Memtable::NoteTimestamps(const data::Row& row) {
  if (!row.liveness.empty()) min_timestamp_ = std::min(min_timestamp_, row.liveness.timestamp);
  if (!row.deletion.live()) min_timestamp_ = std::min(min_timestamp_, row.deletion.timestamp);
  for (const data::ComplexDeletion& each : row.complex_deletions) {
    min_timestamp_ = std::min(min_timestamp_, each.deletion.timestamp);
  }
  for (const data::Cell& cell : row.cells) {
    min_timestamp_ = std::min(min_timestamp_, cell.timestamp);
  }
}

void Memtable::ApplyPartitionDeletion(Contents& contents, const data::Deletion& deletion) {
  min_timestamp_ = std::min(min_timestamp_, deletion.timestamp);
  const data::Deletion merged = data::Reconcile(contents.deletion, deletion);
  if (merged == contents.deletion) return;
  contents.deletion = merged;
  ++contents.deletions;
  if (contents.static_row.has_value()) {
    bytes_ -= data::ApproximateBytes(*contents.static_row);
    data::ApplyDeletion(&*contents.static_row, merged);
    if (contents.static_row->IsEmpty()) {
      contents.static_row.reset();
    } else {
      bytes_ += data::ApproximateBytes(*contents.static_row);
    }
  }
  bytes_ -= contents.ranges.bytes();
  contents.ranges.DropCovered(merged);
  bytes_ += contents.ranges.bytes();
  CoverRows(contents, data::Slice(), merged);
}

void Memtable::ApplyRange(Contents& contents, const data::RangeTombstone& tombstone) {
  min_timestamp_ = std::min(min_timestamp_, tombstone.deletion.timestamp);
  if (contents.deletion.Covers(tombstone.deletion.timestamp)) return;
  ++contents.deletions;
  bytes_ -= contents.ranges.bytes();
  contents.ranges.Add(tombstone.range, tombstone.deletion);
  bytes_ += contents.ranges.bytes();
  CoverRows(contents, tombstone.range, tombstone.deletion);
}

void Memtable::CoverRows(Contents& contents, const data::Slice& range,
                         const data::Deletion& deletion) {
  auto it = contents.rows.lower_bound(range.lower);
  while (it != contents.rows.end() && range.Contains(it->first)) {
    bytes_ -= RowBytes(it->first, it->second);
    data::ApplyDeletion(&it->second, deletion);
    if (it->second.IsEmpty()) {
      it = contents.rows.erase(it);
      ++contents.erasures;
    } else {
      bytes_ += RowBytes(it->first, it->second);
      ++it;
    }
  }
}

void Memtable::ApplyStatic(Contents& contents, data::Row update) {
  NoteTimestamps(update);
  data::ApplyDeletion(&update, contents.deletion);
  if (update.IsEmpty()) return;
  if (contents.static_row.has_value()) {
    bytes_ -= data::ApproximateBytes(*contents.static_row);
    data::MergeInto(&*contents.static_row, std::move(update));
  } else {
    contents.static_row = std::move(update);
  }
  bytes_ += data::ApproximateBytes(*contents.static_row);
}

void Memtable::ApplyRow(Contents& contents, data::Row update) {
  NoteTimestamps(update);
  const data::Deletion of_range =
      contents.ranges.empty() ? data::Deletion() : contents.ranges.At(update.clustering);
  data::ApplyDeletion(&update, of_range.live() ? contents.deletion : of_range);
  if (update.IsEmpty()) return;
  std::string clustering = std::exchange(update.clustering, {});
  auto [it, inserted] = contents.rows.try_emplace(std::move(clustering));
  if (inserted) {
    it->second = std::move(update);
  } else {
    bytes_ -= RowBytes(it->first, it->second);
    data::MergeInto(&it->second, std::move(update));
  }
  bytes_ += RowBytes(it->first, it->second);
}

}  // namespace tholos::storage
