// Random values and tables for property tests: small ranges and edge values, so that collisions are
// frequent.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "data/partition.h"

namespace tholos::data {

inline constexpr TypeId kAllTypes[] = {TypeId::kBigint, TypeId::kBlob, TypeId::kBoolean,
                                       TypeId::kDouble, TypeId::kInt,  TypeId::kTimestamp,
                                       TypeId::kUuid,   TypeId::kText};

// A valid value of the type: half of the time an edge value.
std::string RandomValue(base::RandomStream& random, DataType type);

// ks.t with 1 to 3 partition-key columns, 0 to 4 clustering columns of either direction, and two
// regular and (with clustering columns) one static column.
TableSchema RandomTable(base::RandomStream& random);

// A value for each column of that kind.
std::vector<std::string> RandomComponents(base::RandomStream& random, const TableSchema& table,
                                          ColumnKind kind);

// Versions of few things: columns, clustering keys, timestamps and seconds are all below ten or so,
// so that most versions of two partitions collide. Not canonical. With `realistic_times` timestamps
// are microseconds of 2026.
struct PartitionShape {
  uint64_t rows_max = 5;
  uint64_t cells_max = 4;
  bool realistic_times = false;
};
Cell RandomCell(base::RandomStream& random, ColumnId column, const PartitionShape& shape = {});
Row RandomRow(base::RandomStream& random, std::string clustering, const PartitionShape& shape = {});
Partition RandomPartition(base::RandomStream& random, const std::string& key,
                          const PartitionShape& shape = {});
// A moment among those that RandomPartition uses.
int64_t RandomSeconds(base::RandomStream& random, const PartitionShape& shape = {});

}  // namespace tholos::data
