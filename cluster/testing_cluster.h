// For tests: nodes with everything of this module, over the simulated network and disk.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/sim/sim_file_system.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/local_node.h"
#include "cluster/membership.h"
#include "cluster/schema_service_impl.h"
#include "cluster/schema_store.h"
#include "rpc/sim_network.h"
#include "rpc/sim_transport.h"

namespace tholos::cluster {

class TestingCluster {
 public:
  // What one process consists of, in the order in which it is built.
  struct Process {
    Process(TestingCluster& cluster, base::sim::SimNode& node, base::Endpoint address)
        : cluster(cluster), node(node), transport(cluster.network, node, std::move(address)) {}

    base::Task<absl::Status> Start() {
      THOLOS_CO_ASSIGN_OR_RETURN(
          LocalNode local, co_await OpenLocalNode(node.files(), "/data", {"test", "dc1", "rack1"},
                                                  node.random(), node.clock().WallSeconds()));
      id = local.id;
      THOLOS_CO_ASSIGN_OR_RETURN(const data::Schema::Ptr schema,
                                 co_await LoadSchema(node.files(), "/data"));
      installed = schema;
      gossip::GossiperOptions gossip_options{.cluster_name = "test", .seeds = cluster.seeds};
      gossiper = std::make_unique<gossip::Gossiper>(
          gossip_options,
          gossip::GossiperDeps{node.random(), transport, node.log(), metrics, liveness, skew},
          local.id, local.generation);
      publisher = std::make_unique<StatePublisher>(holder, schema);
      MembershipOptions options{.directory = "/data",
                                .seeds = cluster.seeds,
                                .internode = transport.self(),
                                .client = {transport.self().host, 9043},
                                .release = "test"};
      membership = std::make_unique<Membership>(
          options, MembershipDeps{node.files(), node.random(), node.log(), *gossiper, *publisher},
          std::move(local));
      service = std::make_unique<SchemaServiceImpl>(
          SchemaServiceOptions{.directory = "/data"},
          SchemaServiceDeps{node.clock(), node.executor(), node.files(), node.log(), transport,
                            *gossiper, *publisher},
          schema, [this](data::Schema::Ptr next) { return Install(std::move(next)); });
      gossiper->RegisterHandlers();
      service->RegisterHandlers();
      THOLOS_CO_RETURN_IF_ERROR(co_await transport.Start());
      THOLOS_CO_RETURN_IF_ERROR(co_await membership->Join());
      gossiper->Start();
      service->Start();
      co_return absl::OkStatus();
    }
    base::Task<void> Stop() {
      co_await gossiper->Stop();
      co_await service->Stop();
      co_await membership->Stop();
      co_await transport.Stop();
    }
    base::Task<absl::Status> Install(data::Schema::Ptr next) {
      co_await base::Yield();
      if (install_error.ok()) installed = next;
      co_return install_error;
    }

    TestingCluster& cluster;
    base::sim::SimNode& node;
    base::Metrics metrics;
    gossip::LivenessView liveness;
    gossip::SkewView skew;
    ring::ClusterStateHolder holder;
    ring::NodeId id;
    data::Schema::Ptr installed;
    absl::Status install_error;
    absl::Status started = absl::UnknownError("starting");
    rpc::SimTransport transport;
    std::unique_ptr<gossip::Gossiper> gossiper;
    std::unique_ptr<StatePublisher> publisher;
    std::unique_ptr<Membership> membership;
    std::unique_ptr<SchemaServiceImpl> service;
  };

  explicit TestingCluster(uint64_t seed) : simulation({.seed = seed}), network(simulation) {}

  static base::Endpoint Address(int n) { return {base::StrCat("n", n), 7000}; }

  base::sim::SimNode& Node(int n) {
    const std::string name = base::StrCat("n", n);
    base::sim::SimNode* node = simulation.FindNode(name);
    return node != nullptr ? *node : simulation.AddNode(name, {});
  }
  Process& Boot(int n) {
    base::sim::SimNode& node = Node(n);
    node.Boot();
    Process& process = node.Own(std::make_unique<Process>(*this, node, Address(n)));
    processes[n] = &process;
    node.Spawn(RunStart(&process));
    return process;
  }
  void Kill(int n, bool power_loss = false) {
    processes.erase(n);
    if (!Node(n).running()) return;
    power_loss ? Node(n).PowerLoss() : Node(n).Kill();
  }
  void Stop(int n) {
    bool stopped = false;
    Node(n).Spawn(RunStop(processes.at(n), &stopped));
    simulation.RunUntil([&] { return stopped; }, absl::Seconds(30));
    Node(n).Shutdown();
    processes.erase(n);
  }
  Process& operator[](int n) { return *processes.at(n); }

  // All running nodes have the same ring of `nodes` nodes and the same schema, and believe each
  // other alive.
  bool Agreed(size_t nodes) {
    ring::ClusterState::Ptr first;
    for (const auto& [n, process] : processes) {
      if (!process->started.ok()) return false;
      const ring::ClusterState::Ptr state = process->holder.Get();
      if (first == nullptr) first = state;
      if (state->nodes().size() != nodes || state->nodes() != first->nodes()) return false;
      if (state->schema().digest() != first->schema().digest()) return false;
      if (process->installed->digest() != first->schema().digest()) return false;
      if (process->liveness.Snapshot()->size() != processes.size()) return false;
    }
    return true;
  }
  absl::Duration Agree(size_t nodes, absl::Duration max = absl::Minutes(2)) {
    const base::MonotonicTime begin = simulation.now();
    const auto outcome = simulation.RunUntil([&] { return Agreed(nodes); }, max);
    return outcome == base::sim::Simulation::Outcome::kReached ? simulation.now() - begin
                                                               : absl::InfiniteDuration();
  }

  // The change through node n; `*out` is set when it returned.
  void StartChange(int n, SchemaService::Change change, absl::Duration timeout,
                   std::optional<absl::Status>* out) {
    Process* process = processes.at(n);
    process->node.Spawn(RunChange(process, std::move(change), timeout, out));
  }
  absl::Status Change(int n, SchemaService::Change change,
                      absl::Duration timeout = absl::Seconds(10)) {
    auto status = std::make_unique<std::optional<absl::Status>>();
    StartChange(n, std::move(change), timeout, status.get());
    simulation.RunUntil([&] { return status->has_value(); }, absl::Minutes(2));
    return status->value_or(absl::UnknownError("the change did not return"));
  }

  base::sim::Simulation simulation;
  rpc::SimNetwork network;
  std::vector<base::Endpoint> seeds = {Address(1), Address(2), Address(3)};
  std::map<int, Process*> processes;

 private:
  static base::Task<void> RunStart(Process* process) {
    process->started = co_await process->Start();
  }
  static base::Task<void> RunStop(Process* process, bool* stopped) {
    co_await process->Stop();
    *stopped = true;
  }
  static base::Task<void> RunChange(Process* process, SchemaService::Change change,
                                    absl::Duration timeout, std::optional<absl::Status>* out) {
    // From another shard than the service's own.
    base::Loop& home = base::Loop::Current();
    co_await base::SwitchTo(process->node.executor().shard(1));
    absl::Status status = co_await process->service->Apply(
        std::move(change), base::Loop::Current().clock().Now() + timeout);
    co_await base::SwitchTo(home);
    *out = std::move(status);
  }
};

// Changes for tests.
inline SchemaService::Change CreateKeyspace(std::string name, int factor = 1) {
  return [name, factor](const data::Schema& schema, int64_t now) {
    return schema.WithKeyspace(
        {name, {{"class", "SimpleStrategy"}, {"replication_factor", base::StrCat(factor)}}}, now);
  };
}
inline data::TableSchema TableNamed(std::string keyspace, std::string name, uint8_t id) {
  data::TableSchema table;
  table.id.bytes[0] = id;
  table.keyspace = std::move(keyspace);
  table.name = std::move(name);
  data::ColumnSchema key;
  key.name = "k";
  key.type = data::DataType(data::TypeId::kText);
  key.kind = data::ColumnKind::kPartitionKey;
  table.columns.push_back(key);
  return table;
}
inline SchemaService::Change CreateTable(std::string keyspace, std::string name, uint8_t id) {
  return [table = TableNamed(std::move(keyspace), std::move(name), id)](
             const data::Schema& schema, int64_t now) { return schema.WithTable(table, now); };
}

}  // namespace tholos::cluster
