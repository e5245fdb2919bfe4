// token(): the token of a partition key of the table at hand.
#pragma once

#include "absl/status/statusor.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

// kInvalidArgument if the arguments are not those of the table's partition key.
absl::StatusOr<FunctionPtr> ResolveToken(const CallSite& site);

}  // namespace tholos::cql
