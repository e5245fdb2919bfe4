// The state of a query shell and what it does with a statement.
#pragma once

#include <string>
#include <string_view>

#include "cli/connection.h"
#include "cql/script.h"

namespace tholos::cli {

class Shell {
 public:
  struct Options {
    std::string keyspace;
    std::string consistency = "QUORUM";
    bool interactive = false;  // pauses between pages
  };

  Shell(const GlobalOptions& global, Options options);

  // Runs one statement or shell command (HELP, CONSISTENCY, PAGING, EXPAND, SOURCE). False if it
  // failed; the error was printed with its place: `name` is the file it comes from, or empty.
  bool Run(const cql::ScriptStatement& statement, const std::string& name);
  // Runs a whole text of statements, stopping at the first that fails.
  bool RunScript(std::string_view text, const std::string& name);
  bool RunFile(const std::string& path);
  // Reads statements from the terminal until EXIT or Ctrl-D.
  void Interact();

 private:
  bool RunShellCommand(const cql::ScriptStatement& statement, bool* handled);
  bool Execute(const cql::ScriptStatement& statement, const std::string& name);
  bool PrintPages(tholos::v1::ExecuteRequest request, tholos::v1::ExecuteResponse response);
  bool PauseBetweenPages();
  void PrintError(const grpc::Status& status, const cql::ScriptStatement& statement,
                  const std::string& name);
  const tholos::v1::GetSchemaResponse& SchemaForCompletion();

  Connection connection_;
  Options options_;
  uint32_t page_rows_;
  bool expanded_ = false;
  bool exit_ = false;
  tholos::v1::GetSchemaResponse schema_;
  absl::Time schema_read_ = absl::InfinitePast();
};

}  // namespace tholos::cli
