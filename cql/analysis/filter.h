// Conditions that the keys cannot look up: they are tried on each row, for which SELECT must say
// ALLOW FILTERING.
#pragma once

#include <string>
#include <vector>

#include "cql/analysis/row_view.h"
#include "cql/ast.h"

namespace tholos::cql {

// Its operands are evaluated once for each execution. Null fulfils no condition.
//
//   a < 1, a IN (1, 2)             one column; alternatives of one value
//   (a, b) >= (1, 2)               several columns, compared one after the other
//   c CONTAINS 1                   values of the collection
//   c CONTAINS KEY 'k'             keys of the map
//   m['k'] = 1                     one value of the map, its key in `element`
struct BoundFilter {
  std::vector<ColumnRef> columns;
  Operator op = Operator::kEqual;
  data::Value element;
  std::vector<std::vector<std::string>> alternatives;  // one, but for IN

  bool Matches(const RowView& view) const;

 private:
  int CompareTo(const std::vector<std::string>& alternative,
                const std::vector<std::string>& values) const;
};

}  // namespace tholos::cql
