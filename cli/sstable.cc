// tholos sstable dump, verify, stats, scrub: SSTable files without a server.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cli/options.h"
#include "sstable/json_dump.h"
#include "sstable/scrub.h"
#include "sstable/verifier.h"

namespace tholos::cli {
namespace {

using base::Task;
using Paths = std::vector<std::string>;

// The number of files with findings.
using Outcome = absl::StatusOr<int>;

Task<Outcome> Dump(base::FileSystem& fs, Paths paths) {
  for (const std::string& path : paths) {
    THOLOS_CO_ASSIGN_OR_RETURN(auto table, co_await sstable::OpenFile(fs, path));
    THOLOS_CO_RETURN_IF_ERROR(co_await sstable::DumpJson(
        std::move(table), [](const std::string& line) { std::cout << line << "\n"; }));
  }
  co_return 0;
}

Task<Outcome> Verify(base::FileSystem& fs, Paths paths) {
  int damaged = 0;
  for (const std::string& path : paths) {
    THOLOS_CO_ASSIGN_OR_RETURN(const auto report, co_await sstable::VerifyFile(fs, path));
    std::cout << path << ": " << report.ToString();
    if (!report.ok()) ++damaged;
  }
  co_return damaged;
}

Task<Outcome> Stats(base::FileSystem& fs, Paths paths) {
  for (const std::string& path : paths) {
    THOLOS_CO_ASSIGN_OR_RETURN(const auto table, co_await sstable::OpenFile(fs, path));
    std::cout << sstable::MetadataAsJson(table->metadata()) << "\n";
  }
  co_return 0;
}

Task<Outcome> Scrub(base::FileSystem& fs, std::string path, sstable::WriterOptions output) {
  THOLOS_CO_RETURN_IF_ERROR(co_await fs.MakeDirectories(output.directory));
  THOLOS_CO_ASSIGN_OR_RETURN(const auto report, co_await sstable::ScrubFile(fs, path, output));
  std::cout << output.directory << "/" << sstable::FileName(output.generation) << ": "
            << report.ToString();
  co_return report.ok() ? 0 : 1;
}

// Runs it on a loop of its own; exit code 1 for findings and errors.
void RunOffline(const std::function<Task<Outcome>(base::FileSystem&)>& command) {
  base::RealClock clock;
  const auto executor = base::RealExecutor::Start({.shards = 1, .background = 1}, clock);
  base::RealFileSystem files(*executor);
  const Outcome outcome = base::BlockOn(executor->shard(0), command(files));
  std::cout.flush();
  if (!outcome.ok()) Fail(std::string(base::ToStd(outcome.status().message())));
  if (*outcome > 0) throw CLI::RuntimeError(1);
}

struct ScrubArguments {
  std::string path;
  std::string directory = ".";
  uint64_t generation = 1;
};

}  // namespace

void AddSSTable(CLI::App& app) {
  CLI::App* sstable = app.add_subcommand("sstable", "Looks into SSTable files, without a server");
  sstable->require_subcommand(1);
  const auto add = [sstable](const char* name, const char* help,
                             Task<Outcome> (*command)(base::FileSystem&, Paths)) {
    auto paths = std::make_shared<Paths>();
    CLI::App* sub = sstable->add_subcommand(name, help);
    sub->add_option("files", *paths, "FILE...")->required();
    sub->callback([paths, command] {
      RunOffline([&](base::FileSystem& fs) { return command(fs, *paths); });
    });
  };
  add("dump", "Prints partitions and rows as JSON lines", &Dump);
  add("verify", "Checks every byte: checksums, order, index, filter, statistics", &Verify);
  add("stats", "Prints what files say of themselves, a JSON line each", &Stats);

  auto arguments = std::make_shared<ScrubArguments>();
  CLI::App* scrub = sstable->add_subcommand("scrub", "Rewrites what is readable into a new file");
  scrub->add_option("file", arguments->path, "FILE")->required();
  scrub
      ->add_option("--to", arguments->directory,
                   "Directory of the new file, made if it is not there")
      ->capture_default_str();
  scrub->add_option("--generation", arguments->generation, "Number in the new file's name")
      ->capture_default_str();
  scrub->callback([arguments] {
    base::RealRandom random;
    const sstable::WriterOptions output{.directory = arguments->directory,
                                        .generation = arguments->generation,
                                        .file_id = random.Stream("scrub").Next()};
    RunOffline([&](base::FileSystem& fs) { return Scrub(fs, arguments->path, output); });
  });
}

}  // namespace tholos::cli
