// What SELECT computes: columns, functions of them, aggregates over all rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/analysis/row_view.h"
#include "cql/ast.h"

namespace tholos::cql {

// A value of one row.
struct ScalarSelector {
  enum class Kind : uint8_t { kColumn, kWriteTime, kTtl, kToken, kFunction };
  Kind kind = Kind::kColumn;
  ColumnRef column;  // of kColumn, kWriteTime, kTtl
  ValueFunction function = ValueFunction::kRandomUuid;
  data::DataType type;  // of the result
  std::string name;     // of the result, without an alias
  // kColumn: no selector behind this one needs the column's value of the row.
  bool takes = false;

  // writetime in microseconds, ttl in seconds; null where there is no live cell (or no TTL).
  data::Value Evaluate(const RowView& view, Request& request) const;
};

enum class Aggregate : uint8_t { kNone, kCount, kMin, kMax, kSum, kAvg };

struct SelectedItem {
  Aggregate aggregate = Aggregate::kNone;
  std::optional<ScalarSelector> scalar;  // none: count(*)
  ResultColumn column;
};

class Selection {
 public:
  // No items: all columns.
  static absl::StatusOr<Selection> Analyze(const std::vector<SelectItem>& items,
                                           const data::TableSchema& table);

  const std::vector<SelectedItem>& items() const { return items_; }
  bool has_aggregates() const;
  std::vector<ResultColumn> ResultColumns() const;
  // Every column is of this kind or the other.
  const ScalarSelector* FirstOutside(data::ColumnKind a, data::ColumnKind b) const;
  bool Selects(data::ColumnKind kind, uint32_t index) const;

  // Takes values out of the view. Requires that there are no aggregates.
  std::vector<data::Value> Evaluate(const RowView& view, Request& request) const;

 private:
  void MarkLastUses();

  std::vector<SelectedItem> items_;
};

// Runs over all rows and gives one. An item that is no aggregate has its value of the first row.
//
// sum and avg of int and bigint are computed in 128 bits: their result is an error if it does not
// fit the type. avg of integers rounds towards zero. Over no row, count, sum and avg are 0, min and
// max null.
class Aggregation {
 public:
  explicit Aggregation(const Selection& selection)
      : selection_(selection), states_(selection.items().size()) {}
  void Add(const RowView& view, Request& request);
  absl::StatusOr<std::vector<data::Value>> Finish() const;

 private:
  struct State {
    uint64_t rows = 0;    // seen by a non-aggregate
    uint64_t values = 0;  // that are not null
    data::Value value;    // the first, least or greatest
    __int128 sum = 0;
    double double_sum = 0;
  };
  absl::StatusOr<data::Value> FinishItem(const SelectedItem& item, const State& state) const;

  const Selection& selection_;
  std::vector<State> states_;
};

}  // namespace tholos::cql
