#include "cql/rows.h"

#include "base/check.h"

namespace tholos::cql {

void AddRow(const std::vector<data::Value>& row, RowsResult* out) {
  THOLOS_CHECK(row.size() == out->columns->size()) << row.size();
  for (const data::Value& value : row) AppendValue(value, &out->rows);
  ++out->row_count;
}

std::optional<std::string_view> RowsReader::Next() {
  THOLOS_CHECK(rest_.size() >= 4);
  const uint32_t length = base::LoadBigEndian32(rest_.data());
  rest_.remove_prefix(4);
  if (length == 0xFFFFFFFFu) return std::nullopt;
  THOLOS_CHECK(rest_.size() >= length);
  const std::string_view value = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return value;
}

std::vector<std::vector<data::Value>> DecodeRows(const RowsResult& result) {
  std::vector<std::vector<data::Value>> rows(result.row_count);
  RowsReader reader(result);
  for (std::vector<data::Value>& row : rows) {
    row.reserve(result.columns->size());
    for (size_t i = 0; i < result.columns->size(); ++i) row.emplace_back(reader.Next());
  }
  return rows;
}

}  // namespace tholos::cql
