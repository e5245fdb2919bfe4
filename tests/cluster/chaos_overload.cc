// Ten times the capacity is offered.
//
// Two clusters run. One is overloaded; the other, the control, stands idle meanwhile. Before and
// after they are measured in turn, in rounds of a slice each: what the machine itself has lost or
// won between the rounds (others use it too) is lost or won by both, so that the rate of the one
// over the rate of the other tells what the overload has done. Both rates are printed.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/bench_cql.h"
#include "cli/latency.h"
#include "cli/process_cpu.h"
#include "tests/cluster/chaos.h"

namespace tholos::cluster_test {
namespace {

constexpr double kOverload = 10;
constexpr double kGoodputMin = 0.9;
constexpr absl::Duration kRecoveryMax = absl::Seconds(10);
constexpr int kInFlight = 256;
constexpr int kStreams = 32'000;  // of a connection
constexpr uint16_t kQuorum = 4;

constexpr double kWarmSeconds = 5;
constexpr double kPeakSeconds = 10;
constexpr double kSliceSeconds = 1;
constexpr int kRoundsBefore = 10;
constexpr int kRoundsOfWindow = 3;  // a single slice differs from the next by a tenth and more

// The resident memory of the nodes, looked at until the end.
class MemoryWatch {
 public:
  explicit MemoryWatch(ProcessCluster& cluster) : cluster_(cluster), thread_([this] { Run(); }) {}
  ~MemoryWatch() {
    stop_ = true;
    thread_.join();
  }
  double largest_mib() const { return largest_mib_; }

 private:
  void Run() {
    while (!stop_) {
      for (int n = 0; n < kChaosNodes; ++n)
        largest_mib_ = std::max(largest_mib_.load(), Resident(n));
      Pause(absl::Milliseconds(200));
    }
  }
  double Resident(int n) const {
    std::ifstream in(absl::StrCat("/proc/", cluster_.pid(n), "/statm"));
    double total = 0, resident = 0;  // in pages
    in >> total >> resident;
    return resident * 4096 / (1 << 20);
  }
  ProcessCluster& cluster_;
  std::atomic<bool> stop_{false};
  std::atomic<double> largest_mib_{0};
  std::thread thread_;
};

double CpuSeconds(const ProcessCluster& cluster) {
  double seconds = 0;
  for (int n = 0; n < kChaosNodes; ++n) seconds += cli::CpuSecondsOf(cluster.pid(n));
  return seconds;
}

struct Measured {
  double seconds = 0;
  double done = 0;    // succeeded
  double errors = 0;  // refused
  double cpu = 0;     // seconds of the nodes
  cli::LatencyHistogram latencies;
  std::string first_error;

  double goodput() const { return done / seconds; }
  double cpu_us() const { return 1e6 * cpu / std::max(done, 1.0); }
};

void Measure(const ProcessCluster& cluster, double seconds, double rate, int in_flight,
             Measured* out) {
  cli::CqlBenchOptions options;
  for (int n = 0; n < kChaosNodes; ++n) options.nodes.push_back({cluster.address(n), 9042});
  options.connections = kChaosNodes;
  options.in_flight = in_flight;
  options.seconds = seconds;
  options.rate = rate;
  options.consistency = kQuorum;
  double cpu = 0;
  const cli::CqlBenchResult result =
      cli::RunCqlBench(options, true, &out->latencies, [&] { cpu = CpuSeconds(cluster); });
  out->cpu += CpuSeconds(cluster) - cpu;
  out->seconds += result.seconds;
  out->done += static_cast<double>(result.done - result.errors);
  out->errors += static_cast<double>(result.errors);
  if (out->first_error.empty()) out->first_error = result.first_error;
}

// What one and the other did in the same seconds.
struct Round {
  double overloaded = 0;  // a second
  double control = 0;
  double errors = 0;  // of the overloaded
};

Round MeasureRound(const ProcessCluster& overloaded, const ProcessCluster& control,
                   const char* when) {
  Measured one, other;
  Measure(overloaded, kSliceSeconds, 0, kInFlight, &one);
  Measure(control, kSliceSeconds, 0, kInFlight, &other);
  std::printf("%s: %.0f/s, %.1f us a write; control %.0f/s, %.1f us: %.2f\n", when, one.goodput(),
              one.cpu_us(), other.goodput(), other.cpu_us(), one.goodput() / other.goodput());
  std::fflush(stdout);
  return {.overloaded = one.goodput(), .control = other.goodput(), .errors = one.errors};
}

// The rounds taken together.
Round Mean(const std::vector<Round>& rounds, size_t begin, size_t count) {
  Round mean;
  for (size_t i = begin; i < begin + count; ++i) {
    mean.overloaded += rounds[i].overloaded / static_cast<double>(count);
    mean.control += rounds[i].control / static_cast<double>(count);
    mean.errors += rounds[i].errors;
  }
  return mean;
}

}  // namespace

int Overload(const ChaosSettings& settings) {
  ProcessCluster cluster(kChaosNodes), control(kChaosNodes);
  if (!StartCluster(cluster, settings) || !StartCluster(control, settings)) return 1;
  MemoryWatch memory(cluster);
  Measured warm, best, overloaded;
  Measure(cluster, kWarmSeconds, 0, kInFlight, &warm);
  Measure(control, kWarmSeconds, 0, kInFlight, &warm);
  std::vector<Round> rounds;
  for (int n = 0; n < kRoundsBefore; ++n)
    rounds.push_back(MeasureRound(cluster, control, "before"));
  const Round before = Mean(rounds, 0, rounds.size());
  const double share = before.overloaded / before.control;
  // In one go, which is more than the slices come to.
  Measure(cluster, kPeakSeconds, 0, kInFlight, &best);
  const double peak = std::max(best.goodput(), before.overloaded);
  std::printf("peak: %.0f/s, %.1f us a write\n", peak, best.cpu_us());

  const double offered = kOverload * peak;
  Measure(cluster, settings.seconds, offered, kChaosNodes * kStreams, &overloaded);
  std::printf(
      "offered %.0f/s: %.0f/s succeeded, %.1f us a write, %.0f refused%s%s; p50 %s, p99 %s\n",
      offered, overloaded.goodput(), overloaded.cpu_us(), overloaded.errors,
      overloaded.errors > 0 ? ", first: " : "", overloaded.first_error.c_str(),
      cli::FormatLatency(overloaded.latencies.Quantile(0.5)).c_str(),
      cli::FormatLatency(overloaded.latencies.Quantile(0.99)).c_str());
  std::fflush(stdout);

  // The moment of recovery is the beginning of the first window that is as good as the peak.
  const absl::Time ended = absl::Now();
  std::vector<absl::Duration> begun;
  rounds.clear();
  absl::Duration recovery = absl::InfiniteDuration(), recovery_alone = recovery;
  while (absl::Now() - ended < 2 * kRecoveryMax) {
    begun.push_back(absl::Now() - ended);
    rounds.push_back(MeasureRound(cluster, control, "after"));
    if (rounds.size() < kRoundsOfWindow) continue;
    const size_t begin = rounds.size() - kRoundsOfWindow;
    const Round window = Mean(rounds, begin, kRoundsOfWindow);
    if (window.errors > 0) continue;
    if (window.overloaded / window.control >= kGoodputMin * share)
      recovery = std::min(recovery, begun[begin]);
    if (window.overloaded >= kGoodputMin * before.overloaded)
      recovery_alone = std::min(recovery_alone, begun[begin]);
  }
  const Round after = Mean(rounds, 0, rounds.size());
  std::printf(
      "after / before: %.2f, control %.2f, one over the other %.2f; not compared with the "
      "control it had recovered within %s\n",
      after.overloaded / before.overloaded, after.control / before.control,
      after.overloaded / after.control / share, absl::FormatDuration(recovery_alone).c_str());

  bool kept = Check(overloaded.goodput() >= kGoodputMin * peak,
                    absl::StrFormat("goodput under overload is %.0f %% of the peak",
                                    100 * overloaded.goodput() / peak));
  kept &= Check(memory.largest_mib() <= settings.memory_mib,
                absl::StrFormat("the largest node had %.0f MiB resident (limit %.0f)",
                                memory.largest_mib(), settings.memory_mib));
  kept &= Check(recovery <= kRecoveryMax,
                absl::StrCat("recovered within ", absl::FormatDuration(recovery)));
  for (int n = 0; n < kChaosNodes; ++n)
    kept &= Check(cluster.running(n), absl::StrCat("node ", n, " runs"));
  return kept ? 0 : 1;
}

}  // namespace tholos::cluster_test
