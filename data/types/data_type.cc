#include "data/types/data_type.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/strings.h"
#include "data/types/quote_name.h"
#include "data/types/shown.h"
#include "data/types/type_info.h"

namespace tholos::data {

struct DataType::Parameters {
  std::vector<DataType> arguments;
  uint32_t dimension = 0;
  std::unique_ptr<const UserType> user_type;
  std::string name;
  uint32_t depth = 1;
  uint32_t nodes = 1;
};

namespace {

std::string JoinedNames(const std::vector<DataType>& types) {
  std::string out;
  for (const DataType& type : types) {
    base::StrAppend(&out, out.empty() ? "" : ", ", type.name());
  }
  return out;
}

std::string NameOf(TypeId id, const std::vector<DataType>& arguments, uint32_t dimension,
                   const UserType* user_type) {
  switch (id) {
    case TypeId::kList:
      return base::StrCat("list<", JoinedNames(arguments), ">");
    case TypeId::kSet:
      return base::StrCat("set<", JoinedNames(arguments), ">");
    case TypeId::kMap:
      return base::StrCat("map<", JoinedNames(arguments), ">");
    case TypeId::kTuple:
      return base::StrCat("tuple<", JoinedNames(arguments), ">");
    case TypeId::kVector:
      return base::StrCat("vector<", JoinedNames(arguments), ", ", dimension, ">");
    default:
      return QuoteName(user_type->name);
  }
}

std::vector<DataType> FrozenAll(std::vector<DataType> types) {
  for (DataType& type : types) type = type.Frozen();
  return types;
}

uint32_t SaturatingAdd(uint32_t a, uint32_t b) {
  return a > std::numeric_limits<uint32_t>::max() - b ? std::numeric_limits<uint32_t>::max()
                                                      : a + b;
}

}  // namespace

DataType::DataType(TypeId id) : id_(id) {
  THOLOS_CHECK(FindSimple(id) != nullptr) << "type id " << static_cast<int>(id);
}

DataType::DataType(TypeId id, bool frozen, Parameters parameters) : id_(id), frozen_(frozen) {
  for (const DataType& argument : parameters.arguments) {
    parameters.depth = std::max(parameters.depth, SaturatingAdd(argument.depth(), 1));
    parameters.nodes = SaturatingAdd(parameters.nodes, argument.nodes());
  }
  parameters.name =
      NameOf(id, parameters.arguments, parameters.dimension, parameters.user_type.get());
  if (frozen) parameters.name = base::StrCat("frozen<", parameters.name, ">");
  parameters_ = std::make_shared<const Parameters>(std::move(parameters));
}

DataType DataType::List(DataType element, bool frozen) {
  return DataType(TypeId::kList, frozen, {.arguments = {frozen ? element.Frozen() : element}});
}

DataType DataType::Set(DataType element, bool frozen) {
  return DataType(TypeId::kSet, frozen, {.arguments = {frozen ? element.Frozen() : element}});
}

DataType DataType::Map(DataType key, DataType value, bool frozen) {
  return DataType(TypeId::kMap, frozen,
                  {.arguments = {frozen ? key.Frozen() : key, frozen ? value.Frozen() : value}});
}

DataType DataType::Tuple(std::vector<DataType> fields) {
  return DataType(TypeId::kTuple, true, {.arguments = FrozenAll(std::move(fields))});
}

DataType DataType::Udt(UserType definition, bool frozen) {
  THOLOS_CHECK(definition.field_names.size() == definition.field_types.size());
  Parameters parameters;
  parameters.arguments = frozen ? FrozenAll(definition.field_types) : definition.field_types;
  parameters.user_type = std::make_unique<const UserType>(std::move(definition));
  return DataType(TypeId::kUdt, frozen, std::move(parameters));
}

DataType DataType::Vector(DataType element, uint32_t dimension) {
  return DataType(TypeId::kVector, false,
                  {.arguments = {element.Frozen()}, .dimension = dimension});
}

DataType DataType::Frozen() const {
  if (!multi_cell()) return *this;
  switch (id_) {
    case TypeId::kList:
      return List(arguments()[0], true);
    case TypeId::kSet:
      return Set(arguments()[0], true);
    case TypeId::kMap:
      return Map(arguments()[0], arguments()[1], true);
    default:
      return Udt(user_type(), true);
  }
}

absl::StatusOr<DataType> DataType::FromName(std::string_view name) {
  if (absl::EqualsIgnoreCase(base::ToAbsl(name), "varchar")) return DataType(TypeId::kText);
  for (const TypeId id : kSimpleTypes) {
    if (absl::EqualsIgnoreCase(base::ToAbsl(name), base::ToAbsl(FindSimple(id)->name))) {
      return DataType(id);
    }
  }
  return absl::InvalidArgumentError(base::StrCat("unknown type ", Shown(name)));
}

absl::StatusOr<DataType> DataType::FromId(uint16_t id) {
  if (FindSimple(static_cast<TypeId>(id)) != nullptr) return DataType(static_cast<TypeId>(id));
  return absl::InvalidArgumentError(base::StrCat("unknown type id ", id));
}

std::string_view DataType::name() const {
  return parameters_ == nullptr ? FindSimple(id_)->name : std::string_view(parameters_->name);
}

const std::vector<DataType>& DataType::arguments() const {
  static const std::vector<DataType> kNone;
  return parameters_ == nullptr ? kNone : parameters_->arguments;
}

uint32_t DataType::dimension() const {
  THOLOS_CHECK(id_ == TypeId::kVector) << name();
  return parameters_->dimension;
}

const UserType& DataType::user_type() const {
  THOLOS_CHECK(id_ == TypeId::kUdt) << name();
  return *parameters_->user_type;
}

uint32_t DataType::depth() const { return parameters_ == nullptr ? 1 : parameters_->depth; }
uint32_t DataType::nodes() const { return parameters_ == nullptr ? 1 : parameters_->nodes; }

size_t DataType::fixed_size() const {
  return parameters_ == nullptr ? FindSimple(id_)->bytes : packed_size();
}

size_t DataType::packed_size() const {
  if (id_ == TypeId::kVector) return arguments()[0].packed_size() * parameters_->dimension;
  if (parameters_ != nullptr) return 0;
  const SimpleType& simple = *FindSimple(id_);
  return simple.is_packed ? simple.bytes : 0;
}

bool DataType::has_empty_value() const {
  return parameters_ == nullptr && FindSimple(id_)->has_empty_value;
}

bool DataType::References(TypeId id) const {
  return id_ == id || std::any_of(arguments().begin(), arguments().end(),
                                  [id](const DataType& type) { return type.References(id); });
}

bool DataType::ReferencesUserType(std::string_view keyspace, std::string_view name) const {
  if (id_ == TypeId::kUdt && user_type().keyspace == keyspace && user_type().name == name) {
    return true;
  }
  return std::any_of(arguments().begin(), arguments().end(),
                     [&](const DataType& type) { return type.ReferencesUserType(keyspace, name); });
}

bool DataType::SameParameters(const DataType& a, const DataType& b) {
  if (a.parameters_ == nullptr || b.parameters_ == nullptr) return false;
  const Parameters& x = *a.parameters_;
  const Parameters& y = *b.parameters_;
  if (x.dimension != y.dimension || x.nodes != y.nodes || x.arguments != y.arguments) return false;
  return x.user_type == nullptr || *x.user_type == *y.user_type;
}

std::optional<size_t> UserType::FindField(std::string_view field) const {
  const auto it = std::find(field_names.begin(), field_names.end(), field);
  if (it == field_names.end()) return std::nullopt;
  return static_cast<size_t>(it - field_names.begin());
}

}  // namespace tholos::data
