#include "cli/help.h"

#include <cctype>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tholos::cli {
namespace {

struct Topic {
  const char* name;
  const char* summary;
  const char* text;
};

constexpr Topic kTopics[] = {
    // ---- commands of the shell ----
    {"CAPTURE", "writes results to a file",
     "CAPTURE 'file'   appends results to the file instead of showing them\n"
     "CAPTURE OFF      shows them again\n"
     "CAPTURE          says whether they are captured\n"},
    {"CLEAR", "clears the screen", "CLEAR, CLS\n"},
    {"CONSISTENCY", "shows or sets the consistency level",
     "CONSISTENCY [level]\n"
     "  ANY, ONE, TWO, THREE, QUORUM, ALL, LOCAL_QUORUM, EACH_QUORUM, LOCAL_ONE\n"},
    {"COPY", "writes a table to a CSV file, or loads one",
     "COPY [keyspace.]table [(column, ...)] TO 'file' | STDOUT [WITH option = value AND ...]\n"
     "COPY [keyspace.]table [(column, ...)] FROM 'file' | STDIN [WITH option = value AND ...]\n"
     "  HEADER = TRUE           the first line names the columns\n"
     "  DELIMITER, QUOTE        one character each: ',' and '\"'\n"
     "  ESCAPE                  before a quote in a field: '\\'; the quote itself doubles it\n"
     "  NULL                    what null is in the file: ''\n"
     "  DATETIMEFORMAT          of timestamps, as '%Y-%m-%d %H:%M:%E3S%z'\n"
     "  MAXROWS                 stops after so many rows; -1: all\n"
     "  INFLIGHT                ranges of tokens (TO) or rows (FROM) under way at once\n"
     " TO only\n"
     "  PAGESIZE                rows that are asked for at once: 1000\n"
     "  BEGINTOKEN, ENDTOKEN    a part of the table\n"
     " FROM only\n"
     "  SKIPROWS                leaves out the first rows\n"
     "  MAXERRORS               stops after so many bad rows: 1000; -1: never\n"
     "  ERRFILE                 bad rows with the reason behind them: 'file'.bad\n"
     "  TTL                     seconds that the rows live\n"
     "An interrupted COPY FROM of a file goes on where it stopped when it is run again.\n"},
    {"EXIT", "ends the shell", "EXIT, QUIT, or Ctrl-D\n"},
    {"EXPAND", "shows one column a line", "EXPAND [ON | OFF]\n"},
    {"HELP", "shows this", "HELP [topic]\n"},
    {"LOGIN", "changes the role",
     "LOGIN is refused: a node does not ask gRPC clients who they are yet.\n"},
    {"PAGING", "pauses between pages, or does not",
     "PAGING ON | OFF   pauses after each page, or does not\n"
     "PAGING rows       sets the size of a page\n"},
    {"SERIAL CONSISTENCY", "the level of conditional statements",
     "SERIAL CONSISTENCY [SERIAL | LOCAL_SERIAL]\n"},
    {"SHOW", "about the node, and stored traces",
     "SHOW VERSION      of the shell, the node and CQL\n"
     "SHOW HOST         the cluster and the address\n"
     "SHOW SESSION id   a stored trace\n"},
    {"SOURCE", "runs the statements of a file", "SOURCE 'file'\n"},
    {"TRACING", "shows what each statement did where",
     "TRACING [ON | OFF]\n"
     "After each statement come the steps of its trace: activity, time, node, microseconds since\n"
     "the start. They are in system_traces for a day.\n"},
    // ---- statements ----
    {"ALTER KEYSPACE", "", "ALTER KEYSPACE [IF EXISTS] name WITH replication = {...} [AND ...]\n"},
    {"ALTER TABLE", "",
     "ALTER TABLE [IF EXISTS] name\n"
     "  ADD [IF NOT EXISTS] (column type, ...) | DROP [IF EXISTS] (column, ...)\n"
     "  | RENAME column TO column [AND ...] | WITH option = value [AND ...]\n"},
    {"ALTER TYPE", "",
     "ALTER TYPE [IF EXISTS] name ADD [IF NOT EXISTS] field type | RENAME field TO field [AND "
     "...]\n"},
    {"BATCH", "",
     "BEGIN [UNLOGGED] BATCH [USING TIMESTAMP microseconds]\n"
     "  insert; update; delete; ...\n"
     "APPLY BATCH\n"},
    {"CREATE KEYSPACE", "",
     "CREATE KEYSPACE [IF NOT EXISTS] name\n"
     "  WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}\n"
     "  [AND durable_writes = true]\n"},
    {"CREATE TABLE", "",
     "CREATE TABLE [IF NOT EXISTS] name (column type [STATIC] [PRIMARY KEY], ...,\n"
     "  [PRIMARY KEY ((partition, ...), clustering, ...)])\n"
     "  [WITH CLUSTERING ORDER BY (column ASC | DESC, ...) AND option = value ...]\n"},
    {"CREATE TYPE", "", "CREATE TYPE [IF NOT EXISTS] name (field type, ...)\n"},
    {"DELETE", "",
     "DELETE [column, column['key'], ...] FROM table [USING TIMESTAMP microseconds] WHERE ...\n"},
    {"DESCRIBE", "shows the statements that make a schema",
     "DESCRIBE CLUSTER | KEYSPACES | TABLES | TYPES | [FULL] SCHEMA\n"
     "DESCRIBE KEYSPACE [name] | TABLE name | TYPE name | name\n"},
    {"DROP", "", "DROP KEYSPACE | TABLE | TYPE [IF EXISTS] name\n"},
    {"INSERT", "",
     "INSERT INTO table (column, ...) VALUES (value, ...) [USING TTL seconds AND TIMESTAMP "
     "microseconds]\n"
     "INSERT INTO table JSON '{...}' [DEFAULT NULL | UNSET] [USING ...]\n"},
    {"SELECT", "",
     "SELECT [JSON] [DISTINCT] * | selector [AS name], ... FROM table\n"
     "  [WHERE condition AND ...] [GROUP BY column, ...] [ORDER BY column ASC | DESC, ...]\n"
     "  [PER PARTITION LIMIT n] [LIMIT n] [ALLOW FILTERING]\n"},
    {"TRUNCATE", "", "TRUNCATE [TABLE] name\n"},
    {"TYPES", "the types of columns",
     "ascii bigint blob boolean date decimal double duration float inet int smallint text time\n"
     "timestamp timeuuid tinyint uuid varchar varint; list<t> set<t> map<k, v> tuple<t, ...>\n"
     "vector<t, n> frozen<t>; user types\n"},
    {"UPDATE", "",
     "UPDATE table [USING TTL seconds AND TIMESTAMP microseconds]\n"
     "  SET column = value, collection['key'] = value, collection = collection + value, ...\n"
     "  WHERE key = value AND ...\n"},
    {"USE", "chooses a keyspace", "USE keyspace\n"},
};

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string Overview() {
  std::string text = "CQL statements end with a semicolon. The shell's own commands do without:\n";
  std::vector<std::string> statements;
  for (const Topic& topic : kTopics) {
    const std::string name = topic.name;
    if (topic.summary[0] == '\0') {
      statements.push_back(name);
    } else {
      absl::StrAppend(&text, "  ", name, std::string(name.size() < 20 ? 20 - name.size() : 1, ' '),
                      topic.summary, "\n");
    }
  }
  absl::StrAppend(&text, "HELP followed by a name tells more, also of the statements:\n  ",
                  absl::StrJoin(statements, ", "), "\n");
  return text;
}

}  // namespace

std::vector<std::string> HelpTopics() {
  std::vector<std::string> names;
  for (const Topic& topic : kTopics) names.emplace_back(topic.name);
  return names;
}

absl::StatusOr<std::string> HelpOn(std::string_view topic) {
  if (topic.empty()) return Overview();
  const std::string wanted = Upper(topic);
  std::vector<std::string> alike;
  for (const Topic& known : kTopics) {
    if (wanted == known.name) return std::string(known.text);
    if (std::string_view(known.name).starts_with(wanted) ||
        std::string_view(known.name).ends_with(" " + wanted)) {
      alike.emplace_back(known.name);
    }
  }
  if (wanted == "QUIT") return HelpOn("EXIT");
  if (wanted == "CLS") return HelpOn("CLEAR");
  if (alike.size() == 1) return HelpOn(alike[0]);
  return absl::NotFoundError(absl::StrCat(
      "there is no help on ", wanted,
      alike.empty() ? std::string() : absl::StrCat("; see ", absl::StrJoin(alike, ", "))));
}

}  // namespace tholos::cli
