// tholos cql: the query shell. A script ends with 0, 1 if a statement failed, 2 if the node cannot
// be reached, 130 after Ctrl-C.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/shell.h"

namespace tholos::cli {
namespace {

struct CqlOptions {
  Shell::Options shell;
  std::vector<std::string> statements;
  std::vector<std::string> files;
};

void Cql(const GlobalOptions& global, CqlOptions options) {
  const bool script = !options.statements.empty() || !options.files.empty();
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  options.shell.interactive = !script && terminal;
  CatchInterrupts();
  Shell shell(global, options.shell);
  bool ok = true;
  for (const std::string& file : options.files) ok = ok && shell.RunFile(file);
  for (const std::string& statement : options.statements) ok = ok && shell.RunScript(statement, "");
  if (!script && terminal) shell.Interact();
  if (!script && !terminal) {
    const std::string text{std::istreambuf_iterator<char>(std::cin),
                           std::istreambuf_iterator<char>()};
    ok = shell.RunScript(text, "");
  }
  std::cout << std::flush;
  if (!ok) throw CLI::RuntimeError(Interrupted() ? kExitInterrupted : shell.exit_code());
}

}  // namespace

void AddCql(CLI::App& app, GlobalOptions& global) {
  auto options = std::make_shared<CqlOptions>();
  CLI::App* command =
      app.add_subcommand("cql", "The query shell; with -e or -f, or from a pipe, without a prompt");
  command->add_option("-e,--execute", options->statements, "Runs these statements");
  command->add_option("-f,--file", options->files, "Runs the statements of a file");
  command->add_option("-k,--keyspace", options->shell.keyspace, "The keyspace to start in");
  command->add_option("--consistency", options->shell.consistency, "Consistency level")
      ->capture_default_str();
  command->callback([&global, options] { Cql(global, *options); });
}

}  // namespace tholos::cli
