// tholos snapshot, snapshots, restore: of the tables of one node.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/connection.h"
#include "cli/options.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

struct Arguments {
  std::string table;
  std::string name;
  bool remove = false;
};

template <typename Request>
Request RequestFor(const Arguments& arguments) {
  const size_t dot = arguments.table.find('.');
  if (dot == std::string::npos) Fail("'" + arguments.table + "' is not KEYSPACE.TABLE");
  Request request;
  request.set_keyspace(arguments.table.substr(0, dot));
  request.set_table(arguments.table.substr(dot + 1));
  request.set_name(arguments.name);
  return request;
}

void Print(const pb::SnapshotInfo& snapshot) {
  std::cout << snapshot.keyspace() << "." << snapshot.table() << " " << snapshot.name() << ": "
            << snapshot.sstables() << " SSTables, " << snapshot.bytes() << " bytes\n";
}

// A flush comes first, and restoring waits for compactions to stop: no deadline.
void Snapshot(const GlobalOptions& global, const Arguments& arguments) {
  Connection connection(global);
  grpc::ClientContext context;
  if (arguments.remove) {
    const auto request = RequestFor<pb::RemoveSnapshotRequest>(arguments);
    pb::RemoveSnapshotResponse response;
    const grpc::Status status = connection.admin().RemoveSnapshot(&context, request, &response);
    if (!status.ok()) Fail(connection.Explain(status));
    return;
  }
  const auto request = RequestFor<pb::SnapshotRequest>(arguments);
  pb::SnapshotResponse response;
  const grpc::Status status = connection.admin().Snapshot(&context, request, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  Print(response.snapshot());
}

void List(const GlobalOptions& global) {
  Connection connection(global);
  grpc::ClientContext context;
  connection.SetDeadline(&context);
  pb::ListSnapshotsResponse response;
  const grpc::Status status = connection.admin().ListSnapshots(&context, {}, &response);
  if (!status.ok()) Fail(connection.Explain(status));
  for (const pb::SnapshotInfo& snapshot : response.snapshots()) Print(snapshot);
}

void Restore(const GlobalOptions& global, const Arguments& arguments) {
  Connection connection(global);
  grpc::ClientContext context;
  const auto request = RequestFor<pb::RestoreRequest>(arguments);
  pb::RestoreResponse response;
  const grpc::Status status = connection.admin().Restore(&context, request, &response);
  if (!status.ok()) Fail(connection.Explain(status));
}

}  // namespace

void AddSnapshot(CLI::App& app, GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* snapshot =
      app.add_subcommand("snapshot", "Keeps a node's SSTables of a table under a name");
  snapshot->add_option("table", arguments->table, "KEYSPACE.TABLE")->required();
  snapshot->add_option("name", arguments->name, "NAME")->required();
  snapshot->add_flag("--remove", arguments->remove, "Removes the snapshot instead");
  snapshot->callback([&global, arguments] { Snapshot(global, *arguments); });
  CLI::App* list = app.add_subcommand("snapshots", "Lists a node's snapshots");
  list->callback([&global] { List(global); });
  CLI::App* restore =
      app.add_subcommand("restore", "Adds a snapshot's data to the table, on a node");
  restore->add_option("table", arguments->table, "KEYSPACE.TABLE")->required();
  restore->add_option("name", arguments->name, "NAME")->required();
  restore->callback([&global, arguments] { Restore(global, *arguments); });
}

}  // namespace tholos::cli
