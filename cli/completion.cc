#include "cli/completion.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

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

}  // namespace

std::vector<std::string> CompleteCql(const pb::GetSchemaResponse& schema,
                                     const std::string& keyspace, const std::string& before,
                                     const std::string& word) {
  static constexpr std::string_view kShellWords[] = {"CONSISTENCY", "EXPAND", "EXIT",
                                                     "HELP",        "PAGING", "SOURCE"};
#define X(enumerator, spelling, reserved) #spelling,
  static constexpr std::string_view kKeywords[] = {THOLOS_CQL_KEYWORDS(X)};
#undef X
  const std::vector<std::string> words = Words(before);
  const std::string last = words.empty() ? "" : Upper(words.back());
  std::set<std::string> found;
  if (last == "FROM" || last == "INTO" || last == "UPDATE" || last == "TABLE" ||
      last == "DESCRIBE" || last == "DESC") {
    AddTables(schema, keyspace, &found);
    if (last[0] == 'D') {
      for (const char* what : {"CLUSTER", "KEYSPACE", "KEYSPACES", "SCHEMA", "TABLE", "TABLES"})
        found.insert(what);
    }
  } else if (last == "USE" || last == "KEYSPACE") {
    AddKeyspaces(schema, &found);
  } else {
    for (std::string_view keyword : kKeywords) found.emplace(keyword);
    if (words.empty()) {
      for (std::string_view keyword : kShellWords) found.emplace(keyword);
    } else {
      AddColumns(schema, keyspace, words, &found);
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
