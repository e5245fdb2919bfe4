#include "cql/statements/insert_json.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/json/json_codec.h"
#include "cql/text.h"

namespace tholos::cql {

absl::Status TakeJson(const Operand& text, const data::TableSchema& table, bool default_unset,
                      Request* request) {
  THOLOS_ASSIGN_OR_RETURN(const Argument argument, text.Take(*request));
  if (!argument.value) {
    return base::InvalidRequest("Got null for INSERT JSON values");
  }
  const absl::StatusOr<JsonValue> json = ParseJson(*argument.value);
  const JsonObject* object = json.ok() ? std::get_if<JsonObject>(&json->value) : nullptr;
  if (object == nullptr) {
    return base::InvalidRequest(
        base::StrCat("Could not decode JSON string as a map: ",
                     json.ok() ? "it is no object" : base::ToStd(json.status().message()),
                     ". (String was: ", Abbreviate(*argument.value), ")"));
  }
  request->json_values.assign(table.columns.size(), BoundValue{std::nullopt, default_unset, ""});
  for (const JsonMember& member : *object) {
    const data::ColumnSchema* column = table.Find(NameOfJson(member.name));
    if (column == nullptr) {
      return base::InvalidRequest(
          base::StrCat("JSON values map contains unrecognized column: ", Abbreviate(member.name)));
    }
    BoundValue& value = request->json_values[column - table.columns.data()];
    absl::StatusOr<data::Value> decoded = FromJson(column->type, member.value);
    if (!decoded.ok()) {
      return base::InvalidRequest(base::StrCat("Error decoding JSON value for ", column->name, ": ",
                                               decoded.status().message()));
    }
    value.value = *std::move(decoded);
    value.unset = false;
  }
  return absl::OkStatus();
}

}  // namespace tholos::cql
