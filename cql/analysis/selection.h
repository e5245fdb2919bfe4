// What SELECT computes: columns and expressions of each row, or of each group of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/selector_analysis.h"
#include "cql/ast.h"

namespace tholos::cql {

class Selection {
 public:
  // No items: all columns.
  static absl::StatusOr<Selection> Analyze(const SelectStatement& statement,
                                           const data::TableSchema& table,
                                           AnalysisContext* context);

  bool has_aggregates() const { return !aggregates_.empty(); }
  const std::vector<AggregateCall>& aggregates() const { return aggregates_; }
  // With JSON, one: "[json]".
  std::vector<ResultColumn> ResultColumns() const;
  // The first column used, anywhere, that is of neither kind; nullptr if there is none.
  const ColumnRef* FirstOutside(data::ColumnKind a, data::ColumnKind b) const;
  // The column is selected as it is.
  bool Selects(data::ColumnKind kind, uint32_t index) const;

  // For one execution: takes the markers' values from the request.
  absl::StatusOr<Evaluation> Bind(Request& request) const;
  // Appends the row of evaluation.view. kInvalid if a function fails.
  absl::Status AppendRow(Evaluation& evaluation, RowsResult* out) const;

 private:
  struct Item {
    AnalyzedSelector selector;
    std::string name;       // of the result
    std::string json_name;  // "\"name\": "
  };
  absl::Status AppendJson(Evaluation& evaluation, RowsResult* out) const;

  std::string keyspace_;
  std::string table_;
  bool json_ = false;
  std::vector<Item> items_;
  std::vector<Operand> operands_;
  std::vector<AggregateCall> aggregates_;
  std::vector<ColumnRef> columns_;
};

// One group of rows on its way to one row of the result. Columns beside aggregates are those of the
// group's first row, or null if there is no row.
class Group {
 public:
  explicit Group(const Selection& selection);

  bool empty() const { return rows_ == 0; }
  // The row of evaluation.view.
  absl::Status Add(Evaluation& evaluation);
  // Then it is empty again.
  absl::Status Finish(Evaluation& evaluation, RowsResult* out);

 private:
  void Reset();
  void KeepFirst(const RowView& view);

  const Selection& selection_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  uint64_t rows_ = 0;
  // The first row, copied.
  RowView first_;
  std::vector<std::string> partition_;
  std::vector<std::string> clustering_;
  std::optional<data::Row> static_row_;
  std::optional<data::Row> row_;
};

}  // namespace tholos::cql
