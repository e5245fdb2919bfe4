#include "storage/testing/model.h"

#include "base/strings.h"
#include "data/counter.h"

namespace tholos::storage {
namespace {

using data::Timestamp;

// All versions of one row.
struct Versions {
  std::vector<data::Cell> cells;
  std::vector<data::Liveness> liveness;
  std::vector<data::ComplexDeletion> complex_deletions;
  Timestamp deleted = data::kNoTimestamp;

  void Add(const data::Row& row) {
    cells.insert(cells.end(), row.cells.begin(), row.cells.end());
    complex_deletions.insert(complex_deletions.end(), row.complex_deletions.begin(),
                             row.complex_deletions.end());
    if (!row.liveness.empty()) liveness.push_back(row.liveness);
    deleted = std::max(deleted, row.deletion.timestamp);
  }

  // Nothing if the row is not there. `covered`: by a tombstone of the partition or of its range.
  std::optional<VisibleRow> At(int64_t now_seconds, Timestamp covered) const {
    const Timestamp cut = std::max(deleted, covered);
    bool live = false;
    Timestamp newest = cut;
    for (const data::Liveness& each : liveness) {
      if (each.timestamp <= newest) continue;
      newest = each.timestamp;
      live = now_seconds < each.expires_at;
    }
    std::map<VisibleRow::key_type, data::Cell> winners;
    for (const data::Cell& cell : cells) {
      if (cell.timestamp <= cut || IsOverwritten(cell)) continue;
      auto [it, inserted] = winners.try_emplace({cell.column, cell.path}, cell);
      if (inserted) continue;
      const data::Cell& best = it->second;
      if (cell.timestamp > best.timestamp || (cell.timestamp == best.timestamp && cell.tombstone)) {
        it->second = cell;
      }
    }
    VisibleRow row;
    std::optional<int64_t> counted;
    for (const auto& [place, cell] : winners) {
      const bool expired = cell.ttl_seconds != 0 && now_seconds >= cell.local_seconds;
      if (cell.tombstone || expired) continue;
      if (place.first == kCounterColumn) {
        counted = counted.value_or(0) + CountOf(cell.value);
      } else {
        row[place] = cell.value;
      }
    }
    if (counted.has_value()) row[{kCounterColumn, ""}] = base::StrCat(*counted);
    if (!live && row.empty()) return std::nullopt;
    return row;
  }

  static int64_t CountOf(const std::string& bytes) {
    uint64_t count = 0;
    for (const char byte : bytes) count = count << 8 | static_cast<uint8_t>(byte);
    return static_cast<int64_t>(count);
  }

  bool IsOverwritten(const data::Cell& cell) const {
    for (const data::ComplexDeletion& each : complex_deletions) {
      if (each.column == cell.column && cell.timestamp <= each.deletion.timestamp) return true;
    }
    return false;
  }
};

}  // namespace

void Model::Apply(const data::Mutation& mutation) {
  history_[mutation.table][mutation.update.key.key].push_back(mutation.update);
}

Model::History Model::HistoryOf(const data::TableId& table) const {
  const auto found = history_.find(table);
  return found == history_.end() ? History() : found->second;
}

void Model::Restore(const data::TableId& table, const History& history) {
  for (const auto& [key, updates] : history) {
    std::vector<data::Partition>& all = history_[table][key];
    all.insert(all.end(), updates.begin(), updates.end());
  }
}

VisiblePartition Model::Visible(const data::TableId& table, const std::string& key,
                                int64_t now_seconds) const {
  VisiblePartition visible;
  const auto of_table = history_.find(table);
  if (of_table == history_.end()) return visible;
  const auto found = of_table->second.find(key);
  if (found == of_table->second.end()) return visible;
  Timestamp deleted = data::kNoTimestamp;
  std::vector<data::RangeTombstone> ranges;
  Versions of_static;
  std::map<std::string, Versions> of_rows;
  for (const data::Partition& update : found->second) {
    deleted = std::max(deleted, update.deletion.timestamp);
    ranges.insert(ranges.end(), update.range_tombstones.begin(), update.range_tombstones.end());
    if (update.static_row.has_value()) of_static.Add(*update.static_row);
    for (const data::Row& row : update.rows) of_rows[row.clustering].Add(row);
  }
  visible.static_cells = of_static.At(now_seconds, deleted).value_or(VisibleRow{});
  for (const auto& [clustering, versions] : of_rows) {
    Timestamp covered = deleted;
    for (const data::RangeTombstone& each : ranges) {
      const bool in_range = each.range.lower <= clustering &&
                            (each.range.upper.empty() || clustering < each.range.upper);
      if (in_range) covered = std::max(covered, each.deletion.timestamp);
    }
    if (auto row = versions.At(now_seconds, covered)) visible.rows[clustering] = *std::move(row);
  }
  return visible;
}

VisibleTable Model::Visible(const data::TableId& table, int64_t now_seconds) const {
  VisibleTable all;
  const auto of_table = history_.find(table);
  if (of_table == history_.end()) return all;
  for (const auto& [key, updates] : of_table->second) {
    VisiblePartition partition = Visible(table, key, now_seconds);
    if (!partition.empty()) all[key] = std::move(partition);
  }
  return all;
}

void AddVisible(const data::ReadResult& result, int64_t now_seconds, VisibleTable* table) {
  const auto cells_of = [now_seconds](const data::Row& row) {
    VisibleRow cells;
    for (const data::Cell& cell : row.cells) {
      const bool live = cell.LiveAt(now_seconds) && cell.column != kCounterColumn;
      if (live) cells[{cell.column, cell.path}] = cell.value;
    }
    const auto counted = data::CounterValue(row.CellsOf(kCounterColumn));
    if (!counted.ok()) {
      cells[{kCounterColumn, ""}] = base::ToStd(counted.status().message());
    } else if (counted->has_value()) {
      cells[{kCounterColumn, ""}] = base::StrCat(**counted);
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
    for (const auto& [place, value] : row) {
      base::StrAppend(&text, place.first, place.second, ":", value.substr(0, 20), " ");
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
