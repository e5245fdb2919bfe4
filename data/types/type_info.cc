#include "data/types/type_info.h"

#include <array>

namespace tholos::data {
namespace {

constexpr SimpleType kTypes[] = {
    {TypeId::kAscii, "ascii", 0, false, false},
    {TypeId::kBigint, "bigint", 8, true, true},
    {TypeId::kBlob, "blob", 0, false, false},
    {TypeId::kBoolean, "boolean", 1, true, true},
    {TypeId::kCounter, "counter", 8, true, false},
    {TypeId::kDecimal, "decimal", 0, true, false},
    {TypeId::kDouble, "double", 8, true, true},
    {TypeId::kFloat, "float", 4, true, true},
    {TypeId::kInt, "int", 4, true, true},
    {TypeId::kTimestamp, "timestamp", 8, true, true},
    {TypeId::kUuid, "uuid", 16, true, true},
    {TypeId::kText, "text", 0, false, false},
    {TypeId::kVarint, "varint", 0, true, false},
    {TypeId::kTimeuuid, "timeuuid", 16, true, true},
    {TypeId::kInet, "inet", 0, false, false},
    {TypeId::kDate, "date", 4, false, false},
    {TypeId::kTime, "time", 8, false, false},
    {TypeId::kSmallint, "smallint", 2, false, false},
    {TypeId::kTinyint, "tinyint", 1, false, false},
    {TypeId::kDuration, "duration", 0, false, false},
};

constexpr size_t kIdEnd = static_cast<size_t>(TypeId::kDuration) + 1;

// By id; nothing where no simple type has it.
constexpr auto kById = [] {
  std::array<const SimpleType*, kIdEnd> table{};
  for (const SimpleType& type : kTypes) table[static_cast<size_t>(type.id)] = &type;
  return table;
}();

}  // namespace

const SimpleType* FindSimple(TypeId id) {
  const auto index = static_cast<size_t>(id);
  return index < kIdEnd ? kById[index] : nullptr;
}

}  // namespace tholos::data
