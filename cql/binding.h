// Bound values put in the order of a statement's markers, and checked.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "cql/limits.h"
#include "cql/query_processor.h"

namespace tholos::cql {

// Puts `*values` in order. Either no value has a name (then one for each marker, in order) or all
// have (then each marker takes the value of its parameter's name). kInvalid names the marker: "bind
// marker 2 (v): int takes 4 bytes, not 3".
absl::Status BindValues(const std::vector<ResultColumn>& parameters, const QueryLimits& limits,
                        std::vector<BoundValue>* values);

}  // namespace tholos::cql
