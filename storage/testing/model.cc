#include "storage/testing/model.h"

#include "base/strings.h"

namespace tholos::storage {
namespace {

using data::Timestamp;

// All versions of one row.
struct Versions {
  std::vector<data::Cell> cells;
  std::vector<data::Liveness> liveness;
  Timestamp deleted = data::kNoTimestamp;

  void Add(const data::Row& row) {
    cells.insert(cells.end(), row.cells.begin(), row.cells.end());
    if (!row.liveness.empty()) liveness.push_back(row.liveness);
    deleted = std::max(deleted, row.deletion.timestamp);
  }

  // Nothing if the row is not there.
  std::optional<VisibleRow> At(int64_t now_seconds, Timestamp partition_deleted) const {
    const Timestamp cut = std::max(deleted, partition_deleted);
    bool live = false;
    Timestamp newest = cut;
    for (const data::Liveness& each : liveness) {
      if (each.timestamp <= newest) continue;
      newest = each.timestamp;
      live = now_seconds < each.expires_at;
    }
    std::map<data::ColumnId, data::Cell> winners;
    for (const data::Cell& cell : cells) {
      if (cell.timestamp <= cut) continue;
      auto [it, inserted] = winners.try_emplace(cell.column, cell);
      if (inserted) continue;
      const data::Cell& best = it->second;
      if (cell.timestamp > best.timestamp || (cell.timestamp == best.timestamp && cell.tombstone)) {
        it->second = cell;
      }
    }
    VisibleRow row;
    for (const auto& [column, cell] : winners) {
      const bool expired = cell.ttl_seconds != 0 && now_seconds >= cell.local_seconds;
      if (!cell.tombstone && !expired) row[column] = cell.value;
    }
    if (!live && row.empty()) return std::nullopt;
    return row;
  }
};

}  // namespace

void Model::Apply(const data::Mutation& mutation) {
  history_[{mutation.table, mutation.update.key.key}].push_back(mutation.update);
}

VisiblePartition Model::Visible(const data::TableId& table, const std::string& key,
                                int64_t now_seconds) const {
  VisiblePartition visible;
  auto found = history_.find({table, key});
  if (found == history_.end()) return visible;
  Timestamp deleted = data::kNoTimestamp;
  Versions of_static;
  std::map<std::string, Versions> of_rows;
  for (const data::Partition& update : found->second) {
    deleted = std::max(deleted, update.deletion.timestamp);
    if (update.static_row.has_value()) of_static.Add(*update.static_row);
    for (const data::Row& row : update.rows) of_rows[row.clustering].Add(row);
  }
  visible.static_cells = of_static.At(now_seconds, deleted).value_or(VisibleRow{});
  for (const auto& [clustering, versions] : of_rows) {
    if (auto row = versions.At(now_seconds, deleted)) visible.rows[clustering] = *std::move(row);
  }
  return visible;
}

VisibleTable Model::Visible(const data::TableId& table, int64_t now_seconds) const {
  VisibleTable all;
  for (const auto& [place, history] : history_) {
    if (place.first != table) continue;
    VisiblePartition partition = Visible(table, place.second, now_seconds);
    if (!partition.empty()) all[place.second] = std::move(partition);
  }
  return all;
}

void AddVisible(const data::ReadResult& result, int64_t now_seconds, VisibleTable* table) {
  const auto cells_of = [now_seconds](const data::Row& row) {
    VisibleRow cells;
    for (const data::Cell& cell : row.cells) {
      if (cell.LiveAt(now_seconds)) cells[cell.column] = cell.value;
    }
    return cells;
  };
  for (const data::Partition& from : result.partitions) {
    VisiblePartition visible;
    if (from.static_row.has_value()) visible.static_cells = cells_of(*from.static_row);
    for (const data::Row& row : from.rows) {
      if (row.LiveAt(now_seconds)) visible.rows[row.clustering] = cells_of(row);
    }
    if (visible.empty()) continue;
    VisiblePartition& into = (*table)[from.key.key];
    into.static_cells.merge(visible.static_cells);
    into.rows.merge(visible.rows);
  }
}

std::string ToString(const VisiblePartition& partition) {
  const auto cells = [](const VisibleRow& row) {
    std::string text = "{";
    for (const auto& [column, value] : row) {
      base::StrAppend(&text, column, ":", value.substr(0, 20), " ");
    }
    return text + "}";
  };
  std::string text = "static " + cells(partition.static_cells);
  for (const auto& [clustering, row] : partition.rows) {
    base::StrAppend(&text, " ", clustering, cells(row));
  }
  return text;
}

}  // namespace tholos::storage
