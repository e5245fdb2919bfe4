#include "cql/statements/options.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/analysis/context.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

absl::Status Expected(const Option& option, std::string_view what) {
  return ErrorOfAt(
      option.value.position(),
      base::SyntaxError(base::StrCat("expected ", what, " for option '", Abbreviate(option.name),
                                     "', found ", Abbreviate(ToCql(option.value)))));
}

const Literal* LiteralOf(const Option& option) { return std::get_if<Literal>(&option.value.value); }

}  // namespace

absl::StatusOr<int64_t> IntegerOption(const Option& option, int64_t min, int64_t max) {
  const Literal* literal = LiteralOf(option);
  int64_t value = 0;
  const bool may_be = literal != nullptr && (literal->kind == Literal::Kind::kInteger ||
                                             literal->kind == Literal::Kind::kString);
  if (may_be) {
    const char* end = literal->text.data() + literal->text.size();
    const auto parsed = std::from_chars(literal->text.data(), end, value);
    if (parsed.ec == std::errc() && parsed.ptr == end && value >= min && value <= max) return value;
  }
  return Expected(option, base::StrCat("an integer from ", min, " to ", max));
}

absl::StatusOr<bool> BooleanOption(const Option& option) {
  const Literal* literal = LiteralOf(option);
  if (literal != nullptr && (literal->text == "true" || literal->text == "false")) {
    return literal->text == "true";
  }
  return Expected(option, "true or false");
}

absl::StatusOr<std::string> StringOption(const Option& option) {
  const Literal* literal = LiteralOf(option);
  if (literal != nullptr && literal->kind == Literal::Kind::kString) return literal->text;
  return Expected(option, "a string");
}

absl::StatusOr<std::map<std::string, std::string>> MapOption(const Option& option) {
  const auto* map = std::get_if<MapLiteral>(&option.value.value);
  if (map == nullptr) return Expected(option, "a map");
  std::map<std::string, std::string> result;
  for (const MapEntry& entry : map->entries) {
    const auto& key = std::get<Literal>(entry.key.value);
    const auto& value = std::get<Literal>(entry.value.value);
    const std::string prefix = value.kind == Literal::Kind::kBlob ? "0x" : "";
    if (!result.emplace(key.text, prefix + value.text).second) {
      return ErrorAt(key.position, "'", Abbreviate(key.text), "' is given twice");
    }
  }
  return result;
}

absl::Status ApplyTableOption(const Option& option, data::TableSchema* table) {
  if (option.name == "id") return NotSupportedAt(option.position, "choosing a table's id");
  data::OptionValue value;
  if (const auto* set = std::get_if<SetLiteral>(&option.value.value);
      std::holds_alternative<MapLiteral>(option.value.value) ||
      (set != nullptr && set->elements.empty())) {
    data::OptionMap map;
    if (set == nullptr) {
      THOLOS_ASSIGN_OR_RETURN(map, MapOption(option));
    }
    value = std::move(map);
  } else if (const Literal* literal = LiteralOf(option); literal != nullptr) {
    value = literal->kind == Literal::Kind::kBlob ? "0x" + literal->text : literal->text;
  } else {
    return Expected(option, "a literal or a map");
  }
  const absl::Status status = data::SetTableOption(option.name, value, table);
  return status.ok() ? status : ErrorOfAt(option.position, status);
}

absl::Status ErrorOfAt(Position position, const absl::Status& status) {
  const std::string message = base::StrCat(ToString(position), " ", base::ToStd(status.message()));
  const auto error = base::GetRequestError(status);
  return error.has_value() ? base::MakeRequestError(*error, message)
                           : base::InvalidRequest(message);
}

}  // namespace tholos::cql
