#include "cql/functions/token.h"

#include <memory>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/key.h"

namespace tholos::cql {
namespace {

absl::StatusOr<data::Value> TokenOfKey(const data::TableSchema& table,
                                       std::span<const data::Value> arguments) {
  std::vector<std::string> components;
  for (const data::Value& argument : arguments) {
    if (!argument) return data::Value();
    components.push_back(*argument);
  }
  THOLOS_ASSIGN_OR_RETURN(const std::string key, data::EncodePartitionKey(table, components));
  return data::Value(data::EncodeBigint(data::TokenOf(key)));
}

}  // namespace

absl::StatusOr<FunctionPtr> ResolveToken(const CallSite& site) {
  if (site.table == nullptr) {
    return absl::InvalidArgumentError("token() needs the partition key of a table");
  }
  Function function;
  function.name = "token";
  function.result = data::DataType(data::TypeId::kBigint);
  const auto table = std::make_shared<const data::TableSchema>(*site.table);
  for (size_t i = 0; i < table->partition_key_size(); ++i) {
    function.arguments.push_back(table->columns[i].type);
  }
  if (site.arguments.size() != function.arguments.size()) {
    return absl::InvalidArgumentError(base::StrCat(
        "Invalid number of arguments in call to function system.token: ", function.arguments.size(),
        " required but ", site.arguments.size(), " provided"));
  }
  for (size_t i = 0; i < site.arguments.size(); ++i) {
    if (site.arguments[i].MatchWith(function.arguments[i]) != Match::kNone) continue;
    return absl::InvalidArgumentError(
        base::StrCat("Type error: ", site.arguments[i].text, " cannot be passed as argument ", i,
                     " of function system.token of type ", function.arguments[i].name()));
  }
  function.call = [table](FunctionContext&, std::span<const data::Value> arguments) {
    return TokenOfKey(*table, arguments);
  };
  return std::make_shared<const Function>(std::move(function));
}

}  // namespace tholos::cql
