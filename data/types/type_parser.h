// Types from their CQL text, as in "map<text, frozen<list<int>>>". Statements are parsed by cql/;
// this is for what DataType::name() wrote, and for tools and tests.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::data {

// The definition of a user type. `keyspace` is empty if the name is not qualified.
using UserTypeResolver =
    std::function<std::optional<UserType>(std::string_view keyspace, std::string_view name)>;

// kInvalidArgument says what was expected where, or what type_rules.h forbids. Without a resolver
// no user type is known.
absl::StatusOr<DataType> ParseType(std::string_view text, const UserTypeResolver& resolver = {});

}  // namespace tholos::data
