// What a cluster of three real processes keeps of its promises while something is done to it.
//
//   chaos kill      a random node is killed (kill -9) every 5 s and started again at once
//   chaos pause     a random node is stopped (SIGSTOP) every 5 s, for 1 to 4 s
//   chaos overload  ten times the capacity is offered
//
// Prints figures, and ends with 1 if a bound is broken:
//
//   kill, pause     no acknowledged write is lost; 99 % of the requests succeed
//   overload        90 % of the peak's goodput; the memory of each node stays below --memory; the
//                   peak's goodput is back within 10 s
#include <poll.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/bench_cql.h"
#include "cli/latency.h"
#include "tests/cluster/load.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

constexpr int kNodes = 3;
constexpr absl::Duration kStrikeInterval = absl::Seconds(5);
constexpr double kSuccessMin = 0.99;
constexpr double kGoodputMin = 0.9;
constexpr absl::Duration kRecoveryMax = absl::Seconds(10);
constexpr double kOverload = 10;
constexpr uint16_t kQuorum = 4;

struct Settings {
  double seconds = 300;
  int in_flight = 64;
  int shards = 1;  // the nodes share the machine
  uint64_t seed = 1;
  double memory_mib = 768;  // of a node
};

void Pause(absl::Duration span) {
  // Nothing is left of it where the machine was slow.
  poll(nullptr, 0, static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(span))));
}

bool Check(bool kept, const std::string& what) {
  std::printf("%s: %s\n", kept ? "kept" : "BROKEN", what.c_str());
  return kept;
}

bool StartCluster(ProcessCluster& cluster, const Settings& settings) {
  cluster.set_extra_arguments({"--shards", std::to_string(settings.shards)});
  cluster.StartAll();
  return Check(cluster.WaitUp(kNodes), "three nodes are up");
}

std::vector<std::string> Hosts(const ProcessCluster& cluster) {
  std::vector<std::string> hosts;
  for (int n = 0; n < kNodes; ++n) hosts.push_back(cluster.host(n));
  return hosts;
}

void Kill(ProcessCluster& cluster, int n, std::mt19937_64&) {
  cluster.Kill(n);
  cluster.Start(n);
}

void Stop(ProcessCluster& cluster, int n, std::mt19937_64& random) {
  cluster.Signal(n, SIGSTOP);
  Pause(absl::Milliseconds(1000 + random() % 3000));
  cluster.Signal(n, SIGCONT);
}

// Strikes random nodes under load, then looks for what was acknowledged.
int Strike(const Settings& settings, const char* what,
           void (*strike)(ProcessCluster&, int, std::mt19937_64&)) {
  ProcessCluster cluster(kNodes);
  if (!StartCluster(cluster, settings)) return 1;
  Load load({.contact_points = Hosts(cluster), .in_flight = settings.in_flight});
  std::mt19937_64 random(settings.seed);
  load.Start();
  const absl::Time start = absl::Now();
  int strikes = 0;
  uint64_t failed = 0;
  for (absl::Time next = start + kStrikeInterval; next - start < absl::Seconds(settings.seconds);
       next += kStrikeInterval) {
    Pause(next - absl::Now());
    const int n = static_cast<int>(random() % kNodes);
    const Load::Outcome before = load.outcome();
    std::printf("%4.0f s  %llu done, %llu failed; node %d is %s\n",
                absl::ToDoubleSeconds(absl::Now() - start),
                static_cast<unsigned long long>(before.done),
                static_cast<unsigned long long>(before.failed - failed), n, what);
    std::fflush(stdout);
    failed = before.failed;
    strike(cluster, n, random);
    ++strikes;
  }
  Pause(start + absl::Seconds(settings.seconds) - absl::Now());
  load.Stop();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const Load::Outcome outcome = load.outcome();
  if (!Check(cluster.WaitUp(kNodes), "three nodes are up in the end")) return 1;

  const double success =
      1 - static_cast<double>(outcome.failed) / static_cast<double>(std::max(outcome.done, 1ul));
  std::printf("%d times a node was %s; %llu requests in %.0f s (%.0f/s), %llu failed\n", strikes,
              what, static_cast<unsigned long long>(outcome.done), seconds,
              static_cast<double>(outcome.done) / seconds,
              static_cast<unsigned long long>(outcome.failed));
  std::printf("latency: p50 %s, p99 %s, p99.9 %s, max %s\n",
              cli::FormatLatency(load.latencies().Quantile(0.5)).c_str(),
              cli::FormatLatency(load.latencies().Quantile(0.99)).c_str(),
              cli::FormatLatency(load.latencies().Quantile(0.999)).c_str(),
              cli::FormatLatency(load.latencies().Max()).c_str());
  if (outcome.failed > 0) std::printf("first failure: %s\n", outcome.first_failure.c_str());
  const uint64_t acknowledged = load.acknowledged();
  const uint64_t lost = load.CountLost();
  bool kept = Check(success >= kSuccessMin, absl::StrFormat("%.3f %% succeeded", 100 * success));
  kept &= Check(lost == 0,
                absl::StrCat("of ", acknowledged, " acknowledged writes ", lost, " are not there"));
  kept &= Check(outcome.unseen == 0,
                absl::StrCat(outcome.unseen, " reads did not see what was acknowledged before"));
  kept &= Check(outcome.done > 0, "something was done");
  return kept ? 0 : 1;
}

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
      for (int n = 0; n < kNodes; ++n) largest_mib_ = std::max(largest_mib_.load(), Resident(n));
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

struct Measured {
  double goodput = 0;  // a second
  double errors = 0;   // a second
  cli::LatencyHistogram latencies;
};

void Measure(const ProcessCluster& cluster, double seconds, double rate, int in_flight,
             Measured* out) {
  cli::CqlBenchOptions options;
  for (int n = 0; n < kNodes; ++n) options.nodes.push_back({cluster.address(n), 9042});
  options.connections = kNodes;
  options.in_flight = in_flight;
  options.seconds = seconds;
  options.rate = rate;
  options.consistency = kQuorum;
  const cli::CqlBenchResult result = cli::RunCqlBench(options, true, &out->latencies, [] {});
  out->goodput = static_cast<double>(result.done - result.errors) / result.seconds;
  out->errors = static_cast<double>(result.errors) / result.seconds;
  std::printf("offered %s: %.0f/s succeeded, %.0f/s refused%s%s; p50 %s, p99 %s\n",
              rate > 0 ? absl::StrFormat("%.0f/s", rate).c_str()
                       : absl::StrCat(in_flight, " in flight").c_str(),
              out->goodput, out->errors, result.errors > 0 ? ", first: " : "",
              result.first_error.c_str(), cli::FormatLatency(out->latencies.Quantile(0.5)).c_str(),
              cli::FormatLatency(out->latencies.Quantile(0.99)).c_str());
  std::fflush(stdout);
}

int Overload(const Settings& settings) {
  constexpr int kInFlight = 256;
  constexpr int kStreams = 32'000;  // of a connection
  ProcessCluster cluster(kNodes);
  if (!StartCluster(cluster, settings)) return 1;
  MemoryWatch memory(cluster);
  Measured warm, peak, overloaded;
  Measure(cluster, 5, 0, kInFlight, &warm);
  Measure(cluster, 10, 0, kInFlight, &peak);
  Measure(cluster, settings.seconds, kOverload * peak.goodput, kNodes * kStreams, &overloaded);
  const absl::Time ended = absl::Now();
  absl::Duration recovery = absl::InfiniteDuration();
  while (recovery == absl::InfiniteDuration() && absl::Now() - ended < 2 * kRecoveryMax) {
    const absl::Duration begun = absl::Now() - ended;
    Measured after;
    Measure(cluster, 2, 0, kInFlight, &after);
    if (after.goodput >= kGoodputMin * peak.goodput && after.errors == 0) recovery = begun;
  }
  bool kept = Check(overloaded.goodput >= kGoodputMin * peak.goodput,
                    absl::StrFormat("goodput under overload is %.0f %% of the peak",
                                    100 * overloaded.goodput / peak.goodput));
  kept &= Check(memory.largest_mib() <= settings.memory_mib,
                absl::StrFormat("the largest node had %.0f MiB resident (limit %.0f)",
                                memory.largest_mib(), settings.memory_mib));
  kept &= Check(recovery <= kRecoveryMax,
                absl::StrCat("recovered within ", absl::FormatDuration(recovery)));
  for (int n = 0; n < kNodes; ++n)
    kept &= Check(cluster.running(n), absl::StrCat("node ", n, " runs"));
  return kept ? 0 : 1;
}

}  // namespace
}  // namespace tholos::cluster_test

int main(int argc, char** argv) {
  using namespace tholos::cluster_test;
  CLI::App app("Three real processes under load, and what they keep of their promises");
  Settings settings;
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what, double seconds, auto run) {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("--seconds", settings.seconds)->check(CLI::PositiveNumber);
    command->add_option("--in-flight", settings.in_flight, "Requests under way")
        ->check(CLI::Range(1, 100000));
    command->add_option("--shards", settings.shards, "Of a node")->check(CLI::Range(1, 64));
    command->add_option("--seed", settings.seed, "Of what is done to whom");
    command->add_option("--memory", settings.memory_mib, "Limit of a node's memory, in MiB");
    command->preparse_callback([&settings, seconds](size_t) { settings.seconds = seconds; });
    command->callback([run] {
      if (const int code = run(); code != 0) throw CLI::RuntimeError(code);
    });
  };
  add("kill", "A node is killed every 5 s", 300, [&] { return Strike(settings, "killed", Kill); });
  add("pause", "A node is stopped every 5 s", 300,
      [&] { return Strike(settings, "stopped", Stop); });
  add("overload", "Ten times the capacity is offered", 120, [&] { return Overload(settings); });
  CLI11_PARSE(app, argc, argv);
  return 0;
}
