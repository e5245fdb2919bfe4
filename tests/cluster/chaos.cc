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
//                   peak's goodput is back within 10 s, as much of it as a second cluster that
//                   was left in peace still has
#include <poll.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/latency.h"
#include "tests/cluster/chaos.h"
#include "tests/cluster/load.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

constexpr absl::Duration kStrikeInterval = absl::Seconds(5);
constexpr double kSuccessMin = 0.99;

std::vector<std::string> Hosts(const ProcessCluster& cluster) {
  std::vector<std::string> hosts;
  for (int n = 0; n < kChaosNodes; ++n) hosts.push_back(cluster.host(n));
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
int Strike(const ChaosSettings& settings, const char* what,
           void (*strike)(ProcessCluster&, int, std::mt19937_64&)) {
  ProcessCluster cluster(kChaosNodes);
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
    const int n = static_cast<int>(random() % kChaosNodes);
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
  if (!Check(cluster.WaitUp(kChaosNodes), "three nodes are up in the end")) return 1;

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

}  // namespace

void Pause(absl::Duration span) {
  // Nothing is left of it where the machine was slow.
  poll(nullptr, 0, static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(span))));
}

bool Check(bool kept, const std::string& what) {
  std::printf("%s: %s\n", kept ? "kept" : "BROKEN", what.c_str());
  return kept;
}

bool StartCluster(ProcessCluster& cluster, const ChaosSettings& settings) {
  cluster.set_extra_arguments({"--shards", std::to_string(settings.shards)});
  cluster.StartAll();
  return Check(cluster.WaitUp(kChaosNodes), "three nodes are up");
}

}  // namespace tholos::cluster_test

int main(int argc, char** argv) {
  using namespace tholos::cluster_test;
  CLI::App app("Three real processes under load, and what they keep of their promises");
  ChaosSettings settings;
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
