// Workloads: each runs one seed and says what went wrong, if anything did.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/node.h"

namespace tholos::sim {

struct RunOptions {
  uint64_t seed = 1;
  node::Mutants mutants;
  bool print_trace = false;
};

struct RunReport {
  std::vector<std::string> violations;  // empty: the cluster kept its promises
  uint64_t trace_hash = 0;
  uint64_t steps = 0;
  uint64_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t faults = 0;
  double virtual_seconds = 0;
};

// Registers and sets written and read at QUORUM through all nodes while a nemesis kills processes,
// cuts the power (of all nodes at once, too), partitions, loses, delays and repeats messages,
// flushes and compacts; then everything heals, and every acknowledged write must be there.
RunReport RunMixed(const RunOptions& options);

// One node is away while the others, which stay, take writes. When it is back it gets its hints,
// and then, cut off from the others, answers at ONE with every acknowledged row.
RunReport RunHints(const RunOptions& options);

// Rows, ranges of rows and partitions deleted and written again under the same nemesis: what was
// deleted never comes back.
RunReport RunDeletes(const RunOptions& options);

// Seeds divide themselves between the workloads.
RunReport RunSeed(const RunOptions& options);

}  // namespace tholos::sim
