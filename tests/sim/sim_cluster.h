// A cluster of whole nodes in a simulation, and clients that talk to it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "node/node.h"
#include "rpc/sim_network.h"
#include "rpc/sim_transport.h"

namespace tholos::sim {

struct ClusterOptions {
  uint64_t seed = 1;
  int nodes = 3;
  int shards = 2;
  node::Mutants mutants;
};

// Nodes are numbered from 0. Confined to the simulation's thread.
class SimCluster {
 public:
  explicit SimCluster(ClusterOptions options);
  ~SimCluster();

  base::sim::Simulation& simulation() { return simulation_; }
  rpc::SimNetwork& network() { return network_; }
  base::sim::SimNode& machine(int n) { return *members_[n].machine; }
  std::string name(int n) const;
  int size() const { return static_cast<int>(members_.size()); }

  // Boots the machine's process; it serves some time later (serving()). If its start fails the
  // error is in errors(), and it is booted again a second later.
  void Boot(int n);
  void Kill(int n) { members_[n].machine->Kill(); }
  void PowerLoss(int n) { members_[n].machine->PowerLoss(); }
  bool serving(int n) const { return members_[n].node != nullptr; }
  node::Node* node(int n) { return members_[n].node; }
  const std::vector<std::string>& errors() const { return errors_; }
  // All nodes serve and believe each other alive.
  bool AllUp() const;

  // Everything that node n itself has of a table, encoded; equal data have equal encodings.
  absl::StatusOr<std::string> Contents(int n, const std::string& keyspace,
                                       const std::string& table);
  // All nodes have the same of it.
  bool SameContents(const std::string& keyspace, const std::string& table);

  // One statement through node n. `done` is called once, from within the simulation: at once with
  // kUnavailable if the node does not serve (nothing was sent), with kUnknown if it dies before it
  // answers.
  using Done = std::function<void(absl::StatusOr<cql::QueryResult>)>;
  void Query(int n, std::string statement, cql::QueryOptions options, absl::Duration timeout,
             Done done);
  // The same, waiting for the answer in virtual time.
  absl::StatusOr<cql::QueryResult> QueryAndWait(int n, std::string statement,
                                                cql::QueryOptions options = {});

 private:
  struct Member {
    base::sim::SimNode* machine = nullptr;
    node::Node* node = nullptr;  // while it serves
    std::unique_ptr<base::Metrics> metrics;
    std::map<uint64_t, Done> pending;
  };
  base::Task<void> RunNode(int n, uint64_t incarnation);
  base::Task<void> RunContents(int n, data::TableId table,
                               std::shared_ptr<std::optional<absl::StatusOr<std::string>>> answer);
  base::Task<void> RunQuery(int n, uint64_t id, std::string statement, cql::QueryOptions options);
  void Ended(int n);
  void Finish(int n, uint64_t id, absl::StatusOr<cql::QueryResult> result);

  const ClusterOptions options_;
  std::vector<Member> members_;
  std::vector<std::string> errors_;
  uint64_t next_query_ = 1;
  base::sim::Simulation simulation_;
  rpc::SimNetwork network_;
};

}  // namespace tholos::sim
