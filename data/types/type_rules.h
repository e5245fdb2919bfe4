// Which types CQL allows: the one place where types with parameters are made from a statement, or
// judged when they come from another node. The messages are Cassandra's; all errors are
// kInvalidArgument.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::data {

// list<E>, set<E>, map<K, V> as written, without frozen<> around them: elements that are
// collections or UDTs have to be frozen, keys and elements of sets may hold no duration, nothing a
// counter.
absl::StatusOr<DataType> MakeList(DataType element);
absl::StatusOr<DataType> MakeSet(DataType element);
absl::StatusOr<DataType> MakeMap(DataType key, DataType value);
absl::StatusOr<DataType> MakeTuple(std::vector<DataType> fields);
absl::StatusOr<DataType> MakeVector(DataType element, int64_t dimension);
// frozen<T>: of a collection, tuple or UDT; it freezes what is inside as well. So where frozen<...>
// encloses a type, make its inner types with InsideFrozen of them: frozen<list<set<int>>> is legal.
absl::StatusOr<DataType> MakeFrozen(DataType type);
inline DataType InsideFrozen(const DataType& type) { return type.Frozen(); }

// A type wherever it may have come from: all of the above, at every depth, and the limits of depth
// and nodes.
absl::Status CheckType(const DataType& type);
// The definition of a user type: fields once each, no counters, UDTs within it frozen.
absl::Status CheckUserType(const UserType& definition);

// Whether every value of `previous` could be read as one of `type`, both of one column: the same
// type, or blob for anything of one piece, text for ascii, varint for int and bigint, ...
bool IsValueCompatible(const DataType& type, const DataType& previous);
// With a tuple in the place of every user type (of a non-frozen one too).
DataType ExpandUserTypes(const DataType& type);

enum class ColumnUse : uint8_t { kPrimaryKey, kOther };
// A column's type, on top of CheckType.
absl::Status CheckColumnType(const DataType& type, ColumnUse use, std::string_view column);

}  // namespace tholos::data
