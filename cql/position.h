// Where something stands in a CQL text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tholos::cql {

// A regular value. Line and column count from 1; the column counts Unicode characters, so that it
// is the one an editor shows for text without tabs (a tab counts as one). A line ends at '\n'.
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;

  friend bool operator==(const Position&, const Position&) = default;
};

// "line 3:14", the prefix of every error of the lexer and the parser.
std::string ToString(Position position);
// The position that a message begins with, followed by a blank.
std::optional<Position> PositionIn(std::string_view message);

}  // namespace tholos::cql
