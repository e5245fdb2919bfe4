#include "cli/completion.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "cli/copy.h"
#include "cli/help.h"
#include "cli/shell_words.h"
#include "cql/keywords.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

void AddTables(const pb::GetSchemaResponse& schema, const std::string& keyspace,
               std::set<std::string>* out) {
  for (const auto& k : schema.keyspaces()) {
    for (const auto& table : k.tables()) {
      if (k.name() == keyspace) out->insert(table.name());
      out->insert(k.name() + "." + table.name());
    }
  }
}

void AddKeyspaces(const pb::GetSchemaResponse& schema, std::set<std::string>* out) {
  for (const auto& k : schema.keyspaces()) out->insert(k.name());
}

// The columns of tables that the line names; of all tables if it names none yet (SELECT lists come
// first).
void AddColumns(const pb::GetSchemaResponse& schema, const std::string& keyspace,
                const std::vector<std::string>& words, std::set<std::string>* out) {
  auto add = [&](bool all) {
    bool found = false;
    for (const auto& k : schema.keyspaces()) {
      for (const auto& table : k.tables()) {
        const bool named =
            std::find(words.begin(), words.end(), k.name() + "." + table.name()) != words.end() ||
            (k.name() == keyspace &&
             std::find(words.begin(), words.end(), table.name()) != words.end());
        if (!named && !(all && k.name() == keyspace)) continue;
        found = true;
        for (const auto& column : table.columns()) out->insert(column.name());
      }
    }
    return found;
  };
  if (!add(false)) add(true);
}

void AddTypes(const CompletionSchema& schema, const std::string& keyspace,
              std::set<std::string>* out) {
  for (const auto& [k, name] : schema.types) {
    if (k == keyspace) out->insert(name);
    out->insert(k + "." + name);
  }
}

// What a command of the shell takes next, `words` being what stands before; false if the first word
// is none.
bool AddShellArguments(const std::vector<std::string>& words, std::set<std::string>* out) {
  if (words.empty()) return false;
  const std::string first = Upper(words[0]);
  const bool second = words.size() == 1;
  if (first == "CONSISTENCY" && second) {
    *out = {"ALL", "ANY",    "EACH_QUORUM", "LOCAL_ONE", "LOCAL_QUORUM", "LOCAL_SERIAL",
            "ONE", "QUORUM", "SERIAL",      "THREE",     "TWO"};
  } else if (first == "SERIAL") {
    if (second) out->insert("CONSISTENCY");
    if (words.size() == 2) *out = {"LOCAL_SERIAL", "SERIAL"};
  } else if ((first == "TRACING" || first == "EXPAND" || first == "PAGING") && second) {
    *out = {"OFF", "ON"};
  } else if (first == "CAPTURE" && second) {
    out->insert("OFF");
  } else if (first == "SHOW" && second) {
    *out = {"HOST", "SESSION", "VERSION"};
  } else if (first == "HELP") {
    for (const std::string& topic : HelpTopics()) out->insert(topic);
  } else if (first == "COPY" && !second) {
    const std::string last = Upper(words.back());
    if (last == "WITH" || last == "AND") {
      for (const std::string& option : CopyOptionNames()) out->insert(option + "=");
    } else if (last == "TO") {
      out->insert("STDOUT");
    } else if (last == "FROM") {
      out->insert("STDIN");
    } else {
      *out = {"AND", "FROM", "TO", "WITH"};
    }
  } else {
    return IsShellCommand(words[0]) && first != "COPY";
  }
  return true;
}

}  // namespace

std::vector<std::string> CompleteCql(const CompletionSchema& schema, const std::string& keyspace,
                                     const std::string& before, const std::string& word) {
#define X(enumerator, spelling, reserved) #spelling,
  static constexpr std::string_view kKeywords[] = {THOLOS_CQL_KEYWORDS(X)};
#undef X
  const std::vector<std::string> words = Words(before);
  const std::string first = words.empty() ? "" : Upper(words.front());
  const std::string last = words.empty() ? "" : Upper(words.back());
  const bool describes = first == "DESCRIBE" || first == "DESC";
  std::set<std::string> found;
  if (AddShellArguments(words, &found)) {
  } else if (last == "FROM" || last == "INTO" || last == "UPDATE" || last == "TABLE" ||
             last == "TRUNCATE" || last == "COPY" || (describes && words.size() == 1)) {
    AddTables(schema.tables, keyspace, &found);
    if (describes && words.size() == 1) {
      AddKeyspaces(schema.tables, &found);
      for (const char* what : {"CLUSTER", "FULL", "KEYSPACE", "KEYSPACES", "SCHEMA", "TABLE",
                               "TABLES", "TYPE", "TYPES"}) {
        found.insert(what);
      }
    }
  } else if (last == "USE" || last == "KEYSPACE") {
    AddKeyspaces(schema.tables, &found);
  } else if (last == "TYPE") {
    AddTypes(schema, keyspace, &found);
  } else {
    for (std::string_view keyword : kKeywords) found.emplace(keyword);
    if (words.empty()) {
      for (const std::string& keyword : ShellCommandNames()) found.insert(keyword);
    } else if (first == "CREATE" || first == "ALTER") {
      AddTypes(schema, keyspace, &found);
    }
    if (!words.empty() && first != "CREATE") {
      AddColumns(schema.tables, keyspace, words, &found);
    }
  }
  std::vector<std::string> out;
  const std::string prefix = Upper(word);
  for (const std::string& candidate : found) {
    if (Upper(candidate).starts_with(prefix)) out.push_back(candidate);
  }
  return out;
}

}  // namespace tholos::cli
