#include "tests/sim/nemesis.h"

#include <limits>

namespace tholos::sim {
Nemesis::Nemesis(SimCluster& cluster, std::optional<int> victim)
    : cluster_(cluster),
      victim_(victim),
      random_(cluster.simulation().Stream("nemesis")),
      skews_(cluster.size()) {}

void Nemesis::Start() {
  running_ = true;
  Next();
}

void Nemesis::Next() {
  const absl::Duration pause = absl::Milliseconds(random_.Between(200, 4000));
  cluster_.simulation().After(pause, "nemesis", [this] {
    if (!running_) return;
    Act();
    Next();
  });
}

void Nemesis::Act() {
  ++faults_;
  const int any = static_cast<int>(random_.Below(cluster_.size()));
  const int n = victim_.value_or(any);
  switch (random_.Below(16)) {
    case 0:
    case 1:
      return Crash(n, false);
    case 2:
    case 3:
      return Crash(n, true);
    case 4:
      return CrashAll();
    case 5:
    case 6:
    case 7:
      return Partition();
    case 8:
    case 9:
      return BadLinks();
    case 10:
    case 11:
      return BreakDisk(n);
    case 12:
    case 13:
      return MoveClock(any);
    default:
      return Housekeeping(any);
  }
}

void Nemesis::Crash(int n, bool power_loss) {
  if (!cluster_.machine(n).running()) return;
  power_loss ? cluster_.PowerLoss(n) : cluster_.Kill(n);
  BootLater(n);
}

// The data centre goes dark.
void Nemesis::CrashAll() {
  if (victim_.has_value()) return Crash(*victim_, true);
  for (int n = 0; n < cluster_.size(); ++n) Crash(n, true);
}

void Nemesis::BootLater(int n) {
  const absl::Duration pause = absl::Milliseconds(random_.Between(100, 8000));
  cluster_.simulation().After(pause, "boot", [this, n] { BootIfDown(n); });
}

void Nemesis::BootIfDown(int n) {
  if (!cluster_.machine(n).running()) cluster_.Boot(n);
}

void Nemesis::Partition() {
  const auto a = static_cast<int>(random_.Below(cluster_.size()));
  const auto b = static_cast<int>((a + 1 + random_.Below(cluster_.size() - 1)) % cluster_.size());
  const uint64_t kind = random_.Below(cluster_.datacenters() > 1 ? 6 : 3);
  switch (kind) {
    case 0:
      cluster_.network().Isolate(cluster_.name(a));
      break;
    case 1:  // one way only
      cluster_.network().Cut(cluster_.name(a), cluster_.name(b));
      break;
    case 2:
      cluster_.network().Cut(cluster_.name(a), cluster_.name(b));
      cluster_.network().Cut(cluster_.name(b), cluster_.name(a));
      break;
    default:
      PartitionDatacenters();
  }
  const absl::Duration span = absl::Milliseconds(random_.Between(200, 6000));
  cluster_.simulation().After(span, "heal", [this] { HealCuts(); });
}

// One way or both.
void Nemesis::PartitionDatacenters() {
  const bool turned = random_.Chance(0.5);
  cluster_.CutDatacenters(turned ? 1 : 0, turned ? 0 : 1);
  if (random_.Chance(0.5)) cluster_.CutDatacenters(turned ? 0 : 1, turned ? 1 : 0);
}

void Nemesis::BadLinks() {
  rpc::LinkFaults faults;
  faults.loss = random_.Chance(0.5) ? random_.Unit() * 0.2 : 0;
  faults.duplicates = random_.Chance(0.5) ? random_.Unit() * 0.2 : 0;
  faults.slow_messages = random_.Chance(0.5) ? random_.Unit() * 0.2 : 0;
  faults.slow = absl::Milliseconds(random_.Between(10, 1500));
  cluster_.SetLinkFaults(faults);
  if (random_.Chance(0.3)) {
    const auto a = static_cast<int>(random_.Below(cluster_.size()));
    const auto b = static_cast<int>((a + 1) % cluster_.size());
    cluster_.network().Reset(cluster_.name(a), cluster_.name(b));
  }
}

void Nemesis::Housekeeping(int n) {
  // Whether they succeed is not the point: reads must not notice either way.
  cluster_.FlushAndCompact(n, random_.Chance(0.5), [] {});
}

void Nemesis::BreakDisk(int n) {
  if (broken_disk_.has_value()) return;
  broken_disk_ = n;
  base::sim::DiskFaults& faults = cluster_.machine(n).files().faults();
  switch (random_.Below(5)) {
    case 0:
      faults.write_errors = random_.Unit() * 0.1;
      break;
    case 1:
      faults.sync_errors = random_.Unit() * 0.3;
      break;
    case 2:
      faults.read_errors = random_.Unit() * 0.3;
      break;
    case 3:
      faults.stalls = random_.Unit() * 0.2;
      break;
    default:
      cluster_.machine(n).files().SetCapacity(0);
  }
  const absl::Duration span = absl::Milliseconds(random_.Between(100, 5000));
  cluster_.simulation().After(span, "mend the disk", [this, n] { MendDisk(n); });
}

void Nemesis::MendDisk(int n) {
  if (broken_disk_ != n) return;
  broken_disk_.reset();
  base::sim::SimFileSystem& files = cluster_.machine(n).files();
  const bool failed = files.faults().write_errors + files.faults().sync_errors > 0;
  files.faults() = base::sim::DiskFaults();
  files.SetCapacity(std::numeric_limits<uint64_t>::max());
  // A commit log that failed acknowledges nothing until it is started anew.
  if (failed && cluster_.machine(n).running()) Crash(n, random_.Chance(0.5));
}

void Nemesis::MoveClock(int n) {
  const absl::Duration skew =
      (random_.Unit() * 2 - 1) * (random_.Chance(0.5) ? kSkewMax : absl::Seconds(2));
  cluster_.wall_clocks().Step(n, skew - skews_[n]);
  skews_[n] = skew;
  cluster_.machine(n).clock().SetDrift(static_cast<int64_t>(random_.Between(0, 1000)) - 500);
}

void Nemesis::HealCuts() {
  cluster_.network().HealAll();
  if (victim_away_) cluster_.network().Isolate(cluster_.name(*victim_));
}

void Nemesis::StopAndHealOthers() {
  running_ = false;
  victim_away_ = true;
  HealCuts();
  cluster_.SetLinkFaults(rpc::LinkFaults());
}

void Nemesis::StopAndHeal() {
  running_ = false;
  victim_away_ = false;
  if (broken_disk_.has_value()) MendDisk(*broken_disk_);
  HealCuts();
  cluster_.SetLinkFaults(rpc::LinkFaults());
  for (int n = 0; n < cluster_.size(); ++n) BootIfDown(n);
}

}  // namespace tholos::sim
