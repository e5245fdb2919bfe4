// User types inside types: the present definition in the place of the one that a column carries.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "data/schema/state.h"

namespace tholos::data {

// Resolves the types of one keyspace. The outcome is a function of the entries alone, whatever the
// order in which they came.
class TypeResolver {
 public:
  explicit TypeResolver(const Schema::State::Entries<UserType>& entries) : entries_(entries) {}

  // The present definition of a type; nullptr if there is none.
  std::shared_ptr<const UserType> Resolve(const std::string& name);
  // `type` with every user type in it resolved; itself where nothing changed, and where the whole
  // would break the limits of types.
  DataType Resolve(const DataType& type);

 private:
  DataType Rebuild(const DataType& type);

  const Schema::State::Entries<UserType>& entries_;
  std::map<std::string, std::shared_ptr<const UserType>, std::less<>> resolved_;
  std::set<std::string, std::less<>> resolving_;  // those that would consist of themselves
};

// Whether `type` is `previous` with other names of fields, or further fields behind the others.
bool Extends(const UserType& type, const UserType& previous);

}  // namespace tholos::data
