// tholos-sim: whole clusters in one thread, one seed each.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>

#include "base/check.h"
#include "tests/sim/mutants.h"
#include "tests/sim/workload.h"

namespace tholos::sim {

namespace {

struct Options {
  uint64_t first = 1;
  uint64_t seeds = 1000;
  uint64_t jobs = 1;
  std::vector<uint64_t> only;
  std::string workload = "auto";
  bool trace = false;
  bool mutants = false;
  std::vector<std::string> only_mutants;
  uint64_t mutant_seeds_max = 500;
};

RunReport Run(const Options& options, const RunOptions& run) {
  for (const NamedWorkload& workload : Workloads()) {
    if (workload.name == options.workload) return workload.run(run);
  }
  return RunSeed(run);
}

void PrintViolations(const RunReport& report, uint64_t seed) {
  for (const std::string& violation : report.violations) {
    std::printf("seed %" PRIu64 ": %s\n", seed, violation.c_str());
  }
}

// Runs a seed twice: the second run must take the same steps.
bool RunAndReplay(const Options& options, uint64_t seed, RunReport* report) {
  const RunOptions run{.seed = seed, .print_trace = options.trace};
  *report = Run(options, run);
  const RunReport again = Run(options, {.seed = seed});
  if (again.trace_hash == report->trace_hash && again.steps == report->steps) return true;
  std::printf("seed %" PRIu64 ": replay differs: trace %016" PRIx64 " and %016" PRIx64 "\n", seed,
              report->trace_hash, again.trace_hash);
  return false;
}

int RunOne(const Options& options, uint64_t seed) {
  RunReport report;
  const bool replayed = RunAndReplay(options, seed, &report);
  PrintViolations(report, seed);
  std::printf("seed %" PRIu64 ": trace %016" PRIx64 ", %" PRIu64
              " steps, %.1f virtual seconds, %" PRIu64 " writes acknowledged, %" PRIu64
              " observations, %" PRIu64 " of shared reads, %" PRIu64
              " faults, well after %.1f s, %s\n",
              seed, report.trace_hash, report.steps, report.virtual_seconds, report.acknowledged,
              report.reads, report.shared_reads, report.faults, report.healing_seconds,
              report.violations.empty() ? "no violation" : "VIOLATION");
  return replayed && report.violations.empty() ? 0 : 1;
}

struct Totals {
  uint64_t bad = 0;
  uint64_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t shared_reads = 0;
  uint64_t faults = 0;
  double virtual_seconds = 0;
  double healing_seconds_max = 0;
  void Add(const Totals& other) {
    bad += other.bad;
    acknowledged += other.acknowledged;
    reads += other.reads;
    shared_reads += other.shared_reads;
    faults += other.faults;
    virtual_seconds += other.virtual_seconds;
    healing_seconds_max = std::max(healing_seconds_max, other.healing_seconds_max);
  }
};

// Every `options.jobs`-th run of kTurn seeds, which have all workloads in them.
Totals RunShare(const Options& options, uint64_t job) {
  constexpr uint64_t kTurn = 8;
  constexpr uint64_t kReplayed = 3;
  Totals totals;
  for (uint64_t seed = options.first; seed < options.first + options.seeds; ++seed) {
    if ((seed - options.first) / kTurn % options.jobs != job) continue;
    RunReport report;
    bool good = true;
    if (seed < options.first + kReplayed) {
      good = RunAndReplay(options, seed, &report);
    } else {
      report = Run(options, {.seed = seed});
    }
    good = good && report.violations.empty();
    PrintViolations(report, seed);
    if (!good) {
      std::printf("  replay it with: ./tests/run sim --workload %s --seed %" PRIu64 "\n",
                  options.workload.c_str(), seed);
    }
    totals.Add({!good, report.acknowledged, report.reads, report.shared_reads, report.faults,
                report.virtual_seconds, report.healing_seconds});
    std::fflush(stdout);
  }
  return totals;
}

// A child process that runs a share and writes its totals into the pipe that is returned.
int StartShare(const Options& options, uint64_t job, pid_t* child) {
  int ends[2];
  THOLOS_CHECK(pipe(ends) == 0);
  *child = fork();
  THOLOS_CHECK(*child >= 0);
  if (*child == 0) {
    close(ends[0]);
    const Totals totals = RunShare(options, job);
    const bool written = write(ends[1], &totals, sizeof totals) == sizeof totals;
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  return ends[0];
}

int RunMany(const Options& options) {
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::pair<pid_t, int>> children;
  for (uint64_t job = 1; job < options.jobs; ++job) {
    pid_t child = 0;
    const int pipe_end = StartShare(options, job, &child);
    children.emplace_back(child, pipe_end);
  }
  totals.Add(RunShare(options, 0));
  for (const auto& [child, pipe_end] : children) {
    Totals share;
    int status = 0;
    const bool told = read(pipe_end, &share, sizeof share) == sizeof share;
    waitpid(child, &status, 0);
    close(pipe_end);
    if (!told || status != 0) {
      std::printf("a process that ran a share of the seeds died (status %d)\n", status);
      share = {.bad = 1};
    }
    totals.Add(share);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%" PRIu64 " seeds, %" PRIu64 " with violations; %" PRIu64
              " writes acknowledged, %" PRIu64 " observations, %" PRIu64
              " of shared reads, %" PRIu64
              " faults, well again after %.1f s at most, %.0f virtual seconds in %.0f s\n",
              options.seeds, totals.bad, totals.acknowledged, totals.reads, totals.shared_reads,
              totals.faults, totals.healing_seconds_max, totals.virtual_seconds, seconds);
  return totals.bad == 0 ? 0 : 1;
}

std::vector<std::string> WorkloadNames() {
  std::vector<std::string> names = {"auto"};
  for (const NamedWorkload& workload : Workloads()) names.emplace_back(workload.name);
  return names;
}

}  // namespace
}  // namespace tholos::sim

int main(int argc, char** argv) {
  tholos::sim::Options options;
  CLI::App app{"Runs whole clusters under the deterministic simulator"};
  app.add_option("--first", options.first, "The first seed")->capture_default_str();
  app.add_option("--seeds", options.seeds, "How many seeds")->capture_default_str();
  app.add_option("--jobs", options.jobs, "Processes that share the seeds")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--seed", options.only, "This seed alone, twice, comparing the traces");
  app.add_option("--workload", options.workload, "One workload; auto: by the seed")
      ->check(CLI::IsMember(tholos::sim::WorkloadNames()))
      ->capture_default_str();
  app.add_flag("--trace", options.trace, "Prints every step (with --seed)");
  app.add_flag("--mutants", options.mutants, "Runs the seeded bugs until each is found");
  app.add_option("--mutant", options.only_mutants, "These of the seeded bugs alone")
      ->delimiter(',')
      ->check(CLI::IsMember(tholos::sim::MutantNames()));
  app.add_option("--mutant-seeds-max", options.mutant_seeds_max,
                 "Gives a mutant up after so many seeds")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (options.mutants || !options.only_mutants.empty()) {
    return tholos::sim::RunMutants({options.first, options.mutant_seeds_max,
                                    static_cast<int>(options.jobs), options.only_mutants});
  }
  int result = 0;
  for (uint64_t seed : options.only) result |= tholos::sim::RunOne(options, seed);
  return options.only.empty() ? tholos::sim::RunMany(options) : result;
}
