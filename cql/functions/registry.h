// All functions, and the choice among overloads.
//
// A name has plain overloads, each with the types of its arguments, or it has rules: functions of
// collections, vectors and masks take any of a kind of types, and are made for the types of a call.
//
// The choice follows Cassandra. An overload whose arguments all match exactly wins at once; else
// the only one that the arguments can be assigned to. Two of those are ambiguous.
//
// Operators are functions with names that no statement can call: see OperatorFunction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/functions/function.h"
#include "data/schema/schema.h"

namespace tholos::cql {

// Whether something can stand where a type is wanted.
enum class Match : uint8_t { kNone, kWeak, kExact };

// Of a value that has a type already. Weak where the bytes of `from` are a value of `to` as well:
// ascii as text, timeuuid as uuid, anything as blob, ...
Match MatchTypes(const data::DataType& from, const data::DataType& to);

// What the choice must know of an argument.
struct ArgumentProbe {
  std::string text;                    // as messages show it
  std::optional<data::DataType> type;  // if it has one: a column, another call, a type hint
  // Of a literal or a marker: what it can be. Not called with `type`.
  std::function<Match(const data::DataType&)> matches;
  // A literal's type where nothing else decides (int, text, ...).
  std::optional<data::DataType> preferred;
  size_t list_elements = 0;  // of a literal list, which may be a vector

  Match MatchWith(const data::DataType& wanted) const {
    return type ? MatchTypes(*type, wanted) : matches ? matches(wanted) : Match::kNone;
  }
};

struct CallSite {
  std::string_view keyspace;  // given with the name; empty: not
  std::string_view name;      // in lower case
  std::vector<ArgumentProbe> arguments;
  // Of the place the result goes to, if it has one: some functions depend on it (from_json).
  std::optional<data::DataType> receiver;
  // token() takes the columns of its partition key.
  const data::TableSchema* table = nullptr;
};

// kInvalidArgument: "Unknown function 'f'", "Invalid number of arguments ...", "Ambiguous call
// ...".
absl::StatusOr<FunctionPtr> ResolveFunction(const CallSite& site);

// "_add" for '+', and so on for - * / %; kNegate is the unary minus.
std::string_view OperatorFunction(char symbol);
inline constexpr std::string_view kNegate = "_negate";
// The symbol of an operator's function, '-' for kNegate; 0 for all other functions.
char OperatorOf(std::string_view function);
// count(*) and count(1).
inline constexpr std::string_view kCountRows = "countRows";
// CAST(x AS int) is "cast_as_" + the type's name.
inline constexpr std::string_view kCastPrefix = "_cast_as_";
// kInvalidArgument "v cannot be cast to int".
absl::StatusOr<FunctionPtr> ResolveCast(const ArgumentProbe& argument, const data::DataType& to);

// "bigint sum(bigint)": how messages list an overload.
std::string Signature(const Function& function);

}  // namespace tholos::cql
