// What time does to rows: expiry of values, purging of tombstones.
#include <algorithm>

#include "data/partition.h"

namespace tholos::data {

void ExpireRow(Row* row, int64_t now_seconds) {
  for (Cell& cell : row->cells) {
    if (cell.tombstone || cell.LiveAt(now_seconds)) continue;
    cell.tombstone = true;
    cell.value = std::string();
  }
}

void ExpirePartition(Partition* partition, int64_t now_seconds) {
  if (partition->static_row.has_value()) ExpireRow(&*partition->static_row, now_seconds);
  for (Row& row : partition->rows) ExpireRow(&row, now_seconds);
}

bool PurgeRow(Row* row, int64_t gc_before_seconds, Timestamp purgeable_before) {
  // A tombstone may only go after what it shadows here.
  ApplyDeletion(row, Deletion());
  PurgeDeletion(&row->deletion, gc_before_seconds, purgeable_before);
  const auto purgeable = [=](Timestamp timestamp, int64_t local_seconds) {
    return timestamp < purgeable_before && local_seconds < gc_before_seconds;
  };
  const Liveness& liveness = row->liveness;
  if (liveness.expiring() && purgeable(liveness.timestamp, liveness.expires_at)) {
    row->liveness = Liveness();
  }
  std::erase_if(row->complex_deletions, [&purgeable](const ComplexDeletion& each) {
    return purgeable(each.deletion.timestamp, each.deletion.local_seconds);
  });
  std::erase_if(row->cells, [&purgeable](const Cell& cell) {
    return (cell.tombstone || cell.expiring()) && purgeable(cell.timestamp, cell.local_seconds);
  });
  return !row->IsEmpty();
}

void PurgeDeletion(Deletion* deletion, int64_t gc_before_seconds, Timestamp purgeable_before) {
  if (deletion->live()) return;
  if (deletion->timestamp < purgeable_before && deletion->local_seconds < gc_before_seconds) {
    *deletion = Deletion();
  }
}

}  // namespace tholos::data
