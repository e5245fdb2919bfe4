// The type of a column, or of a parameter, as the API describes it.
#pragma once

#include "absl/status/statusor.h"
#include "data/types/data_type.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::client {

// User types with their definitions. kDataLoss if the description contradicts itself.
absl::StatusOr<data::DataType> ColumnType(const tholos::v1::Column& column);

}  // namespace tholos::client
