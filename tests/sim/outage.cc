// A rack or a datacenter is lost (workload.h).
#include <algorithm>

#include "base/errors.h"
#include "base/strings.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

using coordinator::ConsistencyLevel;

constexpr int kKeys = 40;
// Heartbeats that came with a mean of 5 s at most, and phi 8 (gossip/phi_accrual.h): 92 s.
constexpr absl::Duration kNoticedMax = absl::Seconds(95);

class Outage : public Workload {
 public:
  explicit Outage(const RunOptions& options)
      : Workload(options, IsRack(options) ? ThreeRacks() : TwoDatacenters(3)),
        rack_(IsRack(options)) {}

  RunReport Run() {
    if (!Start() || !CreateTable("kv", "k text PRIMARY KEY, v bigint")) return Finish();
    const int lost = static_cast<int>(random().Below(rack_ ? 3 : 2));
    for (int n = 0; n < cluster().size(); ++n) {
      if (IsIn(n, lost)) lost_.push_back(n);
    }
    TakeAway();
    report().faults = 1;
    if (!Await([&] { return Noticed(); }, kNoticedMax, "the noticing of the outage"))
      return Finish();
    for (int k = 0; k < kKeys; ++k) Use(base::StrCat("k", k));
    Bring();
    HealingBegins();
    if (AwaitHealed([] { return true; })) CheckAll();
    report().acknowledged = registers_.acknowledged();
    report().reads = registers_.observations();
    return Finish();
  }

 private:
  static bool IsRack(const RunOptions& options) { return options.seed / 8 % 2 == 0; }
  bool IsIn(int n, int lost) {
    return rack_ ? cluster().place(n).rack == base::StrCat("rack", lost)
                 : cluster().datacenter(n) == lost;
  }
  bool IsLost(int n) const { return std::find(lost_.begin(), lost_.end(), n) != lost_.end(); }

  // A datacenter is cut off and lives; a rack is cut off or dies.
  void TakeAway() {
    dead_ = rack_ && random().Chance(0.6);
    for (int n : lost_) {
      if (dead_) {
        random().Chance(0.5) ? cluster().PowerLoss(n) : cluster().Kill(n);
        continue;
      }
      for (int other = 0; other < cluster().size(); ++other) {
        if (IsLost(other)) continue;
        cluster().network().Cut(cluster().name(n), cluster().name(other));
        cluster().network().Cut(cluster().name(other), cluster().name(n));
      }
    }
  }

  void Bring() {
    cluster().network().HealAll();
    for (int n : lost_) {
      if (dead_) cluster().Boot(n);
    }
  }

  // Everybody who lives believes those on the other side dead, and nobody else.
  bool Noticed() {
    for (int n = 0; n < cluster().size(); ++n) {
      if (cluster().node(n) == nullptr) continue;
      const size_t side =
          IsLost(n) ? lost_.size() : static_cast<size_t>(cluster().size()) - lost_.size();
      if (cluster().node(n)->liveness().Snapshot()->size() != side) return false;
    }
    return true;
  }

  // What this side can do is done, what it cannot is refused.
  void Use(const std::string& key) {
    int n = AnyNode();
    while (IsLost(n) && (rack_ || random().Chance(0.7))) n = AnyNode();
    const ConsistencyLevel possible =
        rack_ ? ConsistencyLevel::kQuorum : ConsistencyLevel::kLocalQuorum;
    const uint64_t floor = registers_.Floor(key, DomainOf(cluster(), n, possible));
    const uint64_t version = registers_.Begin(key, false);
    Must(n, possible, Update(key, version), true);
    registers_.End(key, version, Outcome::kAcknowledged, DomainOf(cluster(), n, possible));
    Observe(n, possible, key, std::max(floor, version));

    constexpr ConsistencyLevel kBeyond[] = {ConsistencyLevel::kAll, ConsistencyLevel::kQuorum,
                                            ConsistencyLevel::kEachQuorum};
    const ConsistencyLevel impossible = kBeyond[rack_ ? 0 : random().Below(3)];
    const uint64_t refused = registers_.Begin(key, false);
    Must(n, impossible, Update(key, refused), false);
    registers_.End(key, refused, Outcome::kNotApplied);
    Must(n, impossible, base::StrCat("SELECT v FROM t.kv WHERE k = '", key, "'"), false);
  }

  static std::string Update(const std::string& key, uint64_t version) {
    return base::StrCat("UPDATE t.kv USING TIMESTAMP ", version, " SET v = ", version,
                        " WHERE k = '", key, "'");
  }

  void Must(int n, ConsistencyLevel level, const std::string& statement, bool succeed) {
    const base::MonotonicTime start = simulation().now();
    const auto result = cluster().QueryAndWait(n, statement, AtLevel(level));
    if (result.ok() == succeed && (succeed || IsPlainRefusal(result.status(), start))) return;
    Violation(base::StrCat(cluster().name(n), " during an outage of ", lost_.size(),
                           " nodes: ", statement, " at ", coordinator::ConsistencyName(level), ": ",
                           result.status().ToString()));
  }

  // At once, with the numbers.
  bool IsPlainRefusal(const absl::Status& status, base::MonotonicTime start) {
    const auto error = base::GetRequestError(status);
    return error.has_value() && error->kind == base::RequestErrorKind::kUnavailable &&
           error->alive < error->required && simulation().now() - start < absl::Milliseconds(10);
  }

  void Observe(int n, ConsistencyLevel level, const std::string& key, uint64_t floor) {
    const auto result = cluster().QueryAndWait(
        n, base::StrCat("SELECT v FROM t.kv WHERE k = '", key, "'"), AtLevel(level));
    if (!result.ok()) {
      return Violation(base::StrCat(cluster().name(n), " reading ", key, " at ",
                                    coordinator::ConsistencyName(level), ": ",
                                    result.status().ToString()));
    }
    const Rows rows = RowsOf(*result);
    const auto wrong =
        registers_.Observe(key, floor, rows.rows.empty() ? std::nullopt : BigintAt(rows, 0, 0),
                           DomainOf(cluster(), n, level));
    if (wrong.has_value()) Violation(*wrong);
  }

  // Hints have made all replicas equal, where each node has one; ALL sees everything in any case.
  void CheckAll() {
    if (!rack_) AwaitEqualReplicas("kv");
    for (const std::string& key : registers_.keys()) {
      // A read at ALL may meet a connection that is being made anew.
      while (simulation().now() < healed_by()) {
        const int n = AnyNode();
        const auto result =
            cluster().QueryAndWait(n, base::StrCat("SELECT v FROM t.kv WHERE k = '", key, "'"),
                                   AtLevel(ConsistencyLevel::kAll));
        if (result.ok()) break;
        simulation().RunFor(absl::Seconds(1));
      }
      Observe(AnyNode(), ConsistencyLevel::kAll, key, registers_.FloorOfAll(key));
    }
  }

  const bool rack_;
  bool dead_ = false;
  std::vector<int> lost_;
  RegisterChecker registers_;
};

}  // namespace

RunReport RunOutage(const RunOptions& options) { return Outage(options).Run(); }

}  // namespace tholos::sim
