#include "tests/sim/mutants.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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
  const char* what;
  RunReport (*run)(const RunOptions& options);
  node::Faults faults;
};

const Mutant kMutants[] = {
    {"sync_skipped", "the commit log's sync is skipped", RunMixed, {.sync_skipped = true}},
    {"racks_unknown", "racks are unknown", RunOutage, {.racks_unknown = true}},
    {"local_counts_remote",
     "LOCAL_QUORUM counts remote answers",
     RunDatacenters,
     {.coordinator = {.local_counts_remote = true}}},
    {"each_quorum_is_quorum",
     "EACH_QUORUM is QUORUM",
     RunDatacenters,
     {.coordinator = {.each_quorum_is_quorum = true}}},
    {"quorum_of_one", "QUORUM is met by one", RunMixed, {.coordinator = {.quorum_of_one = true}}},
    {"hints_count", "hints count as answers", RunMixed, {.coordinator = {.hints_count = true}}},
    {"timeouts_succeed",
     "a timed out write is reported done",
     RunMixed,
     {.coordinator = {.timeouts_succeed = true}}},
    {"deadlines_ignored",
     "deadlines are ignored",
     RunMixed,
     {.coordinator = {.deadlines_ignored = true}}},
    {"unavailable_after_sending",
     "UNAVAILABLE after sending",
     RunOutage,
     {.coordinator = {.unavailable_after_sending = true}}},
    {"relay_answers_for_all",
     "a relay answers for all",
     RunDatacenters,
     {.coordinator = {.relay_answers_for_all = true}}},
    {"timestamps_forgotten",
     "a restart forgets timestamps",
     RunMixed,
     {.coordinator = {.timestamps_forgotten = true}}},
    {"digest_ignores_column",
     "the digest ignores a column",
     RunMixed,
     {.coordinator = {.digest_ignores_column = true}}},
    {"repairs_skipped",
     "read repair is skipped",
     RunDeletes,
     {.coordinator = {.repairs_skipped = true}}},
    {"first_answer_wins",
     "the first answer wins",
     RunMixed,
     {.coordinator = {.first_answer_wins = true}}},
    {"short_reads_trusted",
     "short reads are trusted",
     RunMixed,
     {.coordinator = {.short_reads_trusted = true}}},
    {"shared_with_older",
     "an older read's answer is shared",
     RunMixed,
     {.coordinator = {.shared_with_older = true}}},
    {"repair_mends_nothing",
     "a repair mends nothing",
     RunRepair,
     {.coordinator = {.repairs_skipped = true}}},
    {"hints_dropped", "hints are dropped", RunHints, {.coordinator = {.hints_dropped = true}}},
    {"hints_for_dead_only",
     "hints for dead replicas only",
     RunHints,
     {.coordinator = {.hints_for_dead_only = true}}},
    {"hints_not_awaited",
     "hints are not awaited",
     RunHints,
     {.coordinator = {.hints_not_awaited = true}}},
    {"hints_forgotten_at_restart",
     "a restart forgets hints",
     RunHints,
     {.coordinator = {.hints_forgotten_at_restart = true}}},
    {"batch_forgotten_early",
     "a batch is forgotten early",
     RunBatches,
     {.coordinator = {.batch_forgotten_early = true}}},
    {"batch_replayed_as_new",
     "a batch is replayed as new",
     RunBatches,
     {.coordinator = {.batch_replayed_as_new = true}}},
    {"batch_replayed_in_part",
     "a batch is replayed in part",
     RunBatches,
     {.coordinator = {.batch_replayed_in_part = true}}},
    {"expired_purged_at_once",
     "a value is purged when it expires",
     RunTtl,
     {.expired_purged_at_once = true}},
    {"digest_ignores_expiry",
     "the digest ignores expiry",
     RunTtl,
     {.coordinator = {.digest_ignores_expiry = true}}},
    {"repairs_never_expire",
     "read repair drops TTLs",
     RunTtl,
     {.coordinator = {.repairs_never_expire = true}}},
    {"later_expiry_wins",
     "the later expiry wins a tie",
     RunTtl,
     {.coordinator = {.later_expiry_wins = true}}},
    {"hints_expire_anew",
     "a hint's TTL counts from delivery",
     RunTtl,
     {.coordinator = {.hints_expire_anew = true}}},
    {"batch_expires_anew",
     "a batch's TTLs count from a replay",
     RunTtl,
     {.coordinator = {.batch_expires_anew = true}}},
};

constexpr char kRow[] = "%-26s  %-34s  %5s  %.100s\n";

bool IsChosen(const Mutant& mutant, const MutantsOptions& options) {
  return options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), mutant.name) != options.only.end();
}

bool IsFound(const Mutant& mutant, const MutantsOptions& options) {
  for (uint64_t tried = 1; tried <= options.seeds_max; ++tried) {
    const RunReport report =
        mutant.run({.seed = options.first_seed + tried - 1, .faults = mutant.faults});
    if (report.violations.empty()) continue;
    std::printf(kRow, mutant.name, mutant.what, std::to_string(tried).c_str(),
                report.violations[0].substr(0, report.violations[0].find('\n')).c_str());
    std::fflush(stdout);
    return true;
  }
  std::printf(kRow, mutant.name, mutant.what, std::to_string(options.seeds_max).c_str(),
              "NOT FOUND");
  std::fflush(stdout);
  return false;
}

int MissedOfShare(const MutantsOptions& options, int job) {
  int missed = 0;
  int at = 0;
  for (const Mutant& mutant : kMutants) {
    if (!IsChosen(mutant, options)) continue;
    if (at++ % options.jobs == job) missed += IsFound(mutant, options) ? 0 : 1;
  }
  return missed;
}

}  // namespace

std::vector<std::string> MutantNames() {
  std::vector<std::string> names;
  for (const Mutant& mutant : kMutants) names.emplace_back(mutant.name);
  return names;
}

int RunMutants(const MutantsOptions& options) {
  std::printf(kRow, "mutant", "", "seeds", "found by");
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
