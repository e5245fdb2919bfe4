#include "cql/analysis/restrictions.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"
#include "data/key.h"

namespace tholos::cql {
namespace {

absl::Status TooManyKeys(std::string_view what, size_t limit) {
  return base::InvalidRequest(base::StrCat("the IN lists of the statement select more ", what,
                                           " than the limit of ", limit));
}

// Each alternative extended by each prefix.
absl::StatusOr<std::vector<std::vector<std::string>>> Product(
    std::vector<std::vector<std::string>> prefixes,
    std::vector<std::vector<std::string>> alternatives, std::string_view what, size_t limit) {
  if (prefixes.size() * alternatives.size() > limit) return TooManyKeys(what, limit);
  if (alternatives.size() == 1) {
    for (std::vector<std::string>& prefix : prefixes) {
      prefix.insert(prefix.end(), alternatives[0].begin(), alternatives[0].end());
    }
    return prefixes;
  }
  std::vector<std::vector<std::string>> product;
  product.reserve(prefixes.size() * alternatives.size());
  for (const std::vector<std::string>& prefix : prefixes) {
    for (const std::vector<std::string>& alternative : alternatives) {
      product.push_back(prefix);
      product.back().insert(product.back().end(), alternative.begin(), alternative.end());
    }
  }
  return product;
}

}  // namespace

bool BoundFilter::Matches(const RowView& view) const {
  const std::string* value = column.ValueIn(view);
  if (value == nullptr) return false;
  if (op == Operator::kIn) {
    return std::any_of(operands.begin(), operands.end(), [&](const std::string& operand) {
      return type.Compare(*value, operand) == 0;
    });
  }
  const int order = type.Compare(*value, operands[0]);
  switch (op) {
    case Operator::kEqual:
      return order == 0;
    case Operator::kLess:
      return order < 0;
    case Operator::kLessOrEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    case Operator::kGreaterOrEqual:
      return order >= 0;
    default:
      THOLOS_CHECK(false) << "operator " << ToString(op);
      return false;
  }
}

Restrictions Restrictions::OfKey(const TablePtr& table, std::vector<Operand> partition,
                                 std::vector<Operand> clustering) {
  Restrictions result;
  result.table_ = table;
  for (Operand& operand : partition) result.partition_.push_back({std::move(operand)});
  for (Operand& operand : clustering) {
    ClusteringStep& step = result.steps_.emplace_back();
    step.alternatives.emplace_back().push_back(std::move(operand));
  }
  result.partition_open_.resize(table->partition_key_size(), false);
  result.clustering_open_.resize(table->clustering_size(), clustering.empty());
  return result;
}

bool Restrictions::has_partition_in() const {
  return std::any_of(partition_.begin(), partition_.end(),
                     [](const auto& alternatives) { return alternatives.size() != 1; });
}

bool Restrictions::fixes_all_clustering() const { return FirstOpenClusteringColumn() == nullptr; }

bool Restrictions::IsClusteringEqual(size_t place) const {
  size_t first = 0;
  for (const ClusteringStep& step : steps_) {
    if (place < first + step.width) return step.alternatives.size() == 1;
    first += step.width;
  }
  return false;
}

const data::ColumnSchema* Restrictions::FirstOpenPartitionColumn() const {
  const auto open = std::find(partition_open_.begin(), partition_open_.end(), true);
  if (open == partition_open_.end()) return nullptr;
  return &table_->columns[open - partition_open_.begin()];
}

const data::ColumnSchema* Restrictions::FirstOpenClusteringColumn() const {
  const auto open = std::find(clustering_open_.begin(), clustering_open_.end(), true);
  if (open == clustering_open_.end()) return nullptr;
  return &table_->columns[partition_open_.size() + (open - clustering_open_.begin())];
}

std::vector<uint16_t> Restrictions::PartitionKeyMarkers() const {
  std::vector<uint16_t> markers;
  for (const std::vector<Operand>& alternatives : partition_) {
    if (alternatives.size() != 1 || !alternatives[0].marker()) return {};
    markers.push_back(*alternatives[0].marker());
  }
  return markers;
}

std::string_view Restrictions::ClusteringName(size_t place) const {
  return table_->columns[partition_open_.size() + place].name;
}

absl::StatusOr<std::vector<data::DecoratedKey>> Restrictions::PartitionKeys(
    Request& request) const {
  std::vector<Values> keys(1);
  for (size_t i = 0; i < partition_.size(); ++i) {
    const data::ColumnSchema& column = table_->columns[i];
    std::vector<Values> values;
    for (const Operand& operand : partition_[i]) {
      THOLOS_ASSIGN_OR_RETURN(std::string value, operand.TakeValue(request, column.name));
      values.emplace_back().push_back(std::move(value));
    }
    const auto less = [&column](const Values& a, const Values& b) {
      return column.type.Compare(a[0], b[0]) < 0;
    };
    std::sort(values.begin(), values.end(), less);
    values.erase(std::unique(values.begin(), values.end()), values.end());
    THOLOS_ASSIGN_OR_RETURN(keys, Product(std::move(keys), std::move(values), "partitions",
                                          request.services->limits.in_product_max));
  }
  std::vector<data::DecoratedKey> decorated;
  decorated.reserve(keys.size());
  for (const Values& key : keys) {
    THOLOS_ASSIGN_OR_RETURN(std::string encoded, data::EncodePartitionKey(*table_, key));
    decorated.push_back(data::DecoratedKey::Of(std::move(encoded)));
  }
  return decorated;
}

absl::StatusOr<data::Token> Restrictions::TokenOf(const TokenBound& bound, Request& request) const {
  Values values;
  for (size_t i = 0; i < bound.values.size(); ++i) {
    const std::string_view column = table_->columns[i].name;
    THOLOS_ASSIGN_OR_RETURN(
        std::string value,
        bound.values[i].TakeValue(request,
                                  bound.of_key ? column : std::string_view("partition key token")));
    values.push_back(std::move(value));
  }
  if (!bound.of_key) return data::DecodeBigint(values[0]);
  THOLOS_ASSIGN_OR_RETURN(const std::string key, data::EncodePartitionKey(*table_, values));
  return data::TokenOf(key);
}

absl::StatusOr<std::optional<data::TokenRange>> Restrictions::Tokens(Request& request) const {
  constexpr data::Token kMaxToken = std::numeric_limits<data::Token>::max();
  using Range = std::optional<data::TokenRange>;
  // Tokens in (after, upto]; kMinToken is no token.
  data::Token after = data::kMinToken;
  data::Token upto = kMaxToken;
  for (const TokenBound& bound : token_bounds_) {
    THOLOS_ASSIGN_OR_RETURN(const data::Token token, TokenOf(bound, request));
    const bool from = bound.op == Operator::kEqual || bound.op == Operator::kGreaterOrEqual;
    const bool to = bound.op == Operator::kEqual || bound.op == Operator::kLessOrEqual;
    if (bound.op == Operator::kGreater) after = std::max(after, token);
    if (from && token != data::kMinToken) after = std::max(after, token - 1);
    if (to) upto = std::min(upto, token);
    if (bound.op == Operator::kLess) {
      if (token == data::kMinToken) return Range();
      upto = std::min(upto, token - 1);
    }
  }
  if (after >= upto) return Range();
  return Range({after, upto == kMaxToken ? data::kMinToken : upto});
}

absl::StatusOr<std::vector<Restrictions::Values>> Restrictions::ClusteringPrefixes(
    Request& request) const {
  std::vector<Values> prefixes(1);
  size_t first = 0;
  for (const ClusteringStep& step : steps_) {
    std::vector<Values> alternatives;
    for (const std::vector<Operand>& operands : step.alternatives) {
      Values& values = alternatives.emplace_back();
      for (size_t i = 0; i < operands.size(); ++i) {
        THOLOS_ASSIGN_OR_RETURN(std::string value,
                                operands[i].TakeValue(request, ClusteringName(first + i)));
        values.push_back(std::move(value));
      }
    }
    THOLOS_ASSIGN_OR_RETURN(prefixes, Product(std::move(prefixes), std::move(alternatives), "rows",
                                              request.services->limits.in_product_max));
    first += step.width;
  }
  return prefixes;
}

absl::StatusOr<Slices> Restrictions::ClusteringSlices(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<Values> prefixes, ClusteringPrefixes(request));
  std::vector<ClusteringBound> bounds;
  size_t first = 0;
  for (const ClusteringStep& step : steps_) first += step.width;
  for (const Bound& bound : bounds_) {
    ClusteringBound& out = bounds.emplace_back();
    out.op = bound.op;
    for (size_t i = 0; i < bound.values.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(std::string value,
                              bound.values[i].TakeValue(request, ClusteringName(first + i)));
      out.values.push_back(std::move(value));
    }
  }
  return MakeSlices(*table_, prefixes, bounds);
}

absl::StatusOr<std::vector<std::string>> Restrictions::ClusteringKeys(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<Values> prefixes, ClusteringPrefixes(request));
  std::vector<std::string> keys;
  keys.reserve(prefixes.size());
  for (const Values& prefix : prefixes) {
    THOLOS_ASSIGN_OR_RETURN(std::string key, data::EncodeClustering(*table_, prefix));
    keys.push_back(std::move(key));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

absl::StatusOr<std::vector<BoundFilter>> Restrictions::Filters(Request& request) const {
  std::vector<BoundFilter> bound;
  for (const Filter& filter : filters_) {
    BoundFilter& out = bound.emplace_back();
    out.column = filter.column;
    out.type = filter.type;
    out.op = filter.op;
    for (const Operand& operand : filter.values) {
      THOLOS_ASSIGN_OR_RETURN(std::string value, operand.TakeValue(request, filter.name));
      out.operands.push_back(std::move(value));
    }
  }
  return bound;
}

}  // namespace tholos::cql
