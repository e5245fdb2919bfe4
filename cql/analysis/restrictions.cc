#include "cql/analysis/restrictions.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/status_macros.h"
#include "data/key.h"

namespace tholos::cql {
namespace {

absl::Status TooManyKeys(std::string_view what, size_t found, size_t limit) {
  return base::InvalidRequest(base::StrCat("the IN lists of the statement select at least ", found,
                                           " ", what, ", the limit is ", limit));
}

absl::Status CheckKeyBytes(const Request& request, std::string_view what, size_t bytes) {
  const size_t limit = request.services->limits.key_bytes_max;
  if (bytes <= limit) return absl::OkStatus();
  return base::InvalidRequest(
      base::StrCat("a ", what, " key of ", bytes, " bytes, the limit is ", limit));
}

// Each alternative extended by each prefix.
absl::StatusOr<std::vector<std::vector<std::string>>> Product(
    std::vector<std::vector<std::string>> prefixes,
    std::vector<std::vector<std::string>> alternatives, std::string_view what, size_t limit) {
  const size_t found = prefixes.size() * alternatives.size();
  if (found > limit) return TooManyKeys(what, found, limit);
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

Restrictions Restrictions::OfKey(const TablePtr& table, std::vector<Operand> partition,
                                 std::vector<Operand> clustering) {
  Restrictions result;
  result.table_ = table;
  result.clustering_open_.resize(table->clustering_size(), clustering.empty());
  result.partition_open_.resize(table->partition_key_size(), false);
  size_t column = 0;
  for (Operand& operand : partition) {
    result.partition_.push_back(Alternatives::Of(std::move(operand), *table, column++));
  }
  for (Operand& operand : clustering) {
    result.steps_.push_back(Alternatives::Of(std::move(operand), *table, column++));
  }
  return result;
}

bool Restrictions::has_partition_in() const {
  return std::any_of(partition_.begin(), partition_.end(),
                     [](const Alternatives& alternatives) { return !alternatives.IsOne(); });
}

bool Restrictions::fixes_all_clustering() const { return FirstOpenClusteringColumn() == nullptr; }

bool Restrictions::fixes_one_clustering() const {
  return fixes_all_clustering() &&
         std::all_of(steps_.begin(), steps_.end(), [](const auto& step) { return step.IsOne(); });
}

bool Restrictions::IsClusteringEqual(size_t place) const {
  size_t first = 0;
  for (const Alternatives& step : steps_) {
    if (place < first + step.width()) return step.IsOne();
    first += step.width();
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
  for (const Alternatives& alternatives : partition_) {
    if (!alternatives.marker()) return {};
    markers.push_back(*alternatives.marker());
  }
  return markers;
}

absl::Status Restrictions::PartitionKey(Request& request, data::DecoratedKey* key) const {
  Values values;
  values.reserve(partition_.size());
  for (const Alternatives& column : partition_) {
    THOLOS_RETURN_IF_ERROR(column.TakeOne(request, &values));
  }
  // A key of one bound value is that value. It is valid by now; what else it has to be, the
  // encoding says.
  std::string& first = values[0];
  const bool fits = !first.empty() && first.size() <= data::kKeyBytesMax;
  if (values.size() == 1 && fits && partition_[0].marker()) {
    key->key = std::move(first);
  } else {
    THOLOS_ASSIGN_OR_RETURN(key->key, data::EncodePartitionKey(*table_, values));
  }
  THOLOS_RETURN_IF_ERROR(CheckKeyBytes(request, "partition", key->key.size()));
  key->token = data::TokenOf(key->key);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<data::DecoratedKey>> Restrictions::PartitionKeys(
    Request& request) const {
  if (!has_partition_in()) {
    std::vector<data::DecoratedKey> keys(1);
    THOLOS_RETURN_IF_ERROR(PartitionKey(request, &keys[0]));
    return keys;
  }
  std::vector<Values> keys(1);
  for (size_t i = 0; i < partition_.size(); ++i) {
    const data::ColumnSchema& column = table_->columns[i];
    THOLOS_ASSIGN_OR_RETURN(std::vector<Values> values, partition_[i].Take(request));
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
    THOLOS_RETURN_IF_ERROR(CheckKeyBytes(request, "partition", encoded.size()));
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
  prefixes[0].reserve(clustering_open_.size());
  for (const Alternatives& step : steps_) {
    if (prefixes.size() == 1 && step.IsOne()) {
      THOLOS_RETURN_IF_ERROR(step.TakeOne(request, &prefixes[0]));
      continue;
    }
    THOLOS_ASSIGN_OR_RETURN(std::vector<Values> alternatives, step.Take(request));
    THOLOS_ASSIGN_OR_RETURN(prefixes, Product(std::move(prefixes), std::move(alternatives), "rows",
                                              request.services->limits.in_product_max));
  }
  return prefixes;
}

absl::StatusOr<Slices> Restrictions::ClusteringSlices(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<Values> prefixes, ClusteringPrefixes(request));
  std::vector<ClusteringBound> bounds;
  for (const Bound& bound : bounds_) {
    THOLOS_ASSIGN_OR_RETURN(std::vector<Values> values, bound.values.Take(request));
    bounds.push_back({bound.op, std::move(values[0])});
  }
  return MakeSlices(*table_, prefixes, bounds);
}

absl::Status Restrictions::ClusteringKey(Request& request, std::string* key) const {
  if (steps_.empty()) return absl::OkStatus();
  Values values;
  values.reserve(clustering_open_.size());
  for (const Alternatives& step : steps_) {
    THOLOS_RETURN_IF_ERROR(step.TakeOne(request, &values));
  }
  THOLOS_ASSIGN_OR_RETURN(*key, data::EncodeClustering(*table_, values));
  return CheckKeyBytes(request, "clustering", key->size());
}

absl::StatusOr<std::vector<std::string>> Restrictions::ClusteringKeys(Request& request) const {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<Values> prefixes, ClusteringPrefixes(request));
  std::vector<std::string> keys;
  keys.reserve(prefixes.size());
  for (const Values& prefix : prefixes) {
    THOLOS_ASSIGN_OR_RETURN(std::string key, data::EncodeClustering(*table_, prefix));
    THOLOS_RETURN_IF_ERROR(CheckKeyBytes(request, "clustering", key.size()));
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
    out.columns = filter.columns;
    out.op = filter.op;
    const std::string& name = filter.columns[0].column->name;
    if (filter.element) {
      THOLOS_ASSIGN_OR_RETURN(out.element, filter.element->TakeValue(request, name));
    }
    if (filter.part) {
      THOLOS_ASSIGN_OR_RETURN(std::string part, filter.part->TakeValue(request, name));
      out.alternatives.push_back({std::move(part)});
    } else {
      THOLOS_ASSIGN_OR_RETURN(out.alternatives, filter.values.Take(request));
    }
  }
  return bound;
}

}  // namespace tholos::cql
