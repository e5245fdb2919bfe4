#include "tests/sim/mutants.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "base/check.h"
#include "tests/sim/workload.h"

namespace tholos::sim {
namespace {

// Each meets the workload that is about it.
struct Mutant {
  const char* name;
  RunReport (*run)(const RunOptions& options);
  node::Faults faults;
};

const Mutant kMutants[] = {
    {"the commit log's sync is skipped", RunMixed, {.sync_skipped = true}},
    {"racks are unknown", RunOutage, {.racks_unknown = true}},
    {"LOCAL_QUORUM counts remote answers",
     RunDatacenters,
     {.coordinator = {.local_counts_remote = true}}},
    {"EACH_QUORUM is QUORUM", RunDatacenters, {.coordinator = {.each_quorum_is_quorum = true}}},
    {"QUORUM is met by one", RunMixed, {.coordinator = {.quorum_of_one = true}}},
    {"hints count as answers", RunMixed, {.coordinator = {.hints_count = true}}},
    {"a timed out write is reported done", RunMixed, {.coordinator = {.timeouts_succeed = true}}},
    {"deadlines are ignored", RunMixed, {.coordinator = {.deadlines_ignored = true}}},
    {"UNAVAILABLE after sending", RunOutage, {.coordinator = {.unavailable_after_sending = true}}},
    {"a relay answers for all", RunDatacenters, {.coordinator = {.relay_answers_for_all = true}}},
    {"a restart forgets timestamps", RunMixed, {.coordinator = {.timestamps_forgotten = true}}},
    {"the digest ignores a column", RunMixed, {.coordinator = {.digest_ignores_column = true}}},
    {"read repair is skipped", RunDeletes, {.coordinator = {.repairs_skipped = true}}},
    {"the first answer wins", RunMixed, {.coordinator = {.first_answer_wins = true}}},
    {"short reads are trusted", RunMixed, {.coordinator = {.short_reads_trusted = true}}},
    {"a repair mends nothing", RunRepair, {.coordinator = {.repairs_skipped = true}}},
    {"hints are dropped", RunHints, {.coordinator = {.hints_dropped = true}}},
    {"hints for dead replicas only", RunHints, {.coordinator = {.hints_for_dead_only = true}}},
    {"hints are not awaited", RunHints, {.coordinator = {.hints_not_awaited = true}}},
    {"a batch is forgotten early", RunBatches, {.coordinator = {.batch_forgotten_early = true}}},
    {"a batch is replayed as new", RunBatches, {.coordinator = {.batch_replayed_as_new = true}}},
    {"a batch is replayed in part", RunBatches, {.coordinator = {.batch_replayed_in_part = true}}},
};

bool IsFound(const Mutant& mutant, const MutantsOptions& options) {
  for (uint64_t tried = 1; tried <= options.seeds_max; ++tried) {
    const RunReport report =
        mutant.run({.seed = options.first_seed + tried - 1, .faults = mutant.faults});
    if (report.violations.empty()) continue;
    std::printf("%-36s %5" PRIu64 "  %.100s\n", mutant.name, tried, report.violations[0].c_str());
    std::fflush(stdout);
    return true;
  }
  std::printf("%-36s NOT FOUND in %" PRIu64 "\n", mutant.name, options.seeds_max);
  std::fflush(stdout);
  return false;
}

int MissedOfShare(const MutantsOptions& options, int job) {
  int missed = 0;
  int at = 0;
  for (const Mutant& mutant : kMutants) {
    if (at++ % options.jobs == job) missed += IsFound(mutant, options) ? 0 : 1;
  }
  return missed;
}

}  // namespace

int RunMutants(const MutantsOptions& options) {
  std::printf("%-36s %5s  %s\n", "mutant", "seeds", "found by");
  std::fflush(stdout);
  std::vector<pid_t> children;
  for (int job = 1; job < options.jobs; ++job) {
    const pid_t child = fork();
    THOLOS_CHECK(child >= 0);
    if (child == 0) _exit(MissedOfShare(options, job) == 0 ? 0 : 1);
    children.push_back(child);
  }
  bool all = MissedOfShare(options, 0) == 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    all = all && status == 0;
  }
  return all ? 0 : 1;
}

}  // namespace tholos::sim
