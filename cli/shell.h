// The state of a query shell and what it does with a statement.
#pragma once

#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/completion.h"
#include "cli/connection.h"
#include "cli/shell_words.h"
#include "cql/script.h"

namespace tholos::cli {

// What the command ends with.
inline constexpr int kExitStatementFailed = 1;
inline constexpr int kExitUnreachable = 2;
inline constexpr int kExitInterrupted = 130;

class Shell {
 public:
  struct Options {
    std::string keyspace;
    std::string consistency = "QUORUM";
    bool interactive = false;  // pauses between pages
  };

  Shell(const GlobalOptions& global, Options options);

  // Runs one statement or shell command. False if it failed; the error was printed with its place:
  // `name` is the file it comes from, or empty.
  bool Run(const cql::ScriptStatement& statement, const std::string& name);
  // Runs a whole text of statements, stopping at the first that fails.
  bool RunScript(std::string_view text, const std::string& name);
  bool RunFile(const std::string& path);
  // Reads statements from the terminal until EXIT or Ctrl-D.
  void Interact();

  // Of the last statement that failed; 0 if none did.
  int exit_code() const { return exit_code_; }

 private:
  using Words = std::vector<ShellWord>;

  // ---- shell.cc
  bool Execute(const cql::ScriptStatement& statement, const std::string& name);
  // Ctrl-C cancels it.
  grpc::Status Call(const tholos::v1::ExecuteRequest& request,
                    tholos::v1::ExecuteResponse* response);
  bool PrintPages(tholos::v1::ExecuteRequest request, tholos::v1::ExecuteResponse response);
  bool PauseBetweenPages();
  void PrintError(const grpc::Status& status, const cql::ScriptStatement& statement,
                  const std::string& name);
  bool Fail(const std::string& message);
  bool RunInput(const std::string& input);
  CompletionSchema& SchemaForCompletion();
  std::ostream& out() { return capture_.is_open() ? capture_ : *standard_; }

  // ---- shell_commands.cc
  bool RunCommand(const Words& words);
  bool Consistency(const Words& words);
  bool SerialConsistency(const Words& words);
  bool Paging(const Words& words);
  bool Switch(const Words& words, std::string_view what, bool* value);
  bool Source(const Words& words);
  bool Capture(const Words& words);
  bool Show(const Words& words);
  bool Copy(const Words& words);
  using TextRows = std::vector<std::vector<std::string>>;
  // The rows of a statement of the shell's own, as text; null is "null".
  absl::StatusOr<TextRows> Ask(const std::string& query);
  bool ShowSession(const std::string& id);
  absl::Status PrintSession(const std::string& id);
  // The trace of a statement that was done just now: it is stored a moment later. Where it cannot
  // be read a note says so.
  void PrintTrace(const std::string& id);

  const GlobalOptions& global_;
  Connection connection_;
  Options options_;
  std::string serial_consistency_ = "SERIAL";
  uint32_t page_rows_;
  bool pauses_ = true;
  bool expanded_ = false;
  bool tracing_ = false;
  bool exit_ = false;
  int exit_code_ = 0;
  int source_depth_ = 0;
  std::ostream* standard_;
  std::ofstream capture_;
  CompletionSchema schema_;
  absl::Time schema_read_ = absl::InfinitePast();
};

}  // namespace tholos::cli
