// What the workloads have in common: booting a cluster, its schema, and reading answers.
#pragma once

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/checker.h"
#include "tests/sim/final_reads.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/topology.h"
#include "tests/sim/workload.h"

namespace tholos::sim {

// Virtual time from the last fault until everything is up, quiet, equal and can be read.
inline constexpr absl::Duration kHealingMax = absl::Seconds(60);

class Workload {
 public:
  explicit Workload(const RunOptions& options, const Topology& topology = OneDatacenter());

 protected:
  SimCluster& cluster() { return cluster_; }
  const SimCluster& cluster() const { return cluster_; }
  base::sim::Simulation& simulation() { return cluster_.simulation(); }
  base::RandomStream& random() { return random_; }
  RunReport& report() { return report_; }

  void Violation(std::string what) { report_.violations.push_back(std::move(what)); }
  // Boots all nodes and creates the tables. False (with a violation) if the cluster does not come
  // up.
  bool Start();
  // Runs until the predicate holds; a violation, naming `what`, if that takes longer than `max`.
  bool Await(absl::FunctionRef<bool()> predicate, absl::Duration max, const std::string& what);
  // The last fault was mended just now: kHealingMax begins, for all that is awaited from now on.
  void HealingBegins() { healing_began_ = simulation().now(); }
  base::MonotonicTime healed_by() const { return *healing_began_ + kHealingMax; }
  // All nodes serve and see each other, and `quiet` holds, before healed_by().
  bool AwaitHealed(absl::FunctionRef<bool()> quiet);
  // The statement succeeds at some node within a minute; a violation otherwise.
  bool Execute(const std::string& statement);
  // CREATE TABLE `name` (`columns`), which all nodes know afterwards.
  bool CreateTable(const std::string& name, const std::string& columns);
  // Of equal replicas on all nodes, without a read, before healed_by(); a violation otherwise.
  void AwaitEqualReplicas(const std::string& table);
  int AnyNode() { return static_cast<int>(random_.Below(cluster_.size())); }
  // In a healed cluster every one of them succeeds, before healed_by(); a violation otherwise.
  void RunFinalReads(std::vector<FinalRead> reads);
  RunReport Finish();

  static Outcome OutcomeOf(const absl::Status& status);
  // A fault never makes a statement wrong: such an answer is a violation.
  void NoteError(const absl::Status& status, const std::string& statement);

 private:
  const std::string replication_;
  SimCluster cluster_;
  base::RandomStream random_;
  RunReport report_;
  std::optional<base::MonotonicTime> healing_began_;
};

cql::QueryOptions AtLevel(coordinator::ConsistencyLevel level);

// The cells of a result: bigint or text columns.
struct Rows {
  std::vector<std::vector<data::Value>> rows;
  std::string paging_state;
};
Rows RowsOf(const cql::QueryResult& result);
std::optional<uint64_t> BigintAt(const Rows& rows, size_t row, size_t column);
std::string TextAt(const Rows& rows, size_t row, size_t column);

}  // namespace tholos::sim
