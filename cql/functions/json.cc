// to_json(v), and from_json('...') of whatever type its place has.
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/function_set.h"
#include "cql/json/json_codec.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

absl::StatusOr<Function> MakeToJson(const std::vector<DataType>& types,
                                    const std::optional<DataType>&) {
  Function function;
  function.result = DataType(TypeId::kText);
  function.call = [type = types[0]](FunctionContext&, std::span<const data::Value> arguments)
      -> absl::StatusOr<data::Value> { return data::Value(ToJson(type, arguments[0])); };
  return function;
}

absl::StatusOr<Function> MakeFromJson(const std::vector<DataType>&,
                                      const std::optional<DataType>& receiver) {
  if (!receiver) {
    return absl::InvalidArgumentError(
        "from_json() cannot be used in the selection clause of a SELECT statement");
  }
  Function function;
  function.result = *receiver;
  function.call = OfOne([type = *receiver](std::string_view text) -> absl::StatusOr<data::Value> {
    const absl::StatusOr<JsonValue> json = ParseJson(text);
    if (!json.ok()) {
      return absl::InvalidArgumentError(
          base::StrCat("Could not decode JSON string '", text, "': ", json.status().message()));
    }
    return FromJson(type, *json);
  });
  return function;
}

}  // namespace

void AddJsonFunctions(FunctionSet* set) {
  set->Add(Rule{"to_json", {{.kind = Parameter::Kind::kAny}}, MakeToJson});
  set->Add(Rule{"from_json",
                {{.kind = Parameter::Kind::kFixed,
                  .types = {DataType(TypeId::kText), DataType(TypeId::kAscii)}}},
                MakeFromJson});
  set->AddAlias("tojson", "to_json");
  set->AddAlias("fromjson", "from_json");
}

}  // namespace tholos::cql
