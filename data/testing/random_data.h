// Random values and tables for property tests: small ranges and edge values, so that collisions are
// frequent.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "data/partition.h"

namespace tholos::data {

// The simple types that a key column may have.
inline constexpr TypeId kAllTypes[] = {
    TypeId::kAscii,  TypeId::kBigint,   TypeId::kBlob,     TypeId::kBoolean,   TypeId::kDecimal,
    TypeId::kDouble, TypeId::kFloat,    TypeId::kInt,      TypeId::kTimestamp, TypeId::kUuid,
    TypeId::kText,   TypeId::kVarint,   TypeId::kTimeuuid, TypeId::kInet,      TypeId::kDate,
    TypeId::kTime,   TypeId::kSmallint, TypeId::kTinyint};

// A valid value of any type, in the form in which key components give it back: half of the time an
// edge value.
std::string RandomValue(base::RandomStream& random, const DataType& type);
// Any type that CQL allows, of at most that depth; durations and UDTs among them. For a key it has
// no durations and is frozen.
DataType RandomType(base::RandomStream& random, uint32_t depth_max, bool for_key);

// ks.t with 1 to 3 partition-key columns, 0 to 4 clustering columns of either direction, and two
// regular and (with clustering columns) one static column.
TableSchema RandomTable(base::RandomStream& random);

// A value for each column of that kind.
std::vector<std::string> RandomComponents(base::RandomStream& random, const TableSchema& table,
                                          ColumnKind kind);

// Versions of few things: columns, clustering keys, timestamps and seconds are all below ten or so,
// so that most versions of two partitions collide. Columns with odd ids are multi-cell. Not
// canonical. With `realistic_times` timestamps are microseconds of 2026.
struct PartitionShape {
  uint64_t rows_max = 5;
  uint64_t cells_max = 4;  // columns with cells
  uint64_t elements_max = 3;
  uint64_t ranges_max = 3;
  bool realistic_times = false;
};
Cell RandomCell(base::RandomStream& random, ColumnId column, const PartitionShape& shape = {});
Row RandomRow(base::RandomStream& random, std::string clustering, const PartitionShape& shape = {});
Partition RandomPartition(base::RandomStream& random, const std::string& key,
                          const PartitionShape& shape = {});
// Range tombstones, in order, between bounds that `bound` gives or without bound.
std::vector<RangeTombstone> RandomRanges(base::RandomStream& random,
                                         const std::function<std::string()>& bound,
                                         const PartitionShape& shape = {});
// A moment among those that RandomPartition uses.
int64_t RandomSeconds(base::RandomStream& random, const PartitionShape& shape = {});

}  // namespace tholos::data
