// The shell's own commands, cut into words and options: pure text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::cli {

// A word of a command: bare, 'a string' ('' is a quote in it), "a name", or one of ( ) , = .
struct ShellWord {
  enum class Kind { kBare, kString, kName, kSymbol };
  Kind kind = Kind::kBare;
  std::string text;
  // Bare, and equal but for the case of letters.
  bool Is(std::string_view keyword) const;
};

// kInvalidArgument: a quote that is never closed. A semicolon at the end is left out.
absl::StatusOr<std::vector<ShellWord>> SplitShellWords(std::string_view text);

// Whether a text begins with a command of the shell rather than with a CQL statement.
bool IsShellCommand(std::string_view text);
// The names of all commands, in order.
const std::vector<std::string>& ShellCommandNames();

// A table as statements name it: unquoted words are lower case.
struct TableName {
  std::string keyspace;  // empty: that of the session
  std::string table;
};

// COPY [keyspace.]table [(column, ...)] TO|FROM 'file'|STDOUT|STDIN [WITH option = value AND ...]
struct CopyCommand {
  TableName table;
  std::vector<std::string> columns;  // none: all
  bool from = false;
  std::optional<std::string> file;  // none: STDIN or STDOUT
  // Names in upper case, in the order of the text, each once.
  std::vector<std::pair<std::string, std::string>> options;
};
// kInvalidArgument: "COPY: expected TO or FROM, found 'x'".
absl::StatusOr<CopyCommand> ParseCopy(const std::vector<ShellWord>& words);

// "name", with quotes doubled: as a statement takes any name.
std::string QuoteName(std::string_view name);

}  // namespace tholos::cli
