// Statements: how they are run and shown, from scripts and from the terminal.
#include "cli/shell.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/uuid.h"
#include "cli/consistency.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/result_printer.h"
#include "cli/table.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr uint32_t kPageRowsScript = 1000;
constexpr uint32_t kPageRowsTerminal = 100;

std::string HistoryFile() {
  const char* home = getenv("HOME");
  return home == nullptr ? "" : absl::StrCat(home, "/.tholos_history");
}

// "line L:C message" of the server, counted within its statement.
bool TakePlace(const std::string& message, cql::Position* place, std::string* rest) {
  unsigned line = 0;
  unsigned column = 0;
  int used = 0;
  if (std::sscanf(message.c_str(), "line %u:%u %n", &line, &column, &used) != 2 || used == 0) {
    return false;
  }
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

// The first line of a text, which is taken from it with its line break.
std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

bool IsCopy(std::string_view command) {
  const auto words = SplitShellWords(command);
  return words.ok() && !words->empty() && (*words)[0].Is("COPY");
}

// Whether Enter ends this input. Commands of the shell need no semicolon, nor does an empty line.
bool IsComplete(const std::string& input) {
  if (input.find_first_not_of(" \t\n;") == std::string::npos) return true;
  if (IsShellCommand(input)) {
    const auto words = SplitShellWords(input);
    if (!words.ok()) return false;
    return !(*words)[0].Is("COPY") || input.find_last_not_of(" \t\n") == input.rfind(';') ||
           ParseCopy(*words).ok();
  }
  return cql::SplitScript(input).open == cql::Script::Open::kNothing;
}

}  // namespace

Shell::Shell(const GlobalOptions& global, Options options)
    : global_(global),
      connection_(global),
      options_(std::move(options)),
      page_rows_(options_.interactive ? kPageRowsTerminal : kPageRowsScript),
      standard_(&std::cout) {
  ToProtoConsistency(options_.consistency);
}

bool Shell::Fail(const std::string& message) {
  std::cerr << message << "\n";
  exit_code_ = kExitStatementFailed;
  return false;
}

// In a script a command of the shell may stand on a line of its own, without a semicolon.
bool Shell::Run(const cql::ScriptStatement& statement, const std::string& name) {
  std::string_view text = statement.text;
  cql::Position start = statement.start;
  while (IsShellCommand(text)) {
    const bool copy = IsCopy(text.substr(0, text.find('\n')));
    std::string_view rest = text;
    const std::string_view command = copy ? text : TakeLine(&rest);
    const auto words = SplitShellWords(command);
    if (!words.ok()) return Fail(std::string(words.status().message()));
    if (!RunCommand(*words)) return false;
    if (copy || exit_) return true;
    start = {start.line + 1, 1};
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\n')) {
      if (rest.front() == '\n') ++start.line;
      rest.remove_prefix(1);
    }
    if (rest.empty()) return true;
    text = rest;
  }
  return Execute({text, start}, name);
}

grpc::Status Shell::Call(const pb::ExecuteRequest& request, pb::ExecuteResponse* response) {
  grpc::ClientContext context;
  connection_.SetDeadline(&context);
  grpc::Status status;
  absl::Notification done;
  connection_.cql().async()->Execute(&context, &request, response, [&](grpc::Status ended) {
    status = std::move(ended);
    done.Notify();
  });
  while (!done.WaitForNotificationWithTimeout(absl::Milliseconds(50))) {
    if (Interrupted()) context.TryCancel();
  }
  return status;
}

bool Shell::Execute(const cql::ScriptStatement& statement, const std::string& name) {
  pb::ExecuteRequest request;
  request.set_query(std::string(statement.text));
  request.set_keyspace(options_.keyspace);
  request.set_consistency(ToProtoConsistency(options_.consistency));
  request.set_page_size(page_rows_);
  request.set_row_format(pb::ROW_FORMAT_RAW);
  request.set_tracing(tracing_);
  pb::ExecuteResponse response;
  const grpc::Status status = Call(request, &response);
  if (!status.ok()) {
    PrintError(status, statement, name);
    return false;
  }
  for (const std::string& warning : response.warnings()) {
    std::cerr << "warning: " << warning << "\n";
  }
  if (response.has_set_keyspace()) options_.keyspace = response.set_keyspace();
  if (response.has_schema_change()) schema_read_ = absl::InfinitePast();
  const std::string trace = response.tracing_id();
  request.set_tracing(false);
  if (response.has_rows() && !PrintPages(std::move(request), std::move(response))) return false;
  if (trace.empty()) return true;
  const auto id = base::Uuid::FromBytes(trace);
  if (id.ok()) PrintTrace(id->ToString());
  return true;
}

bool Shell::PrintPages(pb::ExecuteRequest request, pb::ExecuteResponse response) {
  uint64_t rows = 0;
  // Statements are all there is to see of it: they can be run again as they stand.
  const bool counts = !IsDescription(response.rows());
  while (true) {
    const pb::RowsPage& page = response.rows();
    const auto text = RenderPage(page, expanded_);
    if (!text.ok()) return Fail(std::string(text.status().message()));
    rows += page.row_count();
    const std::string next = page.paging_state();
    if (page.row_count() > 0 || (rows == 0 && next.empty())) out() << *text;
    if (next.empty()) break;
    // A page may be empty without being the last.
    const bool pauses = options_.interactive && pauses_ && !capture_.is_open();
    if (pauses && page.row_count() > 0 && !PauseBetweenPages()) break;
    request.set_paging_state(next);
    response.Clear();
    const grpc::Status status = Call(request, &response);
    if (!status.ok()) return Fail(connection_.Explain(status));
  }
  if (counts) out() << "(" << FormatCount(rows) << (rows == 1 ? " row)" : " rows)") << "\n";
  return true;
}

bool Shell::PauseBetweenPages() {
  std::cout << "--- Enter: more, q: enough ---" << std::flush;
  std::string line;
  // Ctrl-C is enough, too: it leaves the line unread.
  if (!std::getline(std::cin, line)) {
    std::cin.clear();
    return false;
  }
  return line.empty() || (line[0] != 'q' && line[0] != 'Q');
}

void Shell::PrintError(const grpc::Status& status, const cql::ScriptStatement& statement,
                       const std::string& name) {
  exit_code_ = kExitStatementFailed;
  if (status.error_code() == grpc::StatusCode::CANCELLED && Interrupted()) {
    std::cerr << "cancelled; a write may have been applied\n";
    exit_code_ = kExitInterrupted;
    return;
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    exit_code_ = kExitUnreachable;
  }
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
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // An empty file makes the copy fail too, and is no error.
    if (in.is_open() && in.peek() == std::ifstream::traits_type::eof()) return true;
    return Fail(CannotOpen("read", path));
  }
  return RunScript(text.str(), path);
}

CompletionSchema& Shell::SchemaForCompletion() {
  if (absl::Now() - schema_read_ > absl::Seconds(5)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
    pb::GetSchemaResponse fresh;
    if (connection_.admin().GetSchema(&context, {}, &fresh).ok()) schema_.tables = std::move(fresh);
    const auto types = Ask("SELECT keyspace_name, type_name FROM system_schema.types");
    if (types.ok()) {
      schema_.types.clear();
      for (const auto& type : *types) schema_.types.emplace_back(type[0], type[1]);
    }
    schema_read_ = absl::Now();
  }
  return schema_;
}

bool Shell::RunInput(const std::string& input) {
  if (IsShellCommand(input)) return Run({input, {}}, "");
  const cql::Script script = cql::SplitScript(input);
  for (const cql::ScriptStatement& statement : script.statements) {
    if (!Run(statement, "")) return false;
  }
  return true;
}

void Shell::Interact() {
  LineEditor editor(HistoryFile(), {.complete =
                                        [this](const std::string& before, const std::string& word) {
                                          return CompleteCql(SchemaForCompletion(),
                                                             options_.keyspace, before, word);
                                        },
                                    .is_complete = IsComplete});
  std::cout << "Connected to " << connection_.target()
            << ". HELP lists the shell's words; Tab completes.\n";
  while (!exit_) {
    const auto input = editor.Read(
        options_.keyspace.empty() ? "cql> " : absl::StrCat("cql:", options_.keyspace, "> "));
    if (!input.has_value()) break;
    if (input->find_first_not_of(" \t\n;") == std::string::npos) continue;
    editor.AddHistory(*input);
    ClearInterrupt();
    RunInput(*input);
    std::cout << std::flush;
  }
}

}  // namespace tholos::cli
