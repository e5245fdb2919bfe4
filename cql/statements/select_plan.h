// SELECT, ready to run: pages of rows, or of groups of rows; or all of them, sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cql/analysis/grouping.h"
#include "cql/analysis/restrictions.h"
#include "cql/analysis/selection.h"
#include "cql/plan.h"
#include "cql/statements/row_reader.h"

namespace tholos::cql {

class SelectPlan final : public Plan {
 public:
  struct Spec {
    TablePtr table;
    Selection selection;
    Restrictions where;
    bool distinct = false;
    bool reversed = false;
    // ORDER BY over several partitions: the clustering columns by which the rows of all are sorted.
    std::vector<size_t> sorted_by;
    std::optional<Grouping> grouping;
    std::optional<Operand> limit;
    std::optional<Operand> per_partition_limit;
    uint64_t statement_hash = 0;
  };
  explicit SelectPlan(Spec spec);

  base::Task<absl::StatusOr<QueryResult>> Execute(Request request) const override;
  std::string_view kind() const override { return "select"; }

 private:
  bool makes_groups() const { return spec_.grouping || spec_.selection.has_aggregates(); }
  // One row over everything: there are no pages of it.
  bool makes_one_row() const { return !spec_.grouping && spec_.selection.has_aggregates(); }

  absl::StatusOr<PagingState> Start(Request& request) const;
  // Nothing, if the conditions select no row at all.
  absl::StatusOr<std::optional<RowReaderOptions>> ReaderOptions(Request& request) const;
  base::Task<absl::Status> ReadPage(Request& request, RowReader& reader, Evaluation evaluation,
                                    RowsResult* out) const;
  base::Task<absl::Status> ReadGroups(Request& request, RowReader& reader, Evaluation evaluation,
                                      std::optional<uint32_t> per_partition_limit,
                                      RowsResult* out) const;
  base::Task<absl::Status> ReadSorted(Request& request, RowReader& reader, Evaluation evaluation,
                                      std::optional<uint64_t> limit, RowsResult* out) const;

  const Spec spec_;
};

}  // namespace tholos::cql
