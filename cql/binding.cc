#include "cql/binding.h"

#include <map>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

template <typename... Pieces>
absl::Status MarkerError(size_t index, const ResultColumn& parameter, const Pieces&... pieces) {
  return base::InvalidRequest(
      base::StrCat("bind marker ", index + 1, " (", Abbreviate(parameter.name), "): ", pieces...));
}

absl::StatusOr<std::vector<BoundValue>> BindByName(const std::vector<ResultColumn>& parameters,
                                                   std::vector<BoundValue> values) {
  std::map<std::string_view, const BoundValue*> by_name;
  for (const BoundValue& value : values) {
    if (value.name.empty()) {
      return base::InvalidRequest("values are bound either all by name or all by position");
    }
    if (!by_name.emplace(value.name, &value).second) {
      return base::InvalidRequest(
          base::StrCat("two values for the name '", Abbreviate(value.name), "'"));
    }
  }
  std::vector<BoundValue> bound;
  bound.reserve(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto found = by_name.find(parameters[i].name);
    if (found == by_name.end()) return MarkerError(i, parameters[i], "no value has this name");
    bound.push_back(*found->second);
  }
  return bound;
}

}  // namespace

absl::Status BindValues(const std::vector<ResultColumn>& parameters, const QueryLimits& limits,
                        std::vector<BoundValue>* given) {
  std::vector<BoundValue>& values = *given;
  if (!values.empty() && !values[0].name.empty()) {
    THOLOS_ASSIGN_OR_RETURN(values, BindByName(parameters, std::move(values)));
  }
  if (values.size() != parameters.size()) {
    return base::InvalidRequest(base::StrCat("the statement takes ", parameters.size(),
                                             parameters.size() == 1 ? " value, " : " values, ",
                                             values.size(), " given"));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    BoundValue& value = values[i];
    if (!value.value || value.unset) continue;
    if (value.value->size() > limits.value_bytes_max) {
      return MarkerError(i, parameters[i], "a value of ", value.value->size(),
                         " bytes, the limit is ", limits.value_bytes_max);
    }
    const data::DataType& type = parameters[i].type;
    if (value.kind.id.has_value()) {
      const absl::Status fits = CheckKind(value.kind, type);
      if (!fits.ok()) return MarkerError(i, parameters[i], fits.message());
    }
    if (type.is_simple()) {
      const absl::Status valid = type.Validate(*value.value);
      if (!valid.ok()) return MarkerError(i, parameters[i], valid.message());
    } else {
      absl::StatusOr<std::string> normal = type.Normalize(*std::move(value.value));
      if (!normal.ok()) return MarkerError(i, parameters[i], normal.status().message());
      value.value = *std::move(normal);
    }
  }
  return absl::OkStatus();
}

}  // namespace tholos::cql
