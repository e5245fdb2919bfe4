#include "client/column_type.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/type_rules.h"

namespace tholos::client {

namespace pb = ::tholos::v1;
using data::DataType;

namespace {

// The depth is checked here, everything else by CheckType. `frozen` says what is so declared;
// within a frozen type everything is.
absl::StatusOr<DataType> TypeFrom(const pb::Type& message, uint32_t depth) {
  if (depth > data::kTypeDepthMax) return absl::DataLossError("a type nests too deeply");
  std::vector<DataType> arguments;
  for (const pb::Type& each : message.arguments()) {
    THOLOS_ASSIGN_OR_RETURN(DataType argument, TypeFrom(each, depth + 1));
    arguments.push_back(std::move(argument));
  }
  const auto has = [&](size_t count) { return arguments.size() == count; };
  switch (static_cast<data::TypeId>(message.id())) {
    case data::TypeId::kList:
      if (has(1)) return DataType::List(arguments[0], message.frozen());
      break;
    case data::TypeId::kSet:
      if (has(1)) return DataType::Set(arguments[0], message.frozen());
      break;
    case data::TypeId::kMap:
      if (has(2)) return DataType::Map(arguments[0], arguments[1], message.frozen());
      break;
    case data::TypeId::kVector:
      if (has(1) && message.dimension() > 0 && message.dimension() <= data::kVectorDimensionMax)
        return DataType::Vector(arguments[0], message.dimension());
      break;
    case data::TypeId::kTuple:
      if (!arguments.empty()) return DataType::Tuple(std::move(arguments));
      break;
    case data::TypeId::kUdt:
      if (!has(static_cast<size_t>(message.field_names_size()))) break;
      return DataType::Udt({message.keyspace(),
                            message.name(),
                            {message.field_names().begin(), message.field_names().end()},
                            std::move(arguments)},
                           message.frozen());
    default:
      if (has(0) && message.id() <= UINT16_MAX)
        return DataType::FromId(static_cast<uint16_t>(message.id()));
  }
  return absl::DataLossError(base::StrCat("a type ", message.id(), " that contradicts itself"));
}

}  // namespace

absl::StatusOr<DataType> ColumnType(const pb::Column& column) {
  if (!column.has_parametrised()) {
    if (column.type() > UINT16_MAX) return absl::DataLossError("there is no such type");
    return DataType::FromId(static_cast<uint16_t>(column.type()));
  }
  THOLOS_ASSIGN_OR_RETURN(DataType type, TypeFrom(column.parametrised(), 1));
  THOLOS_RETURN_IF_ERROR(data::CheckType(type));
  return type;
}

}  // namespace tholos::client
