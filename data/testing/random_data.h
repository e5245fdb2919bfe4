// Random values and tables for property tests: small ranges and edge values, so that collisions are
// frequent.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "data/schema/schema.h"

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

}  // namespace tholos::data
