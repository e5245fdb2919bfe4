// The few string functions the parser needs, on std::string_view: Debian's absl::string_view is a
// type of its own.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace tholos::cql {

inline std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string result;
  for (const std::string_view part : parts) result.append(part);
  return result;
}

// `text` with every doubled `quote` made single, and the reverse.
std::string UndoubleQuotes(std::string_view text, char quote);
std::string DoubleQuotes(std::string_view text, char quote);

// At most `bytes_max` bytes of UTF-8 `text` for a message, on one line: cut between characters and
// followed by "..." if it is longer, control characters as \n, \r, \t or \x1f.
std::string Abbreviate(std::string_view text, size_t bytes_max = 40);

}  // namespace tholos::cql
