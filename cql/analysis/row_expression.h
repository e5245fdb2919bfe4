// What a selector computes, as a tree: columns and constants at the leaves, functions and parts of
// values above.
//
// The value of an aggregate is not computed here: it stands in a slot, filled when its group of
// rows is complete. What stands beside it takes the columns of the group's first row.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/row_view.h"
#include "cql/functions/function.h"

namespace tholos::cql {

// Of one execution.
struct Evaluation {
  const RowView* view = nullptr;
  FunctionContext functions;
  std::vector<data::Value> operands;  // literals and markers of the selectors, by number
  std::vector<data::Value> slots;     // results of the aggregates, by number
};

// Immutable. Errors are those of functions: kInvalidArgument without a position.
class RowExpression {
 public:
  virtual ~RowExpression() = default;
  virtual absl::StatusOr<data::Value> Evaluate(Evaluation& evaluation) const = 0;
};
using RowExpressionPtr = std::shared_ptr<const RowExpression>;

RowExpressionPtr MakeColumn(ColumnRef column);
RowExpressionPtr MakeOperand(size_t number);
RowExpressionPtr MakeSlot(size_t number);
RowExpressionPtr MakeCall(FunctionPtr function, std::vector<RowExpressionPtr> arguments);

// base['key'] of a map or set; null where there is none.
RowExpressionPtr MakeElement(RowExpressionPtr base, data::DataType type, RowExpressionPtr key);
// base['from'..'to'] of a map or set, with both ends; either may be missing. Of a multi-cell one an
// empty slice is null.
RowExpressionPtr MakeSlice(RowExpressionPtr base, data::DataType type, RowExpressionPtr from,
                           RowExpressionPtr to);
// base.field of a UDT.
RowExpressionPtr MakeField(RowExpressionPtr base, data::DataType type, size_t field);

// A collection, tuple or UDT of these parts (a map's keys and values in turns; a UDT's fields in
// their order, nullptr for those not given). An element that is null is an error.
RowExpressionPtr MakeLiteral(data::DataType type, std::vector<RowExpressionPtr> parts);

// writetime(c), maxwritetime(c), ttl(c), also of m['k'], m[a..b] and u.f.
enum class CellProperty : uint8_t { kWriteTime, kMaxWriteTime, kTtl };
struct CellSelector {
  CellProperty property = CellProperty::kWriteTime;
  ColumnRef column;
  // Of a multi-cell column: one cell, by its key or field, or those of a slice of keys.
  RowExpressionPtr key;
  std::optional<size_t> field;
  bool is_slice = false;
  RowExpressionPtr from;
  RowExpressionPtr to;

  // Of a multi-cell column as a whole: a value for each cell, or for each field of a UDT.
  bool is_list() const {
    return column.multi_cell && !key && !field && property != CellProperty::kMaxWriteTime;
  }
};
RowExpressionPtr MakeCellProperty(CellSelector selector);

}  // namespace tholos::cql
