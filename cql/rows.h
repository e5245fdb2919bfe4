// Rows of a result as bytes: what RowsResult::rows holds.
//
// All values, row by row, one for each column: an int32 in big-endian order, the length (-1: null),
// then so many bytes. This is what the native protocol calls rows_content and what a raw page of
// the gRPC API carries, so both copy it as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "cql/query_processor.h"
#include "data/types/data_type.h"

namespace tholos::cql {

inline void AppendLength(uint32_t length, std::string* rows) {
  const char bytes[] = {static_cast<char>(length >> 24), static_cast<char>(length >> 16),
                        static_cast<char>(length >> 8), static_cast<char>(length)};
  rows->append(bytes, sizeof(bytes));
}

inline void AppendNull(std::string* rows) { AppendLength(0xFFFFFFFFu, rows); }

inline void AppendValue(std::string_view value, std::string* rows) {
  AppendLength(static_cast<uint32_t>(value.size()), rows);
  rows->append(value);
}

inline void AppendValue(const data::Value& value, std::string* rows) {
  value ? AppendValue(std::string_view(*value), rows) : AppendNull(rows);
}

// `row` has a value for each column.
void AddRow(const std::vector<data::Value>& row, RowsResult* out);

// Goes over the values in their order. The result outlives the reader and the values.
class RowsReader {
 public:
  explicit RowsReader(const RowsResult& result) : rest_(result.rows) {}

  // nothing: null. Requires that not all values are read.
  std::optional<std::string_view> Next();
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Every value on its own: for what looks at values rather than passing them on.
std::vector<std::vector<data::Value>> DecodeRows(const RowsResult& result);

}  // namespace tholos::cql
