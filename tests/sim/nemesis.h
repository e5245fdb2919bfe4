// The bad day: at random moments one thing after another goes wrong, and is mended some time later.
#pragma once

#include "base/random.h"
#include "tests/sim/sim_cluster.h"

namespace tholos::sim {

class Nemesis {
 public:
  explicit Nemesis(SimCluster& cluster);
  // From now on.
  void Start();
  // No further faults; everything is mended: links heal, nodes that are down are booted.
  void StopAndHeal();
  uint64_t faults() const { return faults_; }

 private:
  void Next();
  void Act();
  void Crash(int n, bool power_loss);
  void CrashAll();
  void Partition();
  void BadLinks();
  void Housekeeping(int n);
  void BootLater(int n);
  void BootIfDown(int n);

  SimCluster& cluster_;
  base::RandomStream random_;
  bool running_ = false;
  uint64_t faults_ = 0;
};

}  // namespace tholos::sim
