// WHERE: which partitions, which rows of them, and what is left to filter.
//
// What can be looked up by the keys is looked up; any other condition is a filter, for which SELECT
// must say ALLOW FILTERING. A partition key is fixed column by column (= and IN; the product of the
// lists) or open; of either, token() selects those whose token is in a range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/alternatives.h"
#include "cql/analysis/clustering.h"
#include "cql/analysis/filter.h"
#include "cql/analysis/operand.h"
#include "cql/analysis/row_view.h"
#include "cql/ast.h"
#include "data/read.h"

namespace tholos::cql {

class Restrictions {
 public:
  // Every condition of a statement.
  static absl::StatusOr<Restrictions> Analyze(const TablePtr& table,
                                              const std::vector<Relation>& where,
                                              AnalysisContext* context);
  // INSERT's key: `partition` and `clustering` hold a value for each column, `clustering` may be
  // empty.
  static Restrictions OfKey(const TablePtr& table, std::vector<Operand> partition,
                            std::vector<Operand> clustering);

  // ---- what kind of statement it is ----
  bool has_partition_keys() const { return !partition_.empty(); }
  // More than one partition, or a number of them that only the values tell.
  bool has_partition_in() const;
  bool restricts_clustering() const {
    return !steps_.empty() || !bounds_.empty() || filters_clustering_;
  }
  bool fixes_all_clustering() const;
  // Each to one value.
  bool fixes_one_clustering() const;
  bool has_clustering_bounds() const { return !bounds_.empty(); }
  // Of the clustering column with this place: fixed to one value.
  bool IsClusteringEqual(size_t place) const;
  // The partition-key column with this place is = one value.
  bool IsPartitionEqual(size_t place) const {
    return !partition_.empty() && partition_[place].IsOne();
  }
  bool has_token_bounds() const { return !token_bounds_.empty(); }
  bool has_filters() const { return !filters_.empty(); }
  // Why ALLOW FILTERING is needed; OK if it is not.
  const absl::Status& needs_filtering() const { return needs_filtering_; }
  // The first partition-key (clustering) column that is not fixed by = or IN.
  const data::ColumnSchema* FirstOpenPartitionColumn() const;
  const data::ColumnSchema* FirstOpenClusteringColumn() const;
  // A condition on anything but the primary key, for statements that take none.
  const Relation* first_filter() const { return first_filter_ ? &*first_filter_ : nullptr; }
  // Markers of the partition key in its order, if each column is = a marker.
  std::vector<uint16_t> PartitionKeyMarkers() const;

  // ---- what it selects, at execution; kInvalid for null, unset, empty or too large keys ----

  // Requires has_partition_keys(). Distinct, in order of the columns' values.
  absl::StatusOr<std::vector<data::DecoratedKey>> PartitionKeys(Request& request) const;
  // The one key, without the list. Requires has_partition_keys() and !has_partition_in().
  absl::Status PartitionKey(Request& request, data::DecoratedKey* key) const;
  // All tokens without conditions on them; nothing if no token is selected.
  absl::StatusOr<std::optional<data::TokenRange>> Tokens(Request& request) const;
  // See MakeSlices.
  absl::StatusOr<Slices> ClusteringSlices(Request& request) const;
  // Requires fixes_all_clustering(). Distinct, encoded, in order.
  absl::StatusOr<std::vector<std::string>> ClusteringKeys(Request& request) const;
  // The one key, without the list. Requires fixes_one_clustering().
  absl::Status ClusteringKey(Request& request, std::string* key) const;
  absl::StatusOr<std::vector<BoundFilter>> Filters(Request& request) const;

 private:
  friend class RestrictionsBuilder;
  using Values = std::vector<std::string>;
  struct Bound {
    Operator op = Operator::kLess;
    Alternatives values;  // one
  };
  struct TokenBound {
    Operator op = Operator::kEqual;
    std::vector<Operand> values;  // one bigint, or with `of_key` the columns of a partition key
    bool of_key = false;
  };
  struct Filter {
    std::vector<ColumnRef> columns;
    Operator op = Operator::kEqual;
    std::optional<Operand> element;  // the key of m['k']
    std::optional<Operand> part;     // of CONTAINS and m['k']: what is compared with
    Alternatives values;             // of the others
  };
  absl::StatusOr<std::vector<Values>> ClusteringPrefixes(Request& request) const;
  absl::StatusOr<data::Token> TokenOf(const TokenBound& bound, Request& request) const;

  TablePtr table_;
  std::vector<Alternatives> partition_;  // by column; empty: open
  std::vector<TokenBound> token_bounds_;
  std::vector<Alternatives> steps_;  // of the first clustering columns, one after the other
  std::vector<Bound> bounds_;
  std::vector<Filter> filters_;
  bool filters_clustering_ = false;
  std::vector<bool> partition_open_;   // by column
  std::vector<bool> clustering_open_;  // by column
  absl::Status needs_filtering_;
  std::optional<Relation> first_filter_;
};

}  // namespace tholos::cql
