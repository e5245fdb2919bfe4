// Sources for tests.
#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "data/source.h"
#include "data/testing/random_data.h"

namespace tholos::data {

// `source`, but now and then an answer takes a turn of the loop.
std::unique_ptr<PartitionSource> HesitatingSource(std::unique_ptr<PartitionSource> source,
                                                  uint64_t seed);

// Answers `good_answers` times, then with `error`.
std::unique_ptr<PartitionSource> FailingSource(std::unique_ptr<PartitionSource> source,
                                               int good_answers, absl::Status error);

// Canonical partitions of a small world of keys "p0".."p<partitions - 1>", in order of their
// tokens, with clustering keys of letters; about half of the partitions and rows are there.
struct WorldShape {
  uint64_t partitions = 8;
  uint64_t rows = 12;
  PartitionShape partition;
};
std::vector<Partition> RandomPartitions(base::RandomStream& random, const WorldShape& shape = {});
DecoratedKey RandomWorldKey(base::RandomStream& random, const WorldShape& shape = {});
std::string RandomWorldClustering(base::RandomStream& random, const WorldShape& shape = {});
// Any part of that world.
Selection RandomSelection(base::RandomStream& random, const WorldShape& shape = {});

}  // namespace tholos::data
