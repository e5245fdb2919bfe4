// A source over partitions in memory: for tests, and for what is read from other replicas.
#pragma once

#include <memory>
#include <vector>

#include "data/source.h"

namespace tholos::data {

// `partitions` in order of their keys, one each, their rows and range tombstones in
// ascending order. Never suspends.
std::unique_ptr<PartitionSource> VectorSource(std::vector<Partition> partitions,
                                              Selection selection);

// The whole of `source` in memory, rows in the order it gives them, range tombstones ascending.
// `reversed`: as its selection. Without any limit: for tests and for sources known to be small.
base::Task<absl::StatusOr<std::vector<Partition>>> ReadAll(std::unique_ptr<PartitionSource> source,
                                                           bool reversed = false);

}  // namespace tholos::data
