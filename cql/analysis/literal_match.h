// What a term without a type of its own can stand for: literals and markers, for the choice among
// overloads.
#pragma once

#include <optional>

#include "cql/ast.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

// An integer weakly matches every number and the times, a string the text types and whatever is
// written as a string, ...; a collection literal a collection type whose elements match. A literal
// matches its preferred type exactly; null and markers match everything weakly. Calls, columns and
// the like, which have a type, match nothing here.
Match MatchTerm(const Term& term, const data::DataType& type);

// Of a literal: int, bigint or varint by its size; decimal or double; text; boolean; uuid or
// timeuuid; blob; duration. Of a collection literal: a frozen list, set, map or tuple of the first
// elements' types. Nothing for null, markers and empty literals.
std::optional<data::DataType> PreferredType(const Term& term);

// Of a list literal, how many; 0 of everything else.
size_t ListElements(const Term& term);

}  // namespace tholos::cql
