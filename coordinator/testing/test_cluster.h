// A cluster for the coordinator's tests: real storage engines, coordinators and replica services
// over the simulated network, disk and clock. Who is believed alive is set by the test; there is no
// gossip and one fixed schema.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "coordinator/coordinator_impl.h"
#include "coordinator/replica_service.h"
#include "data/partition.h"
#include "rpc/sim_network.h"
#include "rpc/sim_transport.h"

namespace tholos::coordinator {

// What goes wrong in a node's storage engine, besides its disk.
struct EngineFaults {
  absl::Status read_error;
  absl::Status apply_error;
  absl::Duration read_delay;
  absl::Duration apply_delay;
  // Writes are applied one after the other, each of which takes so long, whoever waits for it.
  absl::Duration apply_service;
  // Writes do not find their table until the node has asked for it.
  bool table_unknown = false;
};

struct TestClusterOptions {
  uint64_t seed = base::sim::SeedFromEnvironment();
  int nodes = 3;
  int replication_factor = 3;
  int shards = 2;
  // Two slices of the ring a node, all of one size. Otherwise node 0 is almost every key's first
  // replica, node 1 the second, ...
  bool even_slices = false;
  // The datacenter of each node; empty: all in dc1. And the keyspace's options; empty:
  // SimpleStrategy.
  std::vector<std::string> datacenters;
  std::map<std::string, std::string> replication;
  std::map<std::string, std::string> table_options;
  CoordinatorOptions coordinator;
  // Of the storage engines.
  uint64_t commitlog_segment_bytes = 1 << 20;
  uint64_t mutation_bytes_max = 512 << 10;
};

// Nodes are numbered from 0. A test's calls run on shard 0 of the node that coordinates.
class TestCluster {
 public:
  static constexpr char kKeyspace[] = "ks";
  static const data::TableId kTable;

  explicit TestCluster(TestClusterOptions options = {});
  ~TestCluster();

  // Boots with what is on its disk.
  void Boot(int node);
  void Kill(int node);
  void PowerLoss(int node);
  void Shutdown(int node);
  // What all nodes believe.
  void SetAlive(std::vector<int> nodes);

  absl::Status Write(int coordinator, data::Mutation mutation, ConsistencyLevel level,
                     absl::Duration timeout = absl::Seconds(2));
  absl::StatusOr<ReadPage> Read(int coordinator, data::ReadCommand command, ConsistencyLevel level,
                                absl::Duration timeout = absl::Seconds(2));
  // It is stopped, and the others do not know it any more.
  void Remove(int node);
  // What the node's gossip says of its clock.
  void SetSkew(int node, absl::Duration ahead) { machines_[node].process->skew.Publish(ahead); }
  // On this replica alone, past the coordinator.
  void Apply(int node, data::Mutation mutation);
  data::ReadResult ReadReplica(int node, data::ReadCommand command);
  // Has the replica this row, live?
  bool HasRow(int node, const std::string& key, const std::string& clustering);

  template <typename Function>
  auto Run(int node, Function&& function) -> typename std::invoke_result_t<Function>::value_type;
  void RunFor(absl::Duration span) { simulation_.RunFor(span); }
  bool RunUntil(absl::FunctionRef<bool()> predicate, absl::Duration max) {
    return simulation_.RunUntil(predicate, max) == base::sim::Simulation::Outcome::kReached;
  }

  EngineFaults& faults(int node) { return machines_[node].faults; }
  ClusterCoordinator& coordinator(int node) { return *machines_[node].process->coordinator; }
  base::sim::SimNode& sim_node(int node) { return *machines_[node].sim; }
  rpc::SimNetwork& network() { return *network_; }
  base::sim::Simulation& simulation() { return simulation_; }
  static ring::NodeId Id(int node);
  ring::ClusterState::Ptr state() const { return MakeState(); }
  std::string Name(int node) const { return "n" + std::to_string(node); }
  // The sum over labels of a counter of the node's present process.
  double Metric(int node, const std::string& name) const;
  int64_t now_seconds(int node) { return sim_node(node).clock().WallSeconds(); }

 private:
  struct Process {
    std::unique_ptr<rpc::SimTransport> transport;
    std::unique_ptr<storage::Engine> engine;
    std::unique_ptr<base::Metrics> metrics = std::make_unique<base::Metrics>();
    ring::ClusterStateHolder cluster;
    gossip::LivenessView liveness;
    gossip::SkewView skew{absl::Seconds(10)};
    std::unique_ptr<TimestampSource> timestamps;
    std::unique_ptr<ReplicaService> service;
    std::unique_ptr<ClusterCoordinator> coordinator;
  };
  struct Machine {
    base::sim::SimNode* sim = nullptr;
    Process* process = nullptr;  // of the running one
    EngineFaults faults;
  };

  base::Task<void> StartProcess(int node, bool* started);
  base::Task<void> StopProcess(Process* process);
  ring::ClusterState::Ptr MakeState() const;

  const TestClusterOptions options_;
  base::sim::Simulation simulation_;
  std::unique_ptr<rpc::SimNetwork> network_;
  std::vector<Machine> machines_;
  std::vector<int> alive_;
  std::optional<int> removed_;
};

// Rows of one text column with id 0 and one static column with id 1.
data::Row TextRow(const std::string& clustering, data::Timestamp timestamp,
                  const std::string& value);
data::Mutation PutRow(const std::string& key, const std::string& clustering,
                      data::Timestamp timestamp, const std::string& value);
data::Mutation DeleteRow(const std::string& key, const std::string& clustering,
                         data::Timestamp timestamp);
data::Mutation PutStatic(const std::string& key, data::Timestamp timestamp,
                         const std::string& value);
data::ReadCommand ReadAll(const std::string& key);
data::ReadCommand ReadEverything();
// "key/clustering=value", a static row as "key/*=value".
std::vector<std::string> Show(const std::vector<data::Partition>& partitions);
std::vector<std::string> Show(const absl::StatusOr<ReadPage>& page);

namespace internal {
template <typename T>
base::Task<void> AwaitInto(base::Task<T> task, std::shared_ptr<std::optional<T>> result) {
  *result = co_await std::move(task);
}
}  // namespace internal

template <typename Function>
auto TestCluster::Run(int node, Function&& function) ->
    typename std::invoke_result_t<Function>::value_type {
  using T = typename std::invoke_result_t<Function>::value_type;
  auto result = std::make_shared<std::optional<T>>();
  // The call itself must be on the node's shard.
  base::Loop& shard = sim_node(node).executor().shard(0);
  shard.Post([&] { base::SpawnDetached(shard, internal::AwaitInto<T>(function(), result)); });
  THOLOS_CHECK(RunUntil([&] { return result->has_value(); }, absl::Minutes(10)))
      << "a task did not end";
  return *std::move(*result);
}

}  // namespace tholos::coordinator
