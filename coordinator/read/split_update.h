// Cuts an update into mutations that fit. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "data/partition.h"

namespace tholos::coordinator {

// Parts of `update` (a mutation's, rows ascending) that merge to it, in any order, each of at most
// `bytes_max` by data::ApproximateBytes, which is more than their encoded size. What fits is not
// cut. Rows stay whole unless one alone is larger; then its cells are shared out. A cell, or a
// range tombstone, is not cut: it came in one mutation, with its keys, so it fits one.
std::vector<data::Partition> SplitUpdate(data::Partition update, uint64_t bytes_max);

}  // namespace tholos::coordinator
