// The bad day: at random moments one thing after another goes wrong, and is mended some time later.
//
//   processes   kill -9, power loss, power loss of all nodes at once
//   network     partitions (one-way too; of whole datacenters), loss, duplicates, delay, resets
//   disks       of one node at a time: failing writes, syncs and reads, stalls, a full disk; a disk
//               that failed takes its process with it in the end, as an operator's restart does
//   clocks      wall clocks jump, up to kSkewMax from the truth; clocks run fast or slow
//   chores      flushes and compactions
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "tests/sim/sim_cluster.h"

namespace tholos::sim {

class Nemesis {
 public:
  static constexpr absl::Duration kSkewMax = absl::Hours(1);

  // `victim`: processes and disks of this node alone.
  explicit Nemesis(SimCluster& cluster, std::optional<int> victim = std::nullopt);
  // From now on.
  void Start();
  // No further faults; everything is mended: links and disks heal, nodes that are down are booted.
  // Wall clocks stay as wrong as they are.
  void StopAndHeal();
  // The same, but that the victim stays away, down or cut off, until StopAndHeal.
  void StopAndHealOthers();
  uint64_t faults() const { return faults_; }
  // Node n dies, and is booted some time later.
  void Crash(int n, bool power_loss);
  // Node n flushes, and may compact.
  void Housekeeping(int n);

 private:
  void Next();
  void Act();
  void CrashAll();
  void Partition();
  void PartitionDatacenters();
  void BadLinks();
  void BreakDisk(int n);
  void MendDisk(int n);
  void MoveClock(int n);
  void BootLater(int n);
  void BootIfDown(int n);
  void HealCuts();

  SimCluster& cluster_;
  const std::optional<int> victim_;
  base::RandomStream random_;
  bool running_ = false;
  bool victim_away_ = false;
  std::optional<int> broken_disk_;
  std::vector<absl::Duration> skews_;
  uint64_t faults_ = 0;
};

}  // namespace tholos::sim
