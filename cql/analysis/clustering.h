// From conditions on clustering columns to slices of encoded clustering keys (data/key.h).
//
// Conditions are in two parts. Steps fix the first columns, each to one of several alternatives (=
// has one, IN has many); the product of all steps is a list of prefixes. Bounds follow: <, <=, >
// and >= on the first column that no step fixes, or on a tuple of columns from there on. With ck =
// (a, b, c):
//
//   a IN (1, 2) AND b = 3 AND c > 4        steps a: {1, 2}, b: {3}; bound c > 4
//   a = 1 AND (b, c) >= (3, 4)             step a: {1}; bound (b, c) >= (3, 4)
//
// A tuple comparison is a union of simple ranges, which may lie on either side as columns are
// ascending or descending:
//
//   (b, c) > (3, 4)   is   b > 3   or   b = 3 and c > 4
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/ast.h"
#include "data/read.h"
#include "data/schema/schema.h"

namespace tholos::cql {

struct ClusteringBound {
  Operator op = Operator::kLess;    // one of the four inequalities
  std::vector<std::string> values;  // of as many columns from the first without a step on
};

// Sorted, disjoint, not adjacent.
using Slices = std::vector<data::Slice>;

// `prefixes` (each the values of the first columns, all of one length) and `bounds` are valid
// values. No prefix: nothing is selected. The result is {{"", ""}} if everything is selected.
absl::StatusOr<Slices> MakeSlices(const data::TableSchema& table,
                                  const std::vector<std::vector<std::string>>& prefixes,
                                  const std::vector<ClusteringBound>& bounds);

// The set operations behind it.
Slices Union(Slices slices);
Slices Intersect(const Slices& a, const Slices& b);

}  // namespace tholos::cql
