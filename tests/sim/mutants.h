// Seeded bugs that the simulator must find: one that finds nothing proves nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tholos::sim {

struct MutantsOptions {
  uint64_t first_seed = 1;
  uint64_t seeds_max = 500;       // a mutant that survives so many is not found
  int jobs = 1;                   // processes that share the mutants
  std::vector<std::string> only;  // of MutantNames(); empty: all
};

// Those that there are: mostly the flags of node::Faults.
std::vector<std::string> MutantNames();

// Prints the table of mutants: which workload found each, after how many seeds, by what. Returns
// the exit code: 0 if all were found.
int RunMutants(const MutantsOptions& options);

}  // namespace tholos::sim
