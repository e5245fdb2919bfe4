#include "cql/analysis/row_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;
using Cells = std::vector<const data::Cell*>;

// The value that a path stands for. Paths come from statements and replicas' checked bytes.
std::string ValueOfPath(const DataType& type, std::string_view path) {
  absl::StatusOr<std::string> value = type.TakeComparable(&path, false);
  THOLOS_CHECK(value.ok() && path.empty()) << "the path of a cell: " << value.status();
  return *std::move(value);
}

std::string AssembleList(const Cells& cells) {
  std::vector<std::string_view> elements;
  elements.reserve(cells.size());
  for (const data::Cell* cell : cells) elements.push_back(cell->value);
  return data::EncodeList(elements);
}

std::string AssembleKeyed(const DataType& type, const Cells& cells) {
  std::vector<std::string> keys;
  keys.reserve(cells.size());
  std::vector<std::string_view> parts;
  for (const data::Cell* cell : cells) {
    parts.emplace_back(keys.emplace_back(ValueOfPath(type.arguments()[0], cell->path)));
    if (type.id() == TypeId::kMap) parts.emplace_back(cell->value);
  }
  return data::EncodeSorted(type, parts);
}

std::string AssembleFields(const DataType& type, const Cells& cells) {
  std::vector<std::optional<std::string_view>> fields(type.arguments().size());
  for (const data::Cell* cell : cells) {
    const std::string_view path = cell->path;
    THOLOS_CHECK(path.size() == 2);
    const size_t field = static_cast<uint8_t>(path[0]) << 8 | static_cast<uint8_t>(path[1]);
    // A field that this node's schema does not know yet.
    if (field < fields.size()) fields[field] = cell->value;
  }
  return data::EncodeTuple(fields);
}

}  // namespace

ColumnRef ColumnRef::Of(const data::TableSchema& table, const data::ColumnSchema& column) {
  const auto place = static_cast<uint32_t>(&column - table.columns.data());
  ColumnRef ref;
  ref.kind = column.kind;
  ref.column = &column;
  switch (column.kind) {
    case data::ColumnKind::kPartitionKey:
      ref.index = place;
      break;
    case data::ColumnKind::kClustering:
      ref.index = place - static_cast<uint32_t>(table.partition_key_size());
      break;
    default:
      ref.index = column.id;
      ref.multi_cell = column.type.multi_cell();
  }
  return ref;
}

const data::Cell* ColumnRef::CellIn(const RowView& view) const { return CellIn(view, ""); }

const data::Cell* ColumnRef::CellIn(const RowView& view, std::string_view path) const {
  const data::Row* row = RowIn(view);
  const data::Cell* cell = row == nullptr ? nullptr : row->Find(index, path);
  return cell != nullptr && cell->LiveAt(view.now_seconds) ? cell : nullptr;
}

Cells ColumnRef::CellsIn(const RowView& view) const {
  Cells live;
  const data::Row* row = RowIn(view);
  if (row == nullptr) return live;
  for (const data::Cell& cell : row->CellsOf(index)) {
    if (cell.LiveAt(view.now_seconds)) live.push_back(&cell);
  }
  return live;
}

std::optional<std::string_view> ColumnRef::ValueIn(const RowView& view,
                                                   std::string* scratch) const {
  if (kind == data::ColumnKind::kPartitionKey) {
    if (view.partition == nullptr) return std::nullopt;
    return (*view.partition)[index];
  }
  if (kind == data::ColumnKind::kClustering) {
    if (view.clustering == nullptr) return std::nullopt;
    return (*view.clustering)[index];
  }
  if (!multi_cell) {
    const data::Cell* cell = CellIn(view);
    return cell == nullptr ? std::nullopt : std::optional<std::string_view>(cell->value);
  }
  data::Value value = AssembleCells(column->type, CellsIn(view));
  if (!value) return std::nullopt;
  *scratch = *std::move(value);
  return *scratch;
}

data::Value AssembleCells(const DataType& type, const Cells& cells) {
  if (cells.empty()) return std::nullopt;
  switch (type.id()) {
    case TypeId::kList:
      return AssembleList(cells);
    case TypeId::kUdt:
      return AssembleFields(type, cells);
    default:
      return AssembleKeyed(type, cells);
  }
}

std::string ElementPath(const DataType& element_type, std::string_view value) {
  std::string path;
  element_type.AppendComparable(value, false, &path);
  return path;
}

std::string FieldPath(size_t field) {
  std::string path;
  base::PutBigEndian16(&path, static_cast<uint16_t>(field));
  return path;
}

}  // namespace tholos::cql
