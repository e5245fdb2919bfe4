// tholos flush, compact, metrics: one node's housekeeping.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/connection.h"
#include "cli/options.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

// KEYSPACE.TABLE
std::pair<std::string, std::string> SplitTable(const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) Fail("'" + name + "' is not KEYSPACE.TABLE");
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// Housekeeping takes as long as there is data: no deadline.
void Flush(const GlobalOptions& global, const std::string& table) {
  Connection connection(global);
  grpc::ClientContext context;
  pb::FlushRequest request;
  if (!table.empty()) {
    const auto [keyspace, name] = SplitTable(table);
    request.set_keyspace(keyspace);
    request.set_table(name);
  }
  pb::FlushResponse response;
  const grpc::Status status = connection.admin().Flush(&context, request, &response);
  if (!status.ok()) Fail(connection.Explain(status));
}

void Compact(const GlobalOptions& global, const std::string& table) {
  Connection connection(global);
  grpc::ClientContext context;
  pb::CompactRequest request;
  const auto [keyspace, name] = SplitTable(table);
  request.set_keyspace(keyspace);
  request.set_table(name);
  pb::CompactResponse response;
  const grpc::Status status = connection.admin().Compact(&context, request, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  std::cout << response.sstables_before() << " SSTables became " << response.sstables_after()
            << "\n";
}

void Metrics(const GlobalOptions& global) {
  Connection connection(global);
  grpc::ClientContext context;
  connection.SetDeadline(&context);
  pb::GetMetricsResponse response;
  const grpc::Status status = connection.admin().GetMetrics(&context, {}, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  std::cout << response.prometheus_text();
}

}  // namespace

void AddMaintenance(CLI::App& app, GlobalOptions& global) {
  auto table = std::make_shared<std::string>();
  CLI::App* flush = app.add_subcommand("flush", "Writes a node's memtables to SSTables");
  flush->add_option("table", *table, "KEYSPACE.TABLE; without it all tables");
  flush->callback([&global, table] { Flush(global, *table); });
  CLI::App* compact = app.add_subcommand("compact", "Merges the SSTables of a table on a node");
  compact->add_option("table", *table, "KEYSPACE.TABLE")->required();
  compact->callback([&global, table] { Compact(global, *table); });
  CLI::App* metrics = app.add_subcommand("metrics", "Prints a node's metrics (Prometheus text)");
  metrics->callback([&global] { Metrics(global); });
}

}  // namespace tholos::cli
