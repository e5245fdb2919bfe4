// tholos status, tholos ring: what the cluster looks like from one node.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/clock_words.h"
#include "cli/connection.h"
#include "cli/options.h"
#include "cli/table.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

struct StatusOptions {
  std::string keyspace;
  int wait_up = 0;
  double timeout_seconds = 60;
};

// "UN": up or down, then normal, joining or leaving.
std::string StateLetters(bool up, const std::string& state) {
  return absl::StrCat(up ? "U" : "D", state.substr(0, 1));
}

int CountUp(const pb::GetStatusResponse& status) {
  int up = 0;
  for (const auto& node : status.nodes()) up += node.up() && node.state() == "NORMAL";
  return up;
}

// "+12 ms", "-1h0m0s", "-": not measured.
std::string ClockOffset(const pb::NodeStatus& node) {
  if (!node.has_clock_offset_micros()) return "-";
  const absl::Duration offset = absl::Microseconds(node.clock_offset_micros());
  const absl::Duration size = absl::AbsDuration(offset);
  const std::string sign = offset <= -absl::Milliseconds(1) ? "-" : "+";
  if (size < absl::Seconds(10)) return absl::StrCat(sign, absl::ToInt64Milliseconds(size), " ms");
  return absl::StrCat(sign, absl::FormatDuration(absl::Trunc(size, absl::Seconds(1))));
}

void PrintStatus(const pb::GetStatusResponse& status) {
  std::cout << "Cluster: " << status.cluster_name() << "   epoch " << status.epoch() << "\n";
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> versions;
  std::vector<pb::NodeStatus> nodes(status.nodes().begin(), status.nodes().end());
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a.client_address() < b.client_address(); });
  for (const auto& node : nodes) {
    rows.push_back({StateLetters(node.up(), node.state()), node.client_address(),
                    FormatBytes(static_cast<double>(node.load_bytes())),
                    absl::StrCat(node.tokens()), absl::StrFormat("%.1f%%", node.owns() * 100),
                    ClockOffset(node), node.host_id(), node.datacenter(), node.rack()});
    if (node.up()) versions.push_back(node.schema_version());
  }
  std::cout << RenderListing({{"--"},
                              {"Address"},
                              {"Load", true},
                              {"Tokens", true},
                              {"Owns", true},
                              {"Clock", true},
                              {"Host ID"},
                              {"DC"},
                              {"Rack"}},
                             rows);
  if (!status.keyspace().empty()) {
    std::cout << "(Owns: share of keyspace '" << status.keyspace() << "', replicas included)\n";
  }
  if (status.clock_refused()) {
    std::cout << "The clock of the node asked is "
              << base::AheadOfClusters(absl::Microseconds(status.clock_ahead_micros()))
              << ": it refuses writes that need it.\n";
  }
  std::sort(versions.begin(), versions.end());
  if (std::unique(versions.begin(), versions.end()) - versions.begin() > 1) {
    std::cout << "Schema versions differ between the nodes that are up: they are still agreeing.\n";
  }
}

void Status(const GlobalOptions& global, const StatusOptions& options) {
  Connection connection(global);
  const absl::Time give_up = absl::Now() + absl::Seconds(options.timeout_seconds);
  while (true) {
    grpc::ClientContext context;
    connection.SetDeadline(&context);
    // A call that fails at once would not drive the connection that is being made.
    context.set_wait_for_ready(options.wait_up > 0);
    pb::GetStatusRequest request;
    request.set_keyspace(options.keyspace);
    pb::GetStatusResponse response;
    const grpc::Status status = connection.admin().GetStatus(&context, request, &response);
    if (options.wait_up == 0 && !status.ok()) Fail(connection.Explain(status));
    if (status.ok() && CountUp(response) >= options.wait_up) {
      PrintStatus(response);
      return;
    }
    if (absl::Now() > give_up) {
      if (status.ok()) PrintStatus(response);
      Fail(status.ok()
               ? absl::StrCat(CountUp(response), " of ", options.wait_up,
                              " nodes are up and normal after ", options.timeout_seconds, " s")
               : connection.Explain(status));
    }
    absl::SleepFor(absl::Milliseconds(200));
  }
}

void Ring(const GlobalOptions& global, const std::string& keyspace) {
  Connection connection(global);
  grpc::ClientContext context;
  connection.SetDeadline(&context);
  pb::GetRingRequest request;
  request.set_keyspace(keyspace);
  pb::GetRingResponse response;
  const grpc::Status status = connection.admin().GetRing(&context, request, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : response.entries()) {
    rows.push_back({absl::StrCat(entry.token()), StateLetters(entry.up(), entry.state()),
                    entry.address(), entry.datacenter(), entry.rack()});
    if (!keyspace.empty()) rows.back().push_back(absl::StrJoin(entry.replicas(), " "));
  }
  std::vector<TableColumn> columns = {{"Token", true}, {"--"}, {"Address"}, {"DC"}, {"Rack"}};
  if (!keyspace.empty()) columns.push_back({"Replicas"});
  std::cout << RenderListing(columns, rows);
}

}  // namespace

void AddStatus(CLI::App& app, GlobalOptions& global) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = app.add_subcommand("status", "Shows the nodes of the cluster");
  command->add_option("--keyspace", options->keyspace,
                      "Counts ownership with this keyspace's replication");
  command->add_option("--wait-up", options->wait_up,
                      "Waits until this many nodes are up and normal");
  command->add_option("--timeout", options->timeout_seconds, "Seconds to wait")
      ->capture_default_str();
  command->callback([&global, options] { Status(global, *options); });
}

void AddRing(CLI::App& app, GlobalOptions& global) {
  auto keyspace = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("ring", "Shows all tokens and their owners");
  command->add_option("--keyspace", *keyspace, "Shows the replicas of this keyspace too");
  command->callback([&global, keyspace] { Ring(global, *keyspace); });
}

}  // namespace tholos::cli
