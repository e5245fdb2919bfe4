// SELECT, ready to run: pages of rows, or of groups of rows; or all of them, sorted.
#pragma once

#include <cstdint>
#include <memory>
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

  base::Task<absl::Status> Execute(Request& request) const override;
  std::string_view kind() const override { return "select"; }

 private:
  bool makes_groups() const { return spec_.grouping || spec_.selection.has_aggregates(); }
  // One row over everything: there are no pages of it.
  bool makes_one_row() const { return !spec_.grouping && spec_.selection.has_aggregates(); }

  // One execution under way.
  struct Reading {
    Reading(Request& for_request, Evaluation with, RowsResult* result)
        : request(for_request), reader(for_request), evaluation(std::move(with)), out(result) {}
    Request& request;
    RowReader reader;
    Evaluation evaluation;
    RowsResult* out;
  };
  using ReadingPtr = std::unique_ptr<Reading>;

  absl::Status Start(Request& request, PagingState* start) const;
  // False, if the conditions select no row at all.
  absl::StatusOr<bool> SetReaderOptions(Request& request, RowReaderOptions* options) const;
  // Null, if there is nothing to read.
  absl::StatusOr<ReadingPtr> Begin(Request& request) const;
  base::Task<absl::Status> ReadPage(ReadingPtr reading) const;
  base::Task<absl::Status> ReadGroups(ReadingPtr reading) const;
  base::Task<absl::Status> ReadSorted(ReadingPtr reading) const;
  void WarnOfTombstones(const Reading& reading) const;

  const Spec spec_;
};

}  // namespace tholos::cql
