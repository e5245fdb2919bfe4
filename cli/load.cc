// tholos load: a CSV file with a header into a table.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/connection.h"
#include "cli/copy.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/row_loader.h"
#include "cli/table.h"

namespace tholos::cli {
namespace {

struct Arguments {
  std::string table;
  std::string file;
  std::string consistency = "QUORUM";
  int in_flight = 512;
  bool again = false;
};

void Load(const GlobalOptions& global, const Arguments& arguments) {
  const size_t dot = arguments.table.find('.');
  if (dot == std::string::npos) {
    Fail(absl::StrCat("there is no table ", arguments.table, " (give it as KEYSPACE.TABLE)"));
  }
  LoadOptions options;
  options.table = {arguments.table.substr(0, dot), arguments.table.substr(dot + 1)};
  options.header = true;
  options.consistency = arguments.consistency;
  options.in_flight = arguments.in_flight;
  options.again = arguments.again;
  options.once = true;
  options.progress_file = arguments.file + ".tholos-load";
  options.bad_file = arguments.file + ".bad";
  options.interrupted = Interrupted;
  std::ifstream in(arguments.file, std::ios::binary);
  if (!in) Fail(CannotOpen("read", arguments.file));
  std::error_code error;
  options.file_bytes = std::filesystem::file_size(arguments.file, error);
  if (error) Fail(absl::StrCat("cannot read ", arguments.file, ": ", error.message()));
  Connection connection(global);
  CatchInterrupts();
  const absl::StatusOr<LoadReport> report = LoadRows(global, connection, in, options);
  if (!report.ok()) Fail(absl::StrCat(arguments.file, ": ", report.status().message()));
  if (report->loaded_before) {
    std::cout << arguments.file << " is loaded into " << arguments.table << " already ("
              << FormatCount(report->resumed_after) << " rows); --again loads it once more\n";
    return;
  }
  std::cout << RowsPerSecond(report->loaded, report->seconds) << "\n";
  if (report->interrupted) Fail("interrupted; the same command goes on from there");
  if (report->bad > 0) {
    Fail(absl::StrCat(FormatCount(report->bad), " rows were not loaded, kept in ", options.bad_file,
                      " with the reasons"));
  }
}

}  // namespace

void AddLoad(CLI::App& app, GlobalOptions& global) {
  auto options = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("load", "Loads a CSV file with a header into a table");
  command->add_option("--table", options->table, "KEYSPACE.TABLE")->required();
  command->add_option("file", options->file, "The CSV file; its first line names the columns")
      ->required();
  command->add_option("--consistency", options->consistency, "Consistency level")
      ->capture_default_str();
  command->add_option("--in-flight", options->in_flight, "Rows under way at once")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--again", options->again,
                    "Starts from the first row, whatever was loaded before");
  command->callback([&global, options] { Load(global, *options); });
}

}  // namespace tholos::cli
