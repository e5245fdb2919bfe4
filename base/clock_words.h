// How lines of the log, errors and the tool say how far a clock is off.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace tholos::base {

// "1h0m0.012s ahead of the cluster's", "12ms behind the cluster's".
std::string AheadOfClusters(absl::Duration ahead);

}  // namespace tholos::base
