// A node: everything between the doors and the servers, built bottom-up and stopped top-down. The
// one place that knows every module. The server program gives it real doors, the simulator
// simulated ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "coordinator/faults.h"
#include "coordinator/partition_rates.h"
#include "cql/limits.h"
#include "cql/query_processor.h"
#include "gossip/liveness.h"
#include "gossip/skew_view.h"
#include "ring/cluster_state.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {
class ClusterCoordinator;
}

namespace tholos::node {

// Seeded bugs (coordinator/faults.h). Never set by the server program.
struct Faults {
  bool sync_skipped = false;   // acknowledges before the commit log is synced
  bool racks_unknown = false;  // all nodes are on one rack
  // A compaction purges a value that has expired at once, and not after gc_grace_seconds.
  bool expired_purged_at_once = false;
  coordinator::Faults coordinator;
};

struct NodeOptions {
  std::string cluster_name = "tholos";
  std::string data_directory = ".";
  base::Endpoint client;  // where the servers will listen; told to the peers
  base::Endpoint native;
  std::vector<base::Endpoint> seeds;
  std::string datacenter = "dc1";
  std::string rack = "rack1";
  uint64_t memtable_bytes_max = 256u << 20;
  uint64_t commitlog_segment_bytes = 32u << 20;
  uint64_t commitlog_bytes_max = 512u << 20;
  // A cell of 16 MiB and what goes with it; must fit a commit log segment.
  uint64_t mutation_bytes_max = 17u << 20;
  cql::QueryLimits query_limits;
  coordinator::PartitionRateLimits partition_rates;
  // Slower requests are counted and logged.
  absl::Duration slow_request = absl::Milliseconds(500);
  // Beyond it this node's clock gives no timestamps and TTLs. Infinite: it always does.
  absl::Duration clock_skew_max = absl::Seconds(10);
  Faults faults;
};

// All outlive the node.
struct NodeDeps {
  const base::Clock& clock;
  base::Random& random;
  base::Executor& executor;
  base::FileSystem& fs;
  rpc::Transport& transport;  // not started; listens at its self()
  base::Metrics& metrics;
  base::Log& log;
};

// One node as another one sees it.
struct PeerView {
  ring::NodeInfo info;
  bool alive = false;
  uint64_t load_bytes = 0;
  std::string schema_version;
  std::string release;
  std::optional<absl::Duration> clock_offset;  // its clock minus this node's, if it was measured
};

class Node {
 public:
  virtual ~Node() = default;

  // On shard 0. When it returns the node has recovered its data, knows its cluster (or has founded
  // one) and serves. Errors name the cause: the directory is in use, the address is in use, another
  // cluster's name, a corrupt file.
  static base::Task<absl::StatusOr<std::unique_ptr<Node>>> Start(NodeOptions options,
                                                                 NodeDeps deps);

  // On shard 0; drains what is under way, tells the peers, closes files. Call the servers' stop
  // before.
  virtual base::Task<void> Stop() = 0;

  // On shard 0: tells the peers that the servers take clients, or that they are about to stop.
  // Drivers hear of it through their own nodes.
  virtual void SetServing(bool serving) = 0;

  // Usable from every shard.
  virtual cql::QueryProcessor& queries() = 0;
  virtual storage::Engine& engine() = 0;
  virtual coordinator::ClusterCoordinator& coordinator() = 0;
  virtual ring::ClusterState::Ptr cluster() const = 0;
  virtual const gossip::LivenessView& liveness() const = 0;
  virtual const gossip::SkewView& skew() const = 0;
  virtual const ring::NodeId& id() const = 0;
  virtual const NodeOptions& options() const = 0;

  // All known nodes by id. On shard 0.
  virtual std::vector<PeerView> Peers() const = 0;
};

}  // namespace tholos::node
