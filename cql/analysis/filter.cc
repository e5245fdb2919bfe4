#include "cql/analysis/filter.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

bool Holds(Operator op, int order) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kIn:
      return order == 0;
    case Operator::kNotEqual:
      return order != 0;
    case Operator::kLess:
      return order < 0;
    case Operator::kLessOrEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    case Operator::kGreaterOrEqual:
      return order >= 0;
    default:
      THOLOS_CHECK(false) << "operator " << ToString(op);
      return false;
  }
}

// Among every `step`th part from `first` on.
bool HasPart(const DataType& type, std::string_view bytes, size_t first, size_t step,
             const DataType& part_type, std::string_view wanted) {
  const std::vector<std::string_view> parts = data::ElementsOf(type, bytes);
  for (size_t i = first; i < parts.size(); i += step) {
    if (part_type.Compare(parts[i], wanted) == 0) return true;
  }
  return false;
}

std::optional<std::string_view> MapValue(const DataType& type, std::string_view bytes,
                                         std::string_view key) {
  const std::vector<std::string_view> parts = data::ElementsOf(type, bytes);
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    if (type.arguments()[0].Compare(parts[i], key) == 0) return parts[i + 1];
  }
  return std::nullopt;
}

}  // namespace

int BoundFilter::CompareTo(const std::vector<std::string>& alternative,
                           const std::vector<std::string>& values) const {
  for (size_t i = 0; i < values.size(); ++i) {
    const int order = columns[i].column->type.Compare(values[i], alternative[i]);
    if (order != 0) return order;
  }
  return 0;
}

bool BoundFilter::Matches(const RowView& view) const {
  std::string scratch;
  std::vector<std::string> values;
  for (const ColumnRef& column : columns) {
    const std::optional<std::string_view> value = column.ValueIn(view, &scratch);
    if (!value) return false;
    values.emplace_back(*value);
  }
  const DataType& type = columns[0].column->type;
  const auto wanted = [this]() -> const std::string& { return alternatives[0][0]; };
  if (op == Operator::kContains) {
    const bool map = type.id() == TypeId::kMap;
    return HasPart(type, values[0], map ? 1 : 0, map ? 2 : 1, type.arguments().back(), wanted());
  }
  if (op == Operator::kContainsKey) {
    return HasPart(type, values[0], 0, 2, type.arguments()[0], wanted());
  }
  if (element) {
    const std::optional<std::string_view> value = MapValue(type, values[0], *element);
    return value && Holds(op, type.arguments()[1].Compare(*value, wanted()));
  }
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const auto& alternative) {
    return Holds(op, CompareTo(alternative, values));
  });
}

}  // namespace tholos::cql
