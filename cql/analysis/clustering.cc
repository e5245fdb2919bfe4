#include "cql/analysis/clustering.h"

#include <algorithm>

#include "base/status_macros.h"
#include "data/key.h"

namespace tholos::cql {
namespace {

// Behind every key that starts with a non-empty prefix.
std::string Behind(std::string prefix) {
  if (!prefix.empty()) prefix.push_back('\xFF');
  return prefix;
}

bool UpperLess(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return !a.empty();
  return a < b;
}

bool IsEmpty(const data::Slice& slice) {
  return !slice.upper.empty() && slice.lower >= slice.upper;
}

bool IsGreater(Operator op) { return op == Operator::kGreater || op == Operator::kGreaterOrEqual; }

bool IsInclusive(Operator op) {
  return op == Operator::kLessOrEqual || op == Operator::kGreaterOrEqual;
}

// Keys that start with `values` but for the last one, whose column compares to it as `greater` and
// `inclusive` say.
absl::StatusOr<data::Slice> SimpleRange(const data::TableSchema& table,
                                        std::vector<std::string> values, bool greater,
                                        bool inclusive) {
  const size_t last = values.size() - 1;
  const bool descending = table.columns[table.partition_key_size() + last].descending;
  THOLOS_ASSIGN_OR_RETURN(std::string edge, data::EncodeClustering(table, values));
  values.pop_back();
  THOLOS_ASSIGN_OR_RETURN(std::string prefix, data::EncodeClustering(table, values));
  if (greater != descending) {
    return data::Slice{inclusive ? edge : Behind(edge), Behind(std::move(prefix))};
  }
  return data::Slice{std::move(prefix), inclusive ? Behind(edge) : edge};
}

absl::StatusOr<Slices> SlicesOfBound(const data::TableSchema& table,
                                     std::vector<std::string> values,
                                     const ClusteringBound& bound) {
  Slices slices;
  for (size_t i = 0; i < bound.values.size(); ++i) {
    values.push_back(bound.values[i]);
    const bool last = i + 1 == bound.values.size();
    THOLOS_ASSIGN_OR_RETURN(data::Slice slice, SimpleRange(table, values, IsGreater(bound.op),
                                                           last && IsInclusive(bound.op)));
    slices.push_back(std::move(slice));
  }
  return Union(std::move(slices));
}

absl::StatusOr<Slices> SlicesOfPrefix(const data::TableSchema& table,
                                      const std::vector<std::string>& prefix,
                                      const std::vector<ClusteringBound>& bounds) {
  THOLOS_ASSIGN_OR_RETURN(std::string encoded, data::EncodeClustering(table, prefix));
  Slices slices = {{encoded, Behind(encoded)}};
  for (const ClusteringBound& bound : bounds) {
    THOLOS_ASSIGN_OR_RETURN(const Slices of_bound, SlicesOfBound(table, prefix, bound));
    slices = Intersect(slices, of_bound);
  }
  return slices;
}

}  // namespace

Slices Union(Slices slices) {
  std::erase_if(slices, IsEmpty);
  std::sort(slices.begin(), slices.end(),
            [](const data::Slice& a, const data::Slice& b) { return a.lower < b.lower; });
  Slices merged;
  for (data::Slice& slice : slices) {
    const bool joins =
        !merged.empty() && (merged.back().upper.empty() || slice.lower <= merged.back().upper);
    if (!joins) {
      merged.push_back(std::move(slice));
    } else if (UpperLess(merged.back().upper, slice.upper)) {
      merged.back().upper = std::move(slice.upper);
    }
  }
  return merged;
}

Slices Intersect(const Slices& a, const Slices& b) {
  Slices common;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const bool a_ends_first = UpperLess(a[i].upper, b[j].upper);
    data::Slice slice{std::max(a[i].lower, b[j].lower), a_ends_first ? a[i].upper : b[j].upper};
    if (!IsEmpty(slice)) common.push_back(std::move(slice));
    ++(a_ends_first ? i : j);
  }
  return common;
}

absl::StatusOr<Slices> MakeSlices(const data::TableSchema& table,
                                  const std::vector<std::vector<std::string>>& prefixes,
                                  const std::vector<ClusteringBound>& bounds) {
  Slices all;
  if (prefixes.size() == 1 && bounds.empty()) {
    THOLOS_ASSIGN_OR_RETURN(std::string encoded, data::EncodeClustering(table, prefixes[0]));
    // Of one row exactly: the storage engine looks that up without opening a range.
    const bool whole = !encoded.empty() && prefixes[0].size() == table.clustering_size();
    std::string behind = whole ? data::Behind(encoded) : Behind(encoded);
    all.push_back({std::move(encoded), std::move(behind)});
    return all;
  }
  for (const std::vector<std::string>& prefix : prefixes) {
    THOLOS_ASSIGN_OR_RETURN(Slices slices, SlicesOfPrefix(table, prefix, bounds));
    std::move(slices.begin(), slices.end(), std::back_inserter(all));
  }
  return Union(std::move(all));
}

}  // namespace tholos::cql
