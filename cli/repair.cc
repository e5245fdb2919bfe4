// tholos repairs, repair: ranges of nodes that lack writes, and making them whole.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/table.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

// A busy cluster refuses at times, and a step takes a while: that is tried again.
constexpr int kTriesMax = 10;
constexpr absl::Duration kRetryPause = absl::Seconds(1);
constexpr int64_t kMinToken = std::numeric_limits<int64_t>::min();

struct RepairOptions {
  std::string table;  // KEYSPACE.TABLE
  std::string range;  // START:END
  bool all = false;
  double rate_mib = 16;
};

struct Node {
  std::string address;  // gRPC
  bool up = false;
};

// What one node has noted.
struct Need {
  pb::RepairNeed need;
  std::string noted_by;
};

std::map<std::string, Node> NodesById(const GlobalOptions& global) {
  Connection connection(global);
  grpc::ClientContext context;
  connection.SetDeadline(&context);
  pb::GetStatusResponse response;
  const grpc::Status status = connection.admin().GetStatus(&context, {}, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  std::map<std::string, Node> nodes;
  for (const pb::NodeStatus& node : response.nodes())
    nodes[node.host_id()] = {node.client_address(), node.up()};
  return nodes;
}

Connection ConnectTo(const GlobalOptions& global, const std::string& address) {
  GlobalOptions one = global;
  one.host = address;
  return Connection(one);
}

// Of all nodes; those that do not answer are named.
std::vector<Need> ListNeeds(const GlobalOptions& global, const std::map<std::string, Node>& nodes) {
  std::vector<Need> needs;
  for (const auto& [id, node] : nodes) {
    if (!node.up) {
      std::cerr << "tholos: " << node.address << " is down: what it has noted is not known\n";
      continue;
    }
    Connection connection = ConnectTo(global, node.address);
    grpc::ClientContext context;
    connection.SetDeadline(&context);
    pb::ListRepairNeedsResponse response;
    const grpc::Status status = connection.admin().ListRepairNeeds(&context, {}, &response);
    if (!status.ok()) {
      std::cerr << "tholos: " << connection.Explain(status) << "\n";
      continue;
    }
    for (const pb::RepairNeed& need : response.needs()) needs.push_back({need, node.address});
  }
  return needs;
}

std::string TableOf(const pb::RepairNeed& need) {
  if (need.table_id().empty()) return "all tables";
  return need.table().empty() ? "dropped" : absl::StrCat(need.keyspace(), ".", need.table());
}

std::string RangeText(int64_t start, int64_t end) {
  if (start == end) return "whole ring";
  return absl::StrCat("(", start == kMinToken ? std::string("min") : absl::StrCat(start), ", ",
                      end == kMinToken ? std::string("max") : absl::StrCat(end), "]");
}

std::string AddressOf(const std::map<std::string, Node>& nodes, const std::string& id) {
  const auto node = nodes.find(id);
  return node == nodes.end() ? absl::StrCat(id, " (has left)") : node->second.address;
}

void List(const GlobalOptions& global) {
  const auto nodes = NodesById(global);
  std::vector<std::vector<std::string>> rows;
  for (const Need& each : ListNeeds(global, nodes)) {
    const absl::Time since = absl::FromUnixMicros(each.need.since_micros());
    rows.push_back({AddressOf(nodes, each.need.host_id()), TableOf(each.need),
                    RangeText(each.need.start(), each.need.end()),
                    absl::FormatTime("%Y-%m-%d %H:%M:%S", since, absl::LocalTimeZone()),
                    each.noted_by, each.need.why()});
  }
  if (rows.empty()) {
    std::cout << "No range needs repair.\n";
    return;
  }
  std::sort(rows.begin(), rows.end());
  std::cout << RenderListing(
      {{"Lacks writes"}, {"Table"}, {"Range"}, {"Since"}, {"Noted by"}, {"Why"}}, rows);
}

// One range of one table, to its end.
class RangeRepairer {
 public:
  RangeRepairer(const GlobalOptions& global, double bytes_per_second)
      : connection_(global), bytes_per_second_(bytes_per_second) {}

  void Run(pb::RepairRangeRequest request) {
    uint64_t partitions = 0, rows = 0, repaired = 0;
    do {
      const absl::Time start = absl::Now();
      const pb::RepairRangeResponse step = Step(request);
      partitions += step.partitions();
      rows += step.rows();
      repaired += step.repaired();
      request.set_cursor(step.cursor());
      if (bytes_per_second_ > 0) {
        absl::SleepFor(start +
                       absl::Seconds(static_cast<double>(step.bytes()) / bytes_per_second_) -
                       absl::Now());
      }
      if (Interrupted()) Fail("interrupted; what was repaired so far is");
    } while (!request.cursor().empty());
    std::cout << request.keyspace() << "." << request.table() << " "
              << RangeText(request.start(), request.end()) << ": " << FormatCount(partitions)
              << " partitions, " << FormatCount(rows) << " rows; " << FormatCount(repaired)
              << " were mended" << std::endl;
  }

 private:
  pb::RepairRangeResponse Step(const pb::RepairRangeRequest& request) {
    for (int tries = 1;; ++tries) {
      grpc::ClientContext context;
      connection_.SetDeadline(&context);
      pb::RepairRangeResponse response;
      const grpc::Status status = connection_.admin().RepairRange(&context, request, &response);
      if (status.ok()) return response;
      const bool passing = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
                           status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
      if (!passing || tries == kTriesMax || Interrupted())
        Fail(absl::StrCat(request.keyspace(), ".", request.table(), ": ",
                          connection_.Explain(status)));
      absl::SleepFor(kRetryPause);
    }
  }

  Connection connection_;
  const double bytes_per_second_;
};

std::vector<pb::RepairRangeRequest> AllTables(const GlobalOptions& global) {
  Connection connection(global);
  grpc::ClientContext context;
  connection.SetDeadline(&context);
  pb::GetSchemaResponse schema;
  const grpc::Status status = connection.admin().GetSchema(&context, {}, &schema);
  if (!status.ok()) Fail(connection.Explain(status));
  std::vector<pb::RepairRangeRequest> requests;
  for (const pb::SchemaKeyspace& keyspace : schema.keyspaces()) {
    for (const pb::SchemaTable& table : keyspace.tables()) {
      pb::RepairRangeRequest request;
      request.set_keyspace(keyspace.name());
      request.set_table(table.name());
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

// Those that are repaired now are forgotten. False if one of them was noted again.
bool Clear(const GlobalOptions& global, const std::vector<Need>& repaired) {
  bool all = true;
  for (const Need& each : repaired) {
    Connection connection = ConnectTo(global, each.noted_by);
    grpc::ClientContext context;
    connection.SetDeadline(&context);
    pb::ClearRepairNeedResponse response;
    const grpc::Status status = connection.admin().ClearRepairNeed(&context, each.need, &response);
    // Somebody else has repaired it, too.
    if (status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND) continue;
    std::cerr << "tholos: " << TableOf(each.need) << " "
              << RangeText(each.need.start(), each.need.end())
              << " still needs repair: " << connection.Explain(status) << "\n";
    all = false;
  }
  return all;
}

void RepairNeeds(const GlobalOptions& global, const RepairOptions& options) {
  const auto nodes = NodesById(global);
  // Several nodes may have noted the same.
  std::map<std::tuple<std::string, std::string, int64_t, int64_t>, std::vector<Need>> by_range;
  for (const Need& each : ListNeeds(global, nodes)) {
    by_range[{each.need.host_id(), each.need.table_id(), each.need.start(), each.need.end()}]
        .push_back(each);
  }
  if (by_range.empty()) std::cout << "No range needs repair.\n";
  RangeRepairer repairer(global, options.rate_mib * 1024 * 1024);
  bool cleared = true;
  for (const auto& [range, needs] : by_range) {
    const pb::RepairNeed& need = needs[0].need;
    std::vector<pb::RepairRangeRequest> requests;
    if (need.table_id().empty()) {
      requests = AllTables(global);
    } else if (!need.table().empty()) {
      requests.emplace_back();
      requests.back().set_keyspace(need.keyspace());
      requests.back().set_table(need.table());
    }
    for (pb::RepairRangeRequest& request : requests) {
      request.set_start(need.start());
      request.set_end(need.end());
      request.set_host_id(need.host_id());
      repairer.Run(request);
    }
    cleared &= Clear(global, needs);
  }
  if (!cleared) Fail("run it again for what still needs repair");
}

// Whether all of `inner` is repaired with `outer`.
bool Covers(const pb::RepairRangeRequest& outer, const pb::RepairNeed& inner) {
  if (outer.start() == outer.end()) return true;
  const bool ends =
      outer.end() == kMinToken || (inner.end() != kMinToken && inner.end() <= outer.end());
  return inner.start() != inner.end() && inner.start() >= outer.start() && ends;
}

void RepairTable(const GlobalOptions& global, const RepairOptions& options) {
  pb::RepairRangeRequest request;
  const std::vector<std::string> name = absl::StrSplit(options.table, absl::MaxSplits('.', 1));
  if (name.size() != 2) Fail("'" + options.table + "' is not KEYSPACE.TABLE");
  request.set_keyspace(name[0]);
  request.set_table(name[1]);
  if (!options.range.empty()) {
    const std::vector<std::string> ends = absl::StrSplit(options.range, ':');
    int64_t start = 0, end = 0;
    if (ends.size() != 2 || !absl::SimpleAtoi(ends[0], &start) ||
        !absl::SimpleAtoi(ends[1], &end) || start >= end)
      Fail("'" + options.range + "' is not START:END, two tokens in their order");
    request.set_start(start);
    request.set_end(end);
  }
  // What is noted from here on is not cleared.
  std::vector<Need> needs = ListNeeds(global, NodesById(global));
  std::erase_if(needs, [&](const Need& each) {
    return each.need.keyspace() != request.keyspace() || each.need.table() != request.table() ||
           !Covers(request, each.need);
  });
  RangeRepairer(global, options.rate_mib * 1024 * 1024).Run(request);
  if (!Clear(global, needs)) Fail("run it again for what still needs repair");
}

void Repair(const GlobalOptions& global, const RepairOptions& options) {
  if (options.all == !options.table.empty()) Fail("repair takes either KEYSPACE.TABLE or --all");
  if (options.all && !options.range.empty()) Fail("--range is of a table");
  CatchInterrupts();
  options.all ? RepairNeeds(global, options) : RepairTable(global, options);
}

}  // namespace

void AddRepair(CLI::App& app, GlobalOptions& global) {
  CLI::App* list =
      app.add_subcommand("repairs", "Lists the ranges of nodes that lack writes, of all nodes");
  list->callback([&global] { List(global); });
  auto options = std::make_shared<RepairOptions>();
  CLI::App* repair = app.add_subcommand(
      "repair", "Makes replicas equal by reading at ALL; all of them must be up");
  repair->add_option("table", options->table, "KEYSPACE.TABLE");
  repair->add_flag("--all", options->all, "What `tholos repairs` lists, instead of a table");
  repair->add_option("--range", options->range, "START:END, tokens; without it the whole ring");
  repair->add_option("--rate", options->rate_mib, "MiB a second that are read; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  repair->callback([&global, options] { Repair(global, *options); });
}

}  // namespace tholos::cli
