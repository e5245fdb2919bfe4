#include "data/schema/resolve.h"

#include "data/types/type_rules.h"

namespace tholos::data {
namespace {

// Equal but for what user types consist of.
bool SameShape(const DataType& a, const DataType& b) {
  if (a.id() != b.id() || a.frozen() != b.frozen()) return false;
  if (a.id() == TypeId::kUdt) {
    return a.user_type().keyspace == b.user_type().keyspace &&
           a.user_type().name == b.user_type().name;
  }
  if (a.id() == TypeId::kVector && a.dimension() != b.dimension()) return false;
  if (a.arguments().size() != b.arguments().size()) return false;
  for (size_t i = 0; i < a.arguments().size(); ++i) {
    if (!SameShape(a.arguments()[i], b.arguments()[i])) return false;
  }
  return true;
}

}  // namespace

bool Extends(const UserType& type, const UserType& previous) {
  if (type.field_types.size() < previous.field_types.size()) return false;
  for (size_t i = 0; i < previous.field_types.size(); ++i) {
    if (!SameShape(type.field_types[i], previous.field_types[i])) return false;
  }
  return true;
}

std::shared_ptr<const UserType> TypeResolver::Resolve(const std::string& name) {
  if (const auto known = resolved_.find(name); known != resolved_.end()) return known->second;
  const auto entry = entries_.find(name);
  if (entry == entries_.end() || entry->second.entity == nullptr) return nullptr;
  if (!resolving_.insert(name).second) return nullptr;
  UserType type = *entry->second.entity;
  for (DataType& field : type.field_types) field = Resolve(field);
  resolving_.erase(name);
  auto shared = std::make_shared<const UserType>(std::move(type));
  resolved_[name] = shared;
  return shared;
}

DataType TypeResolver::Resolve(const DataType& type) {
  if (!type.References(TypeId::kUdt)) return type;
  DataType rebuilt = Rebuild(type);
  // A level is left for the user type around it.
  const bool fits = rebuilt.depth() < kTypeDepthMax && rebuilt.nodes() < kTypeNodesMax;
  return fits ? rebuilt : type;
}

DataType TypeResolver::Rebuild(const DataType& type) {
  std::vector<DataType> arguments;
  for (const DataType& argument : type.arguments()) {
    if (type.id() != TypeId::kUdt) arguments.push_back(Resolve(argument));
  }
  switch (type.id()) {
    case TypeId::kList:
      return DataType::List(arguments[0], type.frozen());
    case TypeId::kSet:
      return DataType::Set(arguments[0], type.frozen());
    case TypeId::kMap:
      return DataType::Map(arguments[0], arguments[1], type.frozen());
    case TypeId::kTuple:
      return DataType::Tuple(std::move(arguments));
    case TypeId::kVector:
      return DataType::Vector(arguments[0], type.dimension());
    case TypeId::kUdt: {
      const UserType& carried = type.user_type();
      const std::shared_ptr<const UserType> present = Resolve(carried.name);
      if (present == nullptr || !Extends(*present, carried)) return type;
      return DataType::Udt(*present, type.frozen());
    }
    default:
      return type;
  }
}

}  // namespace tholos::data
