// GROUP BY: which neighbouring rows belong together.
//
// Groups follow the order of the primary key, so a group is complete when a row of another one
// comes: a partition, rows with equal first clustering columns, or (with floor()) with those whose
// last one falls into the same interval.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/restrictions.h"
#include "cql/analysis/selector_analysis.h"

namespace tholos::cql {

class Grouping {
 public:
  // `terms` are not empty. Columns that WHERE fixes to one value may be left out.
  static absl::StatusOr<Grouping> Analyze(const std::vector<Selector>& terms,
                                          const data::TableSchema& table, const Restrictions& where,
                                          bool distinct, AnalysisContext* context);

  // For one execution.
  absl::StatusOr<Evaluation> Bind(Request& request) const;
  // Equal for two rows of a partition that belong together. kInvalid if the function fails.
  absl::StatusOr<std::string> KeyOf(Evaluation& evaluation) const;

 private:
  size_t clustering_columns_ = 0;  // whose values are compared
  RowExpressionPtr function_;      // of the column behind them; may be none
  std::vector<Operand> operands_;
};

}  // namespace tholos::cql
