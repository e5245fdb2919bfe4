// SELECT: from the syntax tree to a plan.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/select_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"

namespace tholos::cql {
namespace {

class SelectAnalysis {
 public:
  SelectAnalysis(const SelectStatement& statement, TablePtr table, AnalysisContext* context)
      : statement_(statement), table_(std::move(table)), context_(context) {}

  absl::StatusOr<PlanPtr> Run() {
    spec_.table = table_;
    spec_.distinct = statement_.distinct;
    spec_.statement_hash = context_->statement_hash;
    THOLOS_ASSIGN_OR_RETURN(spec_.selection, Selection::Analyze(statement_, *table_, context_));
    THOLOS_ASSIGN_OR_RETURN(spec_.where, Restrictions::Analyze(table_, statement_.where, context_));
    THOLOS_RETURN_IF_ERROR(AnalyzeLimits());
    THOLOS_RETURN_IF_ERROR(CheckDistinct());
    THOLOS_RETURN_IF_ERROR(AnalyzeOrder());
    if (!statement_.group_by.empty()) {
      THOLOS_ASSIGN_OR_RETURN(spec_.grouping,
                              Grouping::Analyze(statement_.group_by, *table_, spec_.where,
                                                statement_.distinct, context_));
    }
    const bool may_filter = statement_.allow_filtering || IsSystemKeyspace(table_->keyspace);
    if (!may_filter) THOLOS_RETURN_IF_ERROR(spec_.where.needs_filtering());
    return PlanPtr(std::make_shared<SelectPlan>(std::move(spec_)));
  }

 private:
  absl::Status AnalyzeLimits() {
    if (statement_.limit) {
      THOLOS_RETURN_IF_ERROR(AnalyzeLimit(*statement_.limit, "[limit]", "LIMIT", &spec_.limit));
    }
    if (!statement_.per_partition_limit) return absl::OkStatus();
    const Position position = statement_.per_partition_limit->position();
    if (spec_.selection.has_aggregates() && statement_.group_by.empty()) {
      return ErrorAt(position, "PER PARTITION LIMIT is not allowed with aggregate queries.");
    }
    if (statement_.distinct) {
      return ErrorAt(position, "PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries");
    }
    return AnalyzeLimit(*statement_.per_partition_limit, "[per_partition_limit]",
                        "PER PARTITION LIMIT", &spec_.per_partition_limit);
  }

  absl::Status AnalyzeLimit(const Term& term, std::string_view name, std::string_view what,
                            std::optional<Operand>* out) {
    const auto* literal = std::get_if<Literal>(&term.value);
    if (literal != nullptr && (literal->text.starts_with('-') ||
                               literal->text.find_first_not_of('0') == std::string::npos)) {
      return ErrorAt(literal->position, what, " must be strictly positive");
    }
    THOLOS_ASSIGN_OR_RETURN(*out,
                            AnalyzeInteger(term, name, data::TypeId::kInt, *table_, context_));
    return absl::OkStatus();
  }

  absl::Status CheckDistinct() {
    if (!statement_.distinct) return absl::OkStatus();
    const ColumnRef* other =
        spec_.selection.FirstOutside(data::ColumnKind::kPartitionKey, data::ColumnKind::kStatic);
    if (other != nullptr) {
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT queries must only request partition key columns and/or "
                     "static columns (not ",
                     other->column->name, ")");
    }
    for (size_t i = 0; i < table_->partition_key_size(); ++i) {
      if (spec_.selection.Selects(data::ColumnKind::kPartitionKey, static_cast<uint32_t>(i))) {
        continue;
      }
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT queries must request all the partition key columns (missing ",
                     table_->columns[i].name, ")");
    }
    if (spec_.where.restricts_clustering()) {
      return ErrorAt(statement_.position,
                     "SELECT DISTINCT with WHERE clause only supports restriction by partition key "
                     "and/or static columns.");
    }
    return absl::OkStatus();
  }

  // The order that is asked for must be the table's, or its exact reverse. Clustering columns that
  // WHERE fixes to one value may be left out.
  absl::Status AnalyzeOrder() {
    if (statement_.order_by.empty()) return absl::OkStatus();
    const Position position = statement_.order_by[0].position;
    if (!spec_.where.has_partition_keys()) {
      return ErrorAt(position,
                     "ORDER BY is only supported when the partition key is restricted by an EQ or "
                     "an IN.");
    }
    const size_t first = table_->partition_key_size();
    size_t place = 0;
    std::optional<bool> reversed;
    for (const Ordering& ordering : statement_.order_by) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(*table_, ordering.column));
      if (column->kind != data::ColumnKind::kClustering) {
        return ErrorAt(ordering.position,
                       "Order by is currently only supported on the clustered columns of the "
                       "PRIMARY KEY, got ",
                       column->name);
      }
      const size_t wanted = ColumnRef::Of(*table_, *column).index;
      while (place < wanted && spec_.where.IsClusteringEqual(place)) ++place;
      if (place != wanted) {
        return ErrorAt(ordering.position,
                       "Order by currently only supports the ordering of columns following their "
                       "declared order in the PRIMARY KEY");
      }
      const bool against = ordering.descending != table_->columns[first + place].descending;
      if (reversed && *reversed != against) {
        return ErrorAt(ordering.position, "Unsupported order by relation");
      }
      reversed = against;
      if (spec_.where.has_partition_in()) spec_.sorted_by.push_back(place);
      ++place;
    }
    spec_.reversed = *reversed;
    return absl::OkStatus();
  }

  const SelectStatement& statement_;
  const TablePtr table_;
  AnalysisContext* context_;
  SelectPlan::Spec spec_;
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const SelectStatement& statement, AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(TablePtr table, ResolveTable(statement.table, *context));
  return SelectAnalysis(statement, std::move(table), context).Run();
}

}  // namespace tholos::cql
