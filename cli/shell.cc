#include "cli/shell.h"

#include <signal.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/completion.h"
#include "cli/consistency.h"
#include "cli/line_editor.h"
#include "cli/result_printer.h"
#include "cli/table.h"
#include "coordinator/consistency.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr uint32_t kPageRowsScript = 1000;
constexpr uint32_t kPageRowsTerminal = 100;

constexpr char kHelp[] =
    "CQL statements end with a semicolon. The shell's own words:\n"
    "  HELP\n"
    "  CONSISTENCY [LEVEL]     shows or sets the consistency level\n"
    "  PAGING [ROWS]           shows or sets the rows of a page\n"
    "  EXPAND ON | OFF         one column a line\n"
    "  SOURCE 'FILE'           runs the statements of a file\n"
    "  DESCRIBE KEYSPACES | TABLES | SCHEMA | KEYSPACE name | TABLE name\n"
    "  EXIT\n";

// The words of a shell command: upper case, but for what stands in quotes.
std::vector<std::string> CommandWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (!quoted && (std::isspace(static_cast<unsigned char>(c)) != 0 || c == ';')) {
      if (!word.empty()) words.push_back(std::exchange(word, ""));
    } else {
      word += quoted ? c : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

bool IsShellCommand(std::string_view text) {
  const std::vector<std::string> words = CommandWords(text);
  if (words.empty()) return false;
  for (const char* command :
       {"HELP", "CONSISTENCY", "PAGING", "EXPAND", "SOURCE", "EXIT", "QUIT"}) {
    if (words[0] == command) return true;
  }
  return false;
}

std::string HistoryFile() {
  const char* home = getenv("HOME");
  return home == nullptr ? "" : absl::StrCat(home, "/.tholos_history");
}

// "line L:C message" of the server, counted within its statement.
bool TakePlace(const std::string& message, cql::Position* place, std::string* rest) {
  unsigned line = 0;
  unsigned column = 0;
  int used = 0;
  if (std::sscanf(message.c_str(), "line %u:%u %n", &line, &column, &used) != 2 || used == 0)
    return false;
  *place = {line, column};
  *rest = message.substr(static_cast<size_t>(used));
  return true;
}

std::string LineOf(std::string_view text, uint32_t line) {
  std::istringstream in{std::string(text)};
  std::string out;
  for (uint32_t i = 0; i < line && std::getline(in, out); ++i) {
  }
  return out;
}

}  // namespace

Shell::Shell(const GlobalOptions& global, Options options)
    : connection_(global),
      options_(std::move(options)),
      page_rows_(options_.interactive ? kPageRowsTerminal : kPageRowsScript) {
  ToProtoConsistency(options_.consistency);
}

bool Shell::Run(const cql::ScriptStatement& statement, const std::string& name) {
  bool handled = false;
  const bool ok = RunShellCommand(statement, &handled);
  return handled ? ok : Execute(statement, name);
}

bool Shell::RunShellCommand(const cql::ScriptStatement& statement, bool* handled) {
  *handled = IsShellCommand(statement.text);
  if (!*handled) return true;
  const std::vector<std::string> words = CommandWords(statement.text);
  const std::string argument = words.size() > 1 ? words[1] : "";
  if (words[0] == "HELP") {
    std::cout << kHelp;
  } else if (words[0] == "EXIT" || words[0] == "QUIT") {
    exit_ = true;
  } else if (words[0] == "CONSISTENCY") {
    if (!argument.empty()) {
      const auto level = coordinator::ConsistencyFromName(argument);
      if (!level.ok()) {
        std::cerr << level.status().message() << "\n";
        return false;
      }
      options_.consistency = argument;
    }
    std::cout << "Consistency level is " << options_.consistency << ".\n";
  } else if (words[0] == "PAGING") {
    if (!argument.empty() && (!absl::SimpleAtoi(argument, &page_rows_) || page_rows_ == 0)) {
      std::cerr << "PAGING takes a number of rows\n";
      return false;
    }
    std::cout << "A page has " << page_rows_ << " rows.\n";
  } else if (words[0] == "EXPAND") {
    if (argument != "ON" && argument != "OFF") {
      std::cerr << "EXPAND takes ON or OFF\n";
      return false;
    }
    expanded_ = argument == "ON";
  } else if (words[0] == "SOURCE") {
    return RunFile(argument);
  }
  return true;
}

bool Shell::Execute(const cql::ScriptStatement& statement, const std::string& name) {
  pb::ExecuteRequest request;
  request.set_query(std::string(statement.text));
  request.set_keyspace(options_.keyspace);
  request.set_consistency(ToProtoConsistency(options_.consistency));
  request.set_page_size(page_rows_);
  request.set_row_format(pb::ROW_FORMAT_RAW);
  grpc::ClientContext context;
  connection_.SetDeadline(&context);
  pb::ExecuteResponse response;
  const grpc::Status status = connection_.cql().Execute(&context, request, &response);
  if (!status.ok()) {
    PrintError(status, statement, name);
    return false;
  }
  for (const std::string& warning : response.warnings())
    std::cerr << "warning: " << warning << "\n";
  if (response.has_set_keyspace()) options_.keyspace = response.set_keyspace();
  if (response.has_schema_change()) schema_read_ = absl::InfinitePast();
  if (!response.has_rows()) return true;
  return PrintPages(std::move(request), std::move(response));
}

bool Shell::PrintPages(pb::ExecuteRequest request, pb::ExecuteResponse response) {
  uint64_t rows = 0;
  while (true) {
    const pb::RowsPage& page = response.rows();
    const auto text = RenderPage(page, expanded_);
    if (!text.ok()) {
      std::cerr << text.status().message() << "\n";
      return false;
    }
    rows += page.row_count();
    const std::string next = page.paging_state();
    if (page.row_count() > 0 || (rows == 0 && next.empty())) std::cout << *text;
    if (next.empty()) break;
    // A page may be empty without being the last.
    if (options_.interactive && page.row_count() > 0 && !PauseBetweenPages()) break;
    request.set_paging_state(next);
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    response.Clear();
    const grpc::Status status = connection_.cql().Execute(&context, request, &response);
    if (!status.ok()) {
      std::cerr << connection_.Explain(status) << "\n";
      return false;
    }
  }
  std::cout << "(" << FormatCount(rows) << (rows == 1 ? " row)" : " rows)") << "\n";
  return true;
}

bool Shell::PauseBetweenPages() {
  std::cout << "--- Enter: more, q: enough ---" << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return false;
  return line.empty() || (line[0] != 'q' && line[0] != 'Q');
}

void Shell::PrintError(const grpc::Status& status, const cql::ScriptStatement& statement,
                       const std::string& name) {
  cql::Position place;
  std::string message;
  if (!TakePlace(status.error_message(), &place, &message)) {
    if (!name.empty()) std::cerr << name << ":" << statement.start.line << ": ";
    std::cerr << connection_.Explain(status) << "\n";
    return;
  }
  const uint32_t line = statement.start.line + place.line - 1;
  const uint32_t column =
      place.line == 1 ? statement.start.column + place.column - 1 : place.column;
  if (!name.empty()) std::cerr << name << ":";
  std::cerr << line << ":" << column << ": " << message << "\n"
            << "  " << LineOf(statement.text, place.line) << "\n"
            << "  " << std::string(place.column - 1, ' ') << "^\n";
}

bool Shell::RunScript(std::string_view text, const std::string& name) {
  const cql::Script script = cql::SplitScript(text);
  for (const cql::ScriptStatement& statement : script.statements) {
    if (!Run(statement, name)) return false;
    if (exit_) return true;
  }
  // The last statement may do without its semicolon.
  return script.tail.text.empty() || Run(script.tail, name);
}

bool Shell::RunFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // An empty file makes the copy fail too, and is no error.
    if (in.is_open() && in.peek() == std::ifstream::traits_type::eof()) return true;
    std::cerr << "cannot read " << path << "\n";
    return false;
  }
  return RunScript(text.str(), path);
}

const pb::GetSchemaResponse& Shell::SchemaForCompletion() {
  if (absl::Now() - schema_read_ > absl::Seconds(5)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
    pb::GetSchemaResponse fresh;
    if (connection_.admin().GetSchema(&context, {}, &fresh).ok()) schema_ = std::move(fresh);
    schema_read_ = absl::Now();
  }
  return schema_;
}

void Shell::Interact() {
  LineEditor editor(HistoryFile(), [this](const std::string& before, const std::string& word) {
    return CompleteCql(SchemaForCompletion(), options_.keyspace, before, word);
  });
  // Ctrl-C must not take the shell with it.
  signal(SIGINT, SIG_IGN);
  std::cout << "Connected to " << connection_.target()
            << ". HELP lists the shell's words; Tab completes.\n";
  std::string pending;
  while (!exit_) {
    const std::string prompt =
        options_.keyspace.empty() ? "cql> " : absl::StrCat("cql:", options_.keyspace, "> ");
    const auto line =
        editor.ReadLine(pending.empty() ? prompt : std::string(prompt.size() - 5, ' ') + "...> ");
    if (!line.has_value()) break;
    if (pending.empty() && IsShellCommand(*line)) {
      editor.AddHistory(*line);
      Run({*line, {}}, "");
      continue;
    }
    pending += pending.empty() ? *line : "\n" + *line;
    const cql::Script script = cql::SplitScript(pending);
    if (script.open != cql::Script::Open::kNothing) continue;
    editor.AddHistory(pending);
    for (const cql::ScriptStatement& statement : script.statements) {
      if (!Run(statement, "")) break;
    }
    pending.clear();
  }
}

}  // namespace tholos::cli
