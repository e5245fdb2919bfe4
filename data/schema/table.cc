#include <algorithm>

#include "data/schema/schema.h"

namespace tholos::data {
namespace {

size_t CountKind(const TableSchema& table, ColumnKind kind) {
  return std::count_if(table.columns.begin(), table.columns.end(),
                       [kind](const ColumnSchema& column) { return column.kind == kind; });
}

bool HasId(const ColumnSchema& column) {
  return column.kind == ColumnKind::kStatic || column.kind == ColumnKind::kRegular;
}

}  // namespace

size_t TableSchema::partition_key_size() const {
  return CountKind(*this, ColumnKind::kPartitionKey);
}

size_t TableSchema::clustering_size() const { return CountKind(*this, ColumnKind::kClustering); }

const ColumnSchema* TableSchema::Find(std::string_view column) const {
  for (const ColumnSchema& c : columns) {
    if (c.name == column) return &c;
  }
  return nullptr;
}

const ColumnSchema* TableSchema::FindById(ColumnId id) const {
  for (const ColumnSchema& c : columns) {
    if (HasId(c) && c.id == id) return &c;
  }
  return nullptr;
}

bool TableSchema::has_static() const { return CountKind(*this, ColumnKind::kStatic) != 0; }

}  // namespace tholos::data
