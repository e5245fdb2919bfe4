#include "coordinator/timestamp_source.h"

#include <algorithm>

namespace tholos::coordinator {

data::Timestamp TimestampSource::Next() {
  const data::Timestamp wall = clock_.WallMicros();
  data::Timestamp last = last_.load(std::memory_order_relaxed);
  data::Timestamp next;
  do {
    next = std::max(wall, last + 1);
  } while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed));
  return next;
}

data::Timestamp TimestampSource::Latest() const {
  return std::max(clock_.WallMicros(), last_.load(std::memory_order_relaxed));
}

void TimestampSource::Observe(data::Timestamp timestamp) {
  data::Timestamp last = last_.load(std::memory_order_relaxed);
  if (timestamp <= last || timestamp > clock_.WallMicros() + kFollowedAheadMicros) return;
  while (last < timestamp &&
         !last_.compare_exchange_weak(last, timestamp, std::memory_order_relaxed)) {
  }
}

namespace {

data::Timestamp LargestTimestamp(const data::Row& row) {
  data::Timestamp largest = std::max(row.liveness.timestamp, row.deletion.timestamp);
  for (const data::ComplexDeletion& each : row.complex_deletions) {
    largest = std::max(largest, each.deletion.timestamp);
  }
  for (const data::Cell& cell : row.cells) largest = std::max(largest, cell.timestamp);
  return largest;
}

}  // namespace

data::Timestamp LargestTimestamp(const data::Partition& partition) {
  data::Timestamp largest = partition.deletion.timestamp;
  if (partition.static_row.has_value())
    largest = std::max(largest, LargestTimestamp(*partition.static_row));
  for (const data::RangeTombstone& each : partition.range_tombstones) {
    largest = std::max(largest, each.deletion.timestamp);
  }
  for (const data::Row& row : partition.rows) largest = std::max(largest, LargestTimestamp(row));
  return largest;
}

}  // namespace tholos::coordinator
