#include "coordinator/expiry_faults.h"

#include <algorithm>

namespace tholos::coordinator {
namespace {

using data::Cell;
using data::Partition;
using data::Row;

void ForgetTtl(Cell* cell) {
  cell->ttl_seconds = 0;
  cell->local_seconds = cell->tombstone ? 0 : data::kNoExpiry;
}

bool IsValue(const Cell& cell) { return cell.expiring() || !cell.tombstone; }

void PreferLaterExpiry(Row* a, Row* b) {
  for (Cell& mine : a->cells) {
    for (Cell& other : b->cells) {
      const bool versions = mine.column == other.column && mine.path == other.path &&
                            mine.timestamp == other.timestamp && IsValue(mine) && IsValue(other);
      if (!versions) continue;
      if (mine.local_seconds < other.local_seconds) {
        mine = other;
      } else {
        other = mine;
      }
    }
  }
}

}  // namespace

void ForgetTtls(Partition* partition) {
  for (Row& row : partition->rows) {
    row.liveness = {.timestamp = row.liveness.timestamp};
    for (Cell& cell : row.cells) {
      if (!cell.tombstone) ForgetTtl(&cell);
    }
  }
}

void ForgetExpiry(data::ReadResult* result) {
  for (Partition& partition : result->partitions) {
    ForgetTtls(&partition);
    for (Row& row : partition.rows) {
      for (Cell& cell : row.cells) {
        if (cell.expiring()) ForgetTtl(&cell);
      }
    }
  }
}

void RestartTtls(Partition* partition, int64_t now_seconds) {
  for (Row& row : partition->rows) {
    if (row.liveness.expiring()) row.liveness.expires_at = now_seconds + row.liveness.ttl_seconds;
    for (Cell& cell : row.cells) {
      if (cell.expiring() && !cell.tombstone) cell.local_seconds = now_seconds + cell.ttl_seconds;
    }
  }
}

void PreferLaterExpiry(Partition* a, Partition* b) {
  auto mine = a->rows.begin();
  for (Row& other : b->rows) {
    while (mine != a->rows.end() && mine->clustering < other.clustering) ++mine;
    if (mine != a->rows.end() && mine->clustering == other.clustering)
      PreferLaterExpiry(&*mine, &other);
  }
}

}  // namespace tholos::coordinator
