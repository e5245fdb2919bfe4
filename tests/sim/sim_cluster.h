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
#include "tests/sim/wall_clocks.h"

namespace tholos::sim {

struct Place {
  std::string datacenter = "dc1";
  std::string rack = "rack1";
};

struct ClusterOptions {
  uint64_t seed = 1;
  std::vector<Place> places = std::vector<Place>(3);  // of the nodes
  int shards = 2;
  node::Faults faults;
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
  const Place& place(int n) const { return options_.places[static_cast<size_t>(n)]; }
  // Datacenters by number, in the order of the nodes.
  int datacenter(int n) const { return members_[n].datacenter; }
  int datacenters() const { return static_cast<int>(datacenter_names_.size()); }
  // Of all links; those between datacenters keep their delay.
  void SetLinkFaults(const rpc::LinkFaults& faults);
  // The link from each node of `from` to each of `to`.
  void CutDatacenters(int from, int to);

  // Boots the machine's process; it serves some time later (serving()). If its start fails the
  // error is in errors(), and it is booted again a second later.
  void Boot(int n);
  void Kill(int n) { members_[n].machine->Kill(); }
  void PowerLoss(int n) { members_[n].machine->PowerLoss(); }
  bool serving(int n) const { return members_[n].node != nullptr; }
  node::Node* node(int n) { return members_[n].node; }
  const std::vector<std::string>& errors() const { return errors_; }
  // Requests that were answered later than their deadline and kLateMax.
  const std::vector<std::string>& late() const { return late_; }
  // What the process that runs on machine n, or ran there last, has counted under `name`.
  uint64_t Counter(int n, const std::string& name) const;
  // All nodes serve and believe each other alive.
  bool AllUp() const;
  // All nodes know the table.
  bool AllKnow(const std::string& keyspace, const std::string& table) const;

  // Everything that node n itself has of a table, encoded, expired as of `now_seconds`; equal data
  // have equal encodings.
  absl::StatusOr<std::string> Contents(int n, const std::string& keyspace, const std::string& table,
                                       int64_t now_seconds = 0);
  // All nodes, each of which has a copy of everything, have the same of it.
  bool SameContents(const std::string& keyspace, const std::string& table, int64_t now_seconds = 0);

  // On node n, if it serves: everything is flushed, and compacted, whether or not they succeed;
  // then `done`, unless the node dies before.
  void FlushAndCompact(int n, bool compact, std::function<void()> done);
  // Through which all wall clocks are moved.
  WallClocks& wall_clocks() { return wall_clocks_; }

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
  static constexpr absl::Duration kLateMax = absl::Seconds(1);
  struct Pending {
    Done done;
    base::MonotonicTime late_after;
    std::string statement;
  };
  struct Member {
    base::sim::SimNode* machine = nullptr;
    int datacenter = 0;
    node::Node* node = nullptr;  // while it serves
    std::unique_ptr<base::Metrics> metrics;
    std::map<uint64_t, Pending> pending;
  };
  base::Task<void> RunNode(int n, uint64_t incarnation);
  base::Task<void> RunContents(int n, data::ReadCommand command,
                               std::shared_ptr<std::optional<absl::StatusOr<std::string>>> answer);
  base::Task<void> RunQuery(int n, uint64_t id, std::string statement, cql::QueryOptions options);
  void Ended(int n);
  void Finish(int n, uint64_t id, absl::StatusOr<cql::QueryResult> result);

  const ClusterOptions options_;
  std::vector<Member> members_;
  std::vector<std::string> errors_;
  std::vector<std::string> late_;
  std::vector<std::string> datacenter_names_;
  uint64_t next_query_ = 1;
  base::sim::Simulation simulation_;
  rpc::SimNetwork network_;
  WallClocks wall_clocks_;
};

}  // namespace tholos::sim
