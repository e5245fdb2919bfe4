#include "tests/sim/workload.h"

namespace tholos::sim {
namespace {

constexpr NamedWorkload kWorkloads[] = {
    {"mixed", RunMixed},     {"datacenters", RunDatacenters},
    {"deletes", RunDeletes}, {"batches", RunBatches},
    {"hints", RunHints},     {"outage", RunOutage},
    {"repair", RunRepair},   {"ttl", RunTtl},
};

}  // namespace

std::span<const NamedWorkload> Workloads() { return kWorkloads; }

RunReport RunSeed(const RunOptions& options) {
  switch (options.seed % 8) {
    case 0:
      return options.seed / 8 % 4 == 3 ? RunRepair(options) : RunHints(options);
    case 1:
      return RunDeletes(options);
    case 2:
      return RunBatches(options);
    case 3:
      return RunDatacenters(options);
    case 4:
      return RunOutage(options);
    case 5:
      return RunTtl(options);
    case 6:
      return RunBatches(options);
    default:
      return RunMixed(options);
  }
}

}  // namespace tholos::sim
