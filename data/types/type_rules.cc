#include "data/types/type_rules.h"

#include <set>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

template <typename... Pieces>
absl::Status Invalid(const Pieces&... pieces) {
  return absl::InvalidArgumentError(base::StrCat(pieces...));
}

absl::Status CheckLimits(const DataType& type) {
  if (type.depth() > kTypeDepthMax) {
    return Invalid("a type nests ", type.depth(), " deep, the limit is ", kTypeDepthMax);
  }
  if (type.nodes() > kTypeNodesMax) {
    return Invalid("a type consists of ", type.nodes(), " types, the limit is ", kTypeNodesMax);
  }
  return absl::OkStatus();
}

// The rules for the arguments of a collection.
absl::Status CheckCollection(const DataType& type) {
  for (const DataType& argument : type.arguments()) {
    if (argument.id() == TypeId::kCounter) {
      return Invalid("Counters are not allowed inside collections: ", type.name());
    }
    if (argument.multi_cell()) {
      return Invalid("Non-frozen ", argument.is_collection() ? "collections" : "UDTs",
                     " are not allowed inside collections: ", type.name());
    }
  }
  const bool duration = type.arguments()[0].References(TypeId::kDuration);
  if (duration && type.id() == TypeId::kMap) {
    return Invalid("Durations are not allowed as map keys: ", type.name());
  }
  if (duration && type.id() == TypeId::kSet) {
    return Invalid("Durations are not allowed inside sets: ", type.name());
  }
  return absl::OkStatus();
}

absl::Status CheckVector(const DataType& type) {
  if (type.arguments()[0].id() == TypeId::kCounter) {
    return Invalid("Counters are not allowed inside vectors: ", type.name());
  }
  if (type.dimension() == 0 || type.dimension() > kVectorDimensionMax) {
    return Invalid("vectors take 1 to ", kVectorDimensionMax, " dimensions, not ",
                   type.dimension());
  }
  return absl::OkStatus();
}

absl::Status CheckTuple(const DataType& type) {
  if (type.arguments().empty()) return Invalid("a tuple takes one type or more");
  for (const DataType& field : type.arguments()) {
    if (field.id() == TypeId::kCounter) {
      return Invalid("Counters are not allowed inside tuples: ", type.name());
    }
  }
  return absl::OkStatus();
}

// This type, not those inside it.
absl::Status CheckShallow(const DataType& type) {
  switch (type.id()) {
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
      return CheckCollection(type);
    case TypeId::kTuple:
      return CheckTuple(type);
    case TypeId::kVector:
      return CheckVector(type);
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<DataType> Checked(DataType type) {
  THOLOS_RETURN_IF_ERROR(CheckLimits(type));
  THOLOS_RETURN_IF_ERROR(CheckShallow(type));
  return type;
}

absl::Status CheckDeep(const DataType& type) {
  THOLOS_RETURN_IF_ERROR(CheckShallow(type));
  if (type.id() == TypeId::kUdt) return CheckUserType(type.user_type());
  for (const DataType& argument : type.arguments()) THOLOS_RETURN_IF_ERROR(CheckDeep(argument));
  return absl::OkStatus();
}

bool ReadsSimple(TypeId type, TypeId previous) {
  switch (type) {
    case TypeId::kText:
      return previous == TypeId::kAscii;
    case TypeId::kVarint:
      return previous == TypeId::kInt || previous == TypeId::kBigint ||
             previous == TypeId::kTimestamp;
    case TypeId::kBigint:
      return previous == TypeId::kTimestamp;
    case TypeId::kTimestamp:
      return previous == TypeId::kBigint;
    case TypeId::kUuid:
      return previous == TypeId::kTimeuuid;
    case TypeId::kDate:
      return previous == TypeId::kInt;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<DataType> MakeList(DataType element) {
  return Checked(DataType::List(std::move(element), false));
}

absl::StatusOr<DataType> MakeSet(DataType element) {
  return Checked(DataType::Set(std::move(element), false));
}

absl::StatusOr<DataType> MakeMap(DataType key, DataType value) {
  return Checked(DataType::Map(std::move(key), std::move(value), false));
}

absl::StatusOr<DataType> MakeTuple(std::vector<DataType> fields) {
  return Checked(DataType::Tuple(std::move(fields)));
}

absl::StatusOr<DataType> MakeVector(DataType element, int64_t dimension) {
  if (dimension <= 0) {
    return Invalid("vectors may only have positive dimensions; given ", dimension);
  }
  if (dimension > int64_t{kVectorDimensionMax}) {
    return Invalid("vectors take ", kVectorDimensionMax, " dimensions at most; given ", dimension);
  }
  return Checked(DataType::Vector(std::move(element), static_cast<uint32_t>(dimension)));
}

absl::StatusOr<DataType> MakeFrozen(DataType type) {
  if (!type.is_collection() && type.id() != TypeId::kTuple && type.id() != TypeId::kUdt) {
    return Invalid("frozen<> is only allowed on collections, tuples, and user-defined types (got ",
                   type.name(), ")");
  }
  return Checked(type.Frozen());
}

absl::Status CheckType(const DataType& type) {
  THOLOS_RETURN_IF_ERROR(CheckLimits(type));
  return CheckDeep(type);
}

absl::Status CheckUserType(const UserType& definition) {
  if (definition.field_names.size() != definition.field_types.size()) {
    return Invalid("user type ", Shown(definition.name),
                   " has names and types of fields of "
                   "different number");
  }
  std::set<std::string_view> names;
  for (size_t i = 0; i < definition.field_names.size(); ++i) {
    const std::string& name = definition.field_names[i];
    const DataType& type = definition.field_types[i];
    if (!names.insert(name).second) {
      return Invalid("Duplicate field name ", Shown(name), " in type ", Shown(definition.name));
    }
    if (type.References(TypeId::kCounter)) return Invalid("A user type cannot contain counters");
    if (type.id() == TypeId::kUdt && type.multi_cell()) {
      return Invalid("A user type cannot contain non-frozen UDTs");
    }
    THOLOS_RETURN_IF_ERROR(CheckDeep(type));
  }
  return absl::OkStatus();
}

bool IsValueCompatible(const DataType& type, const DataType& previous) {
  if (type == previous) return true;
  if (type.multi_cell() != previous.multi_cell()) return false;
  if (type.id() == TypeId::kBlob) return true;
  if (type.is_simple()) return ReadsSimple(type.id(), previous.id());
  if (type.id() != previous.id() || type.frozen() != previous.frozen()) return false;
  const std::vector<DataType>& present = type.arguments();
  const std::vector<DataType>& past = previous.arguments();
  if (type.id() == TypeId::kVector && type.dimension() != previous.dimension()) return false;
  if (present.size() < past.size()) return false;
  for (size_t i = 0; i < past.size(); ++i) {
    // Keys and elements of sets also keep their order.
    const bool sorted = type.id() == TypeId::kSet || (type.id() == TypeId::kMap && i == 0);
    if (sorted ? present[i] != past[i] : !IsValueCompatible(present[i], past[i])) return false;
  }
  return true;
}

DataType ExpandUserTypes(const DataType& type) {
  if (!type.References(TypeId::kUdt)) return type;
  std::vector<DataType> arguments;
  for (const DataType& argument : type.arguments()) arguments.push_back(ExpandUserTypes(argument));
  switch (type.id()) {
    case TypeId::kList:
      return DataType::List(arguments[0], type.frozen());
    case TypeId::kSet:
      return DataType::Set(arguments[0], type.frozen());
    case TypeId::kMap:
      return DataType::Map(arguments[0], arguments[1], type.frozen());
    case TypeId::kVector:
      return DataType::Vector(arguments[0], type.dimension());
    default:
      return DataType::Tuple(std::move(arguments));
  }
}

absl::Status CheckColumnType(const DataType& type, ColumnUse use, std::string_view column) {
  if (use == ColumnUse::kPrimaryKey) {
    if (type.multi_cell()) {
      return Invalid("Invalid non-frozen ",
                     type.is_collection() ? "collection type " : "user-defined type ", type.name(),
                     " for PRIMARY KEY column ", Shown(column));
    }
    if (type.References(TypeId::kCounter)) {
      return Invalid("counter type is not supported for PRIMARY KEY column ", Shown(column));
    }
    if (type.References(TypeId::kDuration)) {
      return Invalid("duration type is not supported for PRIMARY KEY column ", Shown(column));
    }
    return absl::OkStatus();
  }
  if (type.id() != TypeId::kUdt || !type.multi_cell()) return absl::OkStatus();
  for (const DataType& field : type.arguments()) {
    if (field.multi_cell()) {
      return Invalid(
          "Non-frozen UDTs with nested non-frozen collections are not supported for "
          "column ",
          Shown(column));
    }
  }
  return absl::OkStatus();
}

}  // namespace tholos::data
