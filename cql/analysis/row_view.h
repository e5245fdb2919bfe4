// One row of a result while it is made: where the values of its columns are, and how the value of a
// collection comes together from its cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/partition.h"
#include "data/schema/schema.h"

namespace tholos::cql {

struct RowView {
  data::Token token = 0;
  const std::vector<std::string>* partition = nullptr;   // none: no row at all
  const std::vector<std::string>* clustering = nullptr;  // none: a static row alone
  const data::Row* static_row = nullptr;                 // may be none
  const data::Row* row = nullptr;                        // none: a static row alone
  int64_t now_seconds = 0;
};

// A column of a table, by its place in a row. The table outlives it.
struct ColumnRef {
  data::ColumnKind kind = data::ColumnKind::kRegular;
  bool multi_cell = false;
  uint32_t index = 0;  // a key column's place in its key, or another column's ColumnId
  const data::ColumnSchema* column = nullptr;

  static ColumnRef Of(const data::TableSchema& table, const data::ColumnSchema& column);

  // The live cell of a static or regular column that is no multi-cell one, or nullptr.
  const data::Cell* CellIn(const RowView& view) const;
  // Of a multi-cell column: its live cells in the order of their paths.
  std::vector<const data::Cell*> CellsIn(const RowView& view) const;
  // Of a multi-cell column: the live cell with this path, or nullptr.
  const data::Cell* CellIn(const RowView& view, std::string_view path) const;

  // The value, nothing for null. Views the row, or `scratch`, where a collection is put together.
  std::optional<std::string_view> ValueIn(const RowView& view, std::string* scratch) const;

 private:
  const data::Row* RowIn(const RowView& view) const {
    return kind == data::ColumnKind::kStatic ? view.static_row : view.row;
  }
};

// The value of a collection or UDT with these live cells; nothing without any.
data::Value AssembleCells(const data::DataType& type, const std::vector<const data::Cell*>& cells);

// The path of the cell of a set's element or a map's key.
std::string ElementPath(const data::DataType& element_type, std::string_view value);
// The path of the cell of a UDT's field.
std::string FieldPath(size_t field);

}  // namespace tholos::cql
