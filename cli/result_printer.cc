#include "cli/result_printer.h"

#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "cli/table.h"
#include "client/column_type.h"

namespace tholos::cli {
namespace {

bool IsNumber(data::TypeId id) {
  switch (id) {
    case data::TypeId::kTinyint:
    case data::TypeId::kSmallint:
    case data::TypeId::kInt:
    case data::TypeId::kBigint:
    case data::TypeId::kCounter:
    case data::TypeId::kVarint:
    case data::TypeId::kDecimal:
    case data::TypeId::kFloat:
    case data::TypeId::kDouble:
      return true;
    default:
      return false;
  }
}

bool IsDescription(const std::vector<TableColumn>& columns) {
  return !columns.empty() && columns.back().name == "create_statement";
}

std::string RenderDescription(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (const auto& row : rows) out += row.back() + "\n\n";
  return out;
}

}  // namespace

bool IsDescription(const tholos::v1::RowsPage& page) {
  return page.columns_size() > 0 &&
         page.columns(page.columns_size() - 1).name() == "create_statement";
}

absl::StatusOr<std::vector<std::vector<std::string>>> TextRows(const tholos::v1::RowsPage& page) {
  std::vector<data::DataType> types;
  for (const auto& column : page.columns()) {
    THOLOS_ASSIGN_OR_RETURN(data::DataType type, client::ColumnType(column));
    types.push_back(std::move(type));
  }
  std::vector<std::vector<std::string>> rows;
  base::Reader reader(page.raw_rows());
  for (uint32_t r = 0; r < page.row_count(); ++r) {
    auto& row = rows.emplace_back();
    for (const data::DataType& type : types) {
      const std::string_view length_bytes = reader.Raw(4);
      if (!reader.ok()) return reader.status("rows");
      const auto length = static_cast<int32_t>(base::LoadBigEndian32(length_bytes.data()));
      if (length < 0) {
        row.push_back("null");
        continue;
      }
      const std::string_view bytes = reader.Raw(static_cast<size_t>(length));
      if (!reader.ok()) return reader.status("rows");
      THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
      row.push_back(type.ToDisplay(bytes));
    }
  }
  return rows;
}

absl::StatusOr<std::string> RenderPage(const tholos::v1::RowsPage& page, bool expanded) {
  std::vector<TableColumn> columns;
  for (const auto& column : page.columns()) {
    THOLOS_ASSIGN_OR_RETURN(const data::DataType type, client::ColumnType(column));
    columns.push_back({column.name(), IsNumber(type.id())});
  }
  THOLOS_ASSIGN_OR_RETURN(const auto rows, TextRows(page));
  if (IsDescription(columns)) return RenderDescription(rows);
  return expanded ? RenderExpanded(columns, rows) : RenderTable(columns, rows);
}

}  // namespace tholos::cli
