// tholos: the command line of a Tholos cluster.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"

#include "cli/options.h"

namespace {

constexpr int kExitWrongUsage = 2;

// Help that was asked for is no error.
int WrongUsage(const CLI::App& app, const CLI::ParseError& error) {
  return app.exit(error) == 0 ? 0 : kExitWrongUsage;
}

}  // namespace

int main(int argc, char** argv) {
  // Debian's library looks for cycles at every lock of a mutex otherwise.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app{"The command line of a Tholos cluster"};
  app.set_version_flag("--version", THOLOS_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  tholos::cli::GlobalOptions global;
  app.add_option("--host", global.host, "HOST[:PORT] of any node (gRPC)")
      ->envname("THOLOS_HOST")
      ->capture_default_str();
  app.add_option("--request-timeout", global.timeout_seconds, "Seconds that one request may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  tholos::cli::AddStatus(app, global);
  tholos::cli::AddRing(app, global);
  tholos::cli::AddCql(app, global);
  tholos::cli::AddLoad(app, global);
  tholos::cli::AddBench(app, global);
  tholos::cli::AddMaintenance(app, global);
  tholos::cli::AddSnapshot(app, global);
  tholos::cli::AddRepair(app, global);
  tholos::cli::AddSSTable(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& failed) {
    return failed.get_exit_code();
  } catch (const CLI::RequiredError& error) {
    const std::vector<std::string> unknown = app.remaining();
    if (unknown.empty()) return WrongUsage(app, error);
    std::cerr << "tholos: there is no command '" << unknown[0] << "'; --help shows all\n";
    return kExitWrongUsage;
  } catch (const CLI::ParseError& error) {
    return WrongUsage(app, error);
  }
  return 0;
}
