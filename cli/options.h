// What all commands of `tholos` share.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/endpoint.h"

namespace CLI {
class App;
}

namespace tholos::cli {

struct GlobalOptions {
  std::string host = "127.0.0.1:9043";  // HOST[:PORT] of any node
  double timeout_seconds = 10;          // of one request

  absl::Duration timeout() const { return absl::Seconds(timeout_seconds); }
};

// Each adds its subcommand; its callback does the work and throws CLI::RuntimeError(exit code) on
// failure. `global` outlives the parsing.
void AddStatus(CLI::App& app, GlobalOptions& global);
void AddRing(CLI::App& app, GlobalOptions& global);
void AddCql(CLI::App& app, GlobalOptions& global);
void AddLoad(CLI::App& app, GlobalOptions& global);
void AddBench(CLI::App& app, GlobalOptions& global);
void AddMaintenance(CLI::App& app, GlobalOptions& global);  // flush, compact, metrics

void AddSnapshot(CLI::App& app, GlobalOptions& global);  // snapshot, snapshots, restore
void AddRepair(CLI::App& app, GlobalOptions& global);    // repairs, repair
void AddSSTable(CLI::App& app);                          // offline

// Prints "tholos: <message>" to standard error and ends the command with exit code 1.
[[noreturn]] void Fail(const std::string& message);

// "cannot read orders.csv: No such file or directory", right after opening it failed (errno).
std::string CannotOpen(std::string_view verb, std::string_view path);

}  // namespace tholos::cli
