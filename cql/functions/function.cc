#include "cql/functions/function.h"

#include "base/strings.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

std::string ResultName(const Function& function, const std::vector<std::string>& arguments) {
  if (function.name == kCountRows) return "count";
  if (const char symbol = OperatorOf(function.name); symbol != 0) {
    if (function.name == kNegate) return base::StrCat("-", arguments[0]);
    return base::StrCat(arguments[0], " ", std::string(1, symbol), " ", arguments[1]);
  }
  if (function.name.starts_with(kCastPrefix)) {
    return base::StrCat("cast(", arguments[0], " as ", function.result.name(), ")");
  }
  std::string name = base::StrCat("system.", function.name, "(");
  for (size_t i = 0; i < arguments.size(); ++i) {
    base::StrAppend(&name, i == 0 ? "" : ", ", arguments[i]);
  }
  return name + ")";
}

}  // namespace tholos::cql
