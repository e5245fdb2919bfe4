#include "cli/shell_words.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tholos::cli {
namespace {

bool IsSymbol(char c) { return c == '(' || c == ')' || c == ',' || c == '=' || c == '.'; }

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// Goes over the words of a COPY.
class CopyParser {
 public:
  explicit CopyParser(const std::vector<ShellWord>& words) : words_(words) {}

  absl::StatusOr<CopyCommand> Parse() {
    ++place_;  // COPY
    if (!Name(&command_.table.table, "a table")) return error_;
    if (Symbol(".")) {
      command_.table.keyspace = std::move(command_.table.table);
      if (!Name(&command_.table.table, "a table")) return error_;
    }
    if (Symbol("(") && !Columns()) return error_;
    if (!Direction() || !Target() || !Options()) return error_;
    return std::move(command_);
  }

 private:
  bool AtEnd() const { return place_ >= words_.size(); }
  const ShellWord& word() const { return words_[place_]; }

  bool Expected(std::string_view what) {
    error_ = absl::InvalidArgumentError(
        absl::StrCat("COPY: expected ", std::string(what), ", found ",
                     AtEnd() ? std::string("the end") : absl::StrCat("'", word().text, "'")));
    return false;
  }
  bool Symbol(std::string_view symbol) {
    if (AtEnd() || word().kind != ShellWord::Kind::kSymbol || word().text != symbol) return false;
    ++place_;
    return true;
  }
  bool Keyword(std::string_view keyword) {
    if (AtEnd() || !word().Is(keyword)) return false;
    ++place_;
    return true;
  }
  bool Name(std::string* out, std::string_view what) {
    if (AtEnd()) return Expected(what);
    const ShellWord& name = word();
    if (name.kind != ShellWord::Kind::kBare && name.kind != ShellWord::Kind::kName) {
      return Expected(what);
    }
    *out = name.text;
    if (name.kind == ShellWord::Kind::kBare) absl::AsciiStrToLower(out);
    ++place_;
    return true;
  }
  bool Columns() {
    do {
      if (!Name(&command_.columns.emplace_back(), "a column")) return false;
    } while (Symbol(","));
    return Symbol(")") || Expected("',' or ')'");
  }
  bool Direction() {
    command_.from = Keyword("FROM");
    return command_.from || Keyword("TO") || Expected("TO or FROM");
  }
  bool Target() {
    if (Keyword(command_.from ? "STDIN" : "STDOUT")) return true;
    if (AtEnd() || word().kind != ShellWord::Kind::kString) {
      return Expected(command_.from ? "'file' or STDIN" : "'file' or STDOUT");
    }
    command_.file = word().text;
    ++place_;
    return true;
  }
  bool Options() {
    if (AtEnd()) return true;
    if (!Keyword("WITH")) return Expected("WITH or the end");
    do {
      if (AtEnd() || word().kind != ShellWord::Kind::kBare) return Expected("an option");
      std::string name = Upper(word().text);
      for (const auto& [given, value] : command_.options) {
        if (given == name) {
          error_ = absl::InvalidArgumentError(absl::StrCat("COPY: ", name, " is given twice"));
          return false;
        }
      }
      ++place_;
      if (!Symbol("=")) return Expected("'='");
      if (AtEnd() || word().kind == ShellWord::Kind::kSymbol) return Expected("a value");
      command_.options.emplace_back(std::move(name), word().text);
      ++place_;
    } while (Keyword("AND"));
    return AtEnd() || Expected("AND or the end");
  }

  const std::vector<ShellWord>& words_;
  size_t place_ = 0;
  CopyCommand command_;
  absl::Status error_;
};

}  // namespace

bool ShellWord::Is(std::string_view keyword) const {
  return kind == Kind::kBare && Upper(text) == keyword;
}

absl::StatusOr<std::vector<ShellWord>> SplitShellWords(std::string_view text) {
  std::vector<ShellWord> words;
  while (!text.empty() && (IsSpace(text.back()) || text.back() == ';')) text.remove_suffix(1);
  size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (IsSpace(c)) {
      ++i;
    } else if (IsSymbol(c)) {
      words.push_back({ShellWord::Kind::kSymbol, std::string(1, c)});
      ++i;
    } else if (c == '\'' || c == '"') {
      ShellWord word{c == '"' ? ShellWord::Kind::kName : ShellWord::Kind::kString, ""};
      for (++i;; ++i) {
        if (i >= text.size()) {
          return absl::InvalidArgumentError(
              absl::StrCat("a ", std::string(1, c), " that is never closed"));
        }
        if (text[i] == c) {
          if (i + 1 >= text.size() || text[i + 1] != c) break;
          ++i;
        }
        word.text.push_back(text[i]);
      }
      ++i;
      words.push_back(std::move(word));
    } else {
      const size_t start = i;
      while (i < text.size() && !IsSpace(text[i]) && !IsSymbol(text[i]) && text[i] != '\'' &&
             text[i] != '"') {
        ++i;
      }
      words.push_back({ShellWord::Kind::kBare, std::string(text.substr(start, i - start))});
    }
  }
  return words;
}

const std::vector<std::string>& ShellCommandNames() {
  static const auto* names = new std::vector<std::string>{
      "CAPTURE", "CLEAR",  "CLS",  "CONSISTENCY", "COPY", "EXIT",   "EXPAND", "HELP",
      "LOGIN",   "PAGING", "QUIT", "SERIAL",      "SHOW", "SOURCE", "TRACING"};
  return *names;
}

bool IsShellCommand(std::string_view text) {
  size_t start = 0;
  while (start < text.size() && IsSpace(text[start])) ++start;
  size_t end = start;
  while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
  if (end < text.size() && (text[end] == '_' || (text[end] >= '0' && text[end] <= '9')))
    return false;
  const std::string word = Upper(text.substr(start, end - start));
  const std::vector<std::string>& names = ShellCommandNames();
  return std::find(names.begin(), names.end(), word) != names.end();
}

absl::StatusOr<CopyCommand> ParseCopy(const std::vector<ShellWord>& words) {
  return CopyParser(words).Parse();
}

std::string QuoteName(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

}  // namespace tholos::cli
