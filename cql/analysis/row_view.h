// One row of a result while it is made: where the values of its columns are. The row and its
// clustering key are the view's own: their values may be moved out of it by the last one who needs
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/partition.h"
#include "data/schema/schema.h"

namespace tholos::cql {

struct RowView {
  data::Token token = 0;
  const std::vector<std::string>* partition = nullptr;
  std::vector<std::string>* clustering = nullptr;  // none: a static row alone
  const data::Row* static_row = nullptr;           // may be none
  data::Row* row = nullptr;                        // none: a static row alone
  int64_t now_seconds = 0;
};

// A column of a table, by its place in a row.
struct ColumnRef {
  data::ColumnKind kind = data::ColumnKind::kRegular;
  uint32_t index = 0;  // a key column's place in its key, or another column's ColumnId

  static ColumnRef Of(const data::TableSchema& table, const data::ColumnSchema& column) {
    const auto place = static_cast<uint32_t>(&column - table.columns.data());
    switch (column.kind) {
      case data::ColumnKind::kPartitionKey:
        return {column.kind, place};
      case data::ColumnKind::kClustering:
        return {column.kind, place - static_cast<uint32_t>(table.partition_key_size())};
      default:
        return {column.kind, column.id};
    }
  }

  // The live cell of a static or regular column, or nullptr.
  const data::Cell* CellIn(const RowView& view) const {
    const data::Row* row = kind == data::ColumnKind::kStatic ? view.static_row : view.row;
    const data::Cell* cell = row == nullptr ? nullptr : row->Find(index);
    return cell != nullptr && cell->LiveAt(view.now_seconds) ? cell : nullptr;
  }
  // The value, or nullptr for null.
  const std::string* ValueIn(const RowView& view) const {
    if (kind == data::ColumnKind::kPartitionKey) return &(*view.partition)[index];
    if (kind == data::ColumnKind::kClustering) {
      return view.clustering == nullptr ? nullptr : &(*view.clustering)[index];
    }
    const data::Cell* cell = CellIn(view);
    return cell == nullptr ? nullptr : &cell->value;
  }
  // The same, moved out where the view owns it.
  data::Value TakeFrom(const RowView& view) const {
    if (kind == data::ColumnKind::kClustering && view.clustering != nullptr) {
      return std::move((*view.clustering)[index]);
    }
    if (kind == data::ColumnKind::kRegular && view.row != nullptr) {
      const data::Cell* cell = CellIn(view);
      if (cell == nullptr) return std::nullopt;
      return std::move(view.row->cells[cell - view.row->cells.data()].value);
    }
    const std::string* value = ValueIn(view);
    return value == nullptr ? data::Value() : data::Value(*value);
  }
};

}  // namespace tholos::cql
