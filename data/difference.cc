#include <algorithm>

#include "base/check.h"
#include "data/partition.h"
#include "data/range_tombstones.h"

namespace tholos::data {
namespace {

// What `have` shows beyond `merged` is shadowed by tombstones of `merged`: either `have` has these
// too, or they are part of the difference and remove it. So only what `merged` has needs comparing.
Row RowDifference(const Row& merged, const Row& have) {
  Row difference;
  difference.clustering = merged.clustering;
  if (merged.liveness != have.liveness) difference.liveness = merged.liveness;
  if (merged.deletion != have.deletion) difference.deletion = merged.deletion;
  for (const ComplexDeletion& each : merged.complex_deletions) {
    if (have.ComplexDeletionOf(each.column) != each.deletion) {
      difference.complex_deletions.push_back(each);
    }
  }
  for (const Cell& cell : merged.cells) {
    const Cell* other = have.Find(cell.column, cell.path);
    if (other == nullptr || *other != cell) difference.cells.push_back(cell);
  }
  return difference;
}

}  // namespace

std::optional<Partition> Difference(const Partition& merged, const Partition& have) {
  THOLOS_CHECK(merged.key == have.key);
  Partition difference;
  difference.key = merged.key;
  if (merged.deletion != have.deletion) difference.deletion = merged.deletion;
  if (merged.static_row.has_value()) {
    Row row = RowDifference(*merged.static_row, have.static_row.value_or(Row()));
    if (!row.IsEmpty()) difference.static_row = std::move(row);
  }
  if (!merged.range_tombstones.empty()) {
    difference.range_tombstones = RangesNotIn(merged.range_tombstones, have.range_tombstones);
  }
  auto other = have.rows.begin();
  for (const Row& row : merged.rows) {
    while (other != have.rows.end() && other->clustering < row.clustering) ++other;
    const bool in_both = other != have.rows.end() && other->clustering == row.clustering;
    Row row_difference = in_both ? RowDifference(row, *other) : row;
    if (!row_difference.IsEmpty()) difference.rows.push_back(std::move(row_difference));
  }
  if (difference.IsEmpty()) return std::nullopt;
  return difference;
}

}  // namespace tholos::data
