// Workloads: each runs one seed and says what went wrong, if anything did.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/node.h"

namespace tholos::sim {

struct RunOptions {
  uint64_t seed = 1;
  node::Faults faults;
  bool print_trace = false;
};

struct RunReport {
  std::vector<std::string> violations;  // empty: the cluster kept its promises
  uint64_t trace_hash = 0;
  uint64_t steps = 0;
  uint64_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t faults = 0;
  uint64_t shared_reads = 0;  // answers that were another read's (coordinator/read/read_sharing.h)
  double virtual_seconds = 0;
  double healing_seconds = 0;  // from the last fault until all was seen to be well
};

// Registers and sets written and read through all nodes while a nemesis kills processes, cuts the
// power (of all nodes at once, too), partitions, loses, delays and repeats messages, breaks disks,
// moves clocks, flushes and compacts; then everything heals, and every acknowledged write must be
// there. On three nodes or on three racks of two, at QUORUM.
RunReport RunMixed(const RunOptions& options);

// The same over two datacenters, at LOCAL_QUORUM, EACH_QUORUM or QUORUM.
RunReport RunDatacenters(const RunOptions& options);

// Rows, ranges of rows, static cells and partitions deleted and written again under the same nemesis: what was
// deleted never comes back.
RunReport RunDeletes(const RunOptions& options);

// Values that expire after seconds or minutes, overwritten with and without TTL, retried with the
// same timestamp, and deleted, under the same nemesis, with more compactions: none is seen beyond
// its expiry, none comes back, what it hid stays hidden.
RunReport RunTtl(const RunOptions& options);

// Logged batches over several partitions and tables, their coordinators killed in between, under
// the same nemesis: in the end all of each is there, or nothing.
RunReport RunBatches(const RunOptions& options);

// One node is away, dies and has bad disks, the network is bad for all, while the others, which do
// not die, take writes. When everything is healed all replicas become equal without a read, and
// the node, cut off from the others, answers at ONE with every acknowledged row.
RunReport RunHints(const RunOptions& options);

// The same without any hints: a repair of the ring, in steps by any node, makes all replicas equal,
// tombstones too, whatever the table's read_repair is.
RunReport RunRepair(const RunOptions& options);

// A rack or a datacenter is lost as a whole: what needs no more than the others goes on without a
// single error, what needs it is UNAVAILABLE and leaves no trace.
RunReport RunOutage(const RunOptions& options);

// Seeds divide themselves between the workloads.
RunReport RunSeed(const RunOptions& options);

struct NamedWorkload {
  std::string_view name;
  RunReport (*run)(const RunOptions& options);
};
std::span<const NamedWorkload> Workloads();

}  // namespace tholos::sim
