// For tests: a cluster of gossipers over the simulated network, in virtual time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/strings.h"
#include "gossip/gossiper.h"
#include "rpc/sim_network.h"
#include "rpc/sim_transport.h"

namespace tholos::gossip {

class TestingCluster {
 public:
  // What one process consists of.
  struct Process {
    Process(TestingCluster& cluster, base::sim::SimNode& node, base::Endpoint address,
            GossiperOptions options, NodeId id, int64_t generation)
        : transport(cluster.network, node, std::move(address)),
          gossiper(std::move(options),
                   {node.random(), transport, node.log(), metrics, liveness, skew}, id,
                   generation) {
      gossiper.Observe([this](const PeerEvent& event) { events.push_back(event); });
    }
    int Count(PeerEvent::Kind kind) const {
      int count = 0;
      for (const PeerEvent& event : events) count += event.kind == kind;
      return count;
    }

    base::Metrics metrics;
    LivenessView liveness;
    SkewView skew{absl::Seconds(10)};
    std::vector<PeerEvent> events;
    // Before the gossiper, to which its handlers refer: destroyed after it only if it is stopped.
    rpc::SimTransport transport;
    Gossiper gossiper;
  };

  explicit TestingCluster(uint64_t seed) : simulation({.seed = seed}), network(simulation) {}

  static NodeId Id(int n) {
    NodeId id;
    id.bytes[15] = static_cast<uint8_t>(n);
    return id;
  }
  static std::string Name(int n) { return base::StrCat("n", n); }
  static base::Endpoint Address(int n) { return {Name(n), 7000}; }

  // Node n (from 1), seeds n1 and n2, with its next generation. `address` if it is not the usual
  // one.
  Process& Boot(int n) { return Boot(n, Address(n), "test", Id(n)); }
  Process& Boot(int n, base::Endpoint address, std::string cluster_name, NodeId id) {
    base::sim::SimNode* node = simulation.FindNode(Name(n));
    if (node == nullptr) node = &simulation.AddNode(Name(n), {});
    node->Boot();
    GossiperOptions options;
    options.cluster_name = std::move(cluster_name);
    options.seeds = {Address(1), Address(2)};
    Process& process = node->Own(
        std::make_unique<Process>(*this, *node, address, std::move(options), id, ++generations[n]));
    processes[n] = &process;
    node->Spawn(Run(&process, std::move(address)));
    return process;
  }
  base::sim::SimNode& Node(int n) { return *simulation.FindNode(Name(n)); }
  Process& operator[](int n) { return *processes.at(n); }

  // Ends node n in good order, and its process.
  void Stop(int n) {
    bool stopped = false;
    Node(n).Spawn(StopProcess(processes.at(n), &stopped));
    simulation.RunUntil([&] { return stopped; }, absl::Seconds(10));
    Node(n).Shutdown();
    processes.erase(n);
  }
  void Kill(int n) {
    Node(n).Kill();
    processes.erase(n);
  }

  // Every running process knows, and believes alive, exactly the running ones.
  bool Settled() {
    for (const auto& [n, process] : processes) {
      const auto alive = process->liveness.Snapshot();
      if (alive->size() != processes.size()) return false;
      for (const auto& [other, unused] : processes) {
        if (!alive->contains(Id(other))) return false;
        const EndpointState* state = process->gossiper.state().Find(Id(other));
        if (state == nullptr || state->generation != generations[other]) return false;
      }
    }
    return true;
  }
  // How long that took; infinite if it did not come to pass.
  absl::Duration Settle(absl::Duration max) {
    const base::MonotonicTime begin = simulation.now();
    const auto outcome = simulation.RunUntil([&] { return Settled(); }, max);
    return outcome == base::sim::Simulation::Outcome::kReached ? simulation.now() - begin
                                                               : absl::InfiniteDuration();
  }
  int Deaths() const {
    int deaths = 0;
    for (const auto& [n, process] : processes) deaths += process->Count(PeerEvent::Kind::kDead);
    return deaths;
  }

  base::sim::Simulation simulation;
  rpc::SimNetwork network;
  std::map<int, Process*> processes;
  std::map<int, int64_t> generations;

 private:
  static base::Task<void> Run(Process* process, base::Endpoint address) {
    Gossiper& gossiper = process->gossiper;
    gossiper.RegisterHandlers();
    THOLOS_CHECK_OK(co_await process->transport.Start());
    gossiper.SetOwn(StateKey::kInternode, address.ToString());
    gossiper.SetOwn(StateKey::kStatus, "NORMAL");
    gossiper.Start();
  }
  static base::Task<void> StopProcess(Process* process, bool* stopped) {
    co_await process->gossiper.Stop();
    co_await process->transport.Stop();
    *stopped = true;
  }
};

}  // namespace tholos::gossip
