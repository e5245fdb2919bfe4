#include "data/partition.h"

#include <algorithm>

namespace tholos::data {

Cell Cell::Value(ColumnId column, Timestamp timestamp, std::string value) {
  return {.column = column, .timestamp = timestamp, .value = std::move(value)};
}

Cell Cell::Expiring(ColumnId column, Timestamp timestamp, std::string value, int32_t ttl_seconds,
                    int64_t now_seconds) {
  return {.column = column,
          .timestamp = timestamp,
          .ttl_seconds = ttl_seconds,
          .local_seconds = now_seconds + ttl_seconds,
          .value = std::move(value)};
}

Cell Cell::Tombstone(ColumnId column, Timestamp timestamp, int64_t now_seconds) {
  return {
      .column = column, .timestamp = timestamp, .tombstone = true, .local_seconds = now_seconds};
}

bool Row::LiveAt(int64_t now_seconds) const {
  return liveness.LiveAt(now_seconds) ||
         std::any_of(cells.begin(), cells.end(),
                     [now_seconds](const Cell& cell) { return cell.LiveAt(now_seconds); });
}

const Cell* Row::Find(ColumnId column, std::string_view path) const {
  const auto it =
      std::lower_bound(cells.begin(), cells.end(), column, [path](const Cell& cell, ColumnId id) {
        return cell.column < id || (cell.column == id && cell.path < path);
      });
  return it != cells.end() && it->column == column && it->path == path ? &*it : nullptr;
}

std::span<const Cell> Row::CellsOf(ColumnId column) const {
  const auto below = [](const Cell& cell, ColumnId id) { return cell.column < id; };
  const auto first = std::lower_bound(cells.begin(), cells.end(), column, below);
  auto last = first;
  while (last != cells.end() && last->column == column) ++last;
  return {first, last};
}

Deletion Row::ComplexDeletionOf(ColumnId column) const {
  for (const ComplexDeletion& each : complex_deletions) {
    if (each.column == column) return each.deletion;
  }
  return {};
}

size_t ApproximateBytes(const Row& row) {
  size_t bytes = sizeof(Row) + row.clustering.size();
  bytes += sizeof(ComplexDeletion) * row.complex_deletions.size();
  for (const Cell& cell : row.cells) bytes += sizeof(Cell) + cell.path.size() + cell.value.size();
  return bytes;
}

size_t ApproximateBytes(const RangeTombstone& tombstone) {
  return sizeof(RangeTombstone) + tombstone.range.lower.size() + tombstone.range.upper.size();
}

size_t ApproximateBytes(const Partition& partition) {
  size_t bytes = sizeof(Partition) + partition.key.key.size();
  if (partition.static_row.has_value()) bytes += ApproximateBytes(*partition.static_row);
  for (const RangeTombstone& each : partition.range_tombstones) bytes += ApproximateBytes(each);
  for (const Row& row : partition.rows) bytes += ApproximateBytes(row);
  return bytes;
}

}  // namespace tholos::data
