// Hinted handoff (workload.h).
#include "base/strings.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kElements = 120;
constexpr absl::Duration kTimeout = absl::Seconds(2);

class Hints : public Workload {
 public:
  using Workload::Workload;

  RunReport Run() {
    if (!Start()) return Finish();
    const int victim = static_cast<int>(random().Below(cluster().size()));
    const bool power_loss = random().Chance(0.3);
    const bool cut_off = !power_loss && random().Chance(0.3);
    Remove(victim, power_loss, cut_off);
    for (int i = 0; i < kElements; ++i) Add(victim);
    Return(victim, cut_off);
    const absl::Duration limit = absl::Minutes(2);
    if (!Await([&] { return cluster().AllUp() && pending_ == 0; }, limit, "the return of the node"))
      return Finish();
    AwaitConvergence();
    CheckAlone(victim);
    report().acknowledged = checker_.acknowledged();
    report().faults = 1;
    return Finish();
  }

 private:
  void Remove(int victim, bool power_loss, bool cut_off) {
    if (cut_off) {
      cluster().network().Isolate(cluster().name(victim));
    } else if (power_loss) {
      cluster().PowerLoss(victim);
    } else {
      cluster().Kill(victim);
    }
    // Sometimes the peers know already, sometimes they find out by timeouts.
    if (random().Chance(0.5)) simulation().RunFor(absl::Seconds(random().Between(1, 40)));
  }

  void Return(int victim, bool cut_off) {
    if (cut_off) {
      cluster().network().HealAll();
    } else {
      cluster().Boot(victim);
    }
  }

  // Through a node that stays, at a level that the others can meet.
  void Add(int victim) {
    const auto n =
        static_cast<int>((victim + 1 + random().Below(cluster().size() - 1)) % cluster().size());
    const uint64_t element = checker_.Begin("h");
    cql::QueryOptions options;
    options.consistency = random().Chance(0.5) ? coordinator::ConsistencyLevel::kQuorum
                                               : coordinator::ConsistencyLevel::kOne;
    ++pending_;
    cluster().Query(n,
                    base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('h', ", element, ", 'x')"),
                    options, kTimeout, [this, element](absl::StatusOr<cql::QueryResult> result) {
                      checker_.End("h", element, OutcomeOf(result.status()));
                      --pending_;
                    });
    simulation().RunFor(absl::Milliseconds(random().Between(0, 50)));
  }

  // Without a single read: hints alone make the replicas equal.
  void AwaitConvergence() {
    const base::MonotonicTime give_up = simulation().now() + kHealingMax;
    while (!cluster().SameContents("t", "sets")) {
      if (simulation().now() > give_up) {
        return Violation(base::StrCat("replicas differ ", absl::FormatDuration(kHealingMax),
                                      " after the return of the node"));
      }
      simulation().RunFor(absl::Seconds(1));
    }
  }

  // Cut off, the node can only answer from what it has.
  void CheckAlone(int victim) {
    const base::MonotonicTime give_up = simulation().now() + absl::Seconds(60);
    std::optional<std::string> wrong;
    do {
      simulation().RunFor(absl::Seconds(3));
      cluster().network().Isolate(cluster().name(victim));
      cql::QueryOptions options;
      options.consistency = coordinator::ConsistencyLevel::kOne;
      options.page_size = 10 * kElements;
      const auto result =
          cluster().QueryAndWait(victim, "SELECT c FROM t.sets WHERE p = 'h'", options);
      cluster().network().HealAll();
      if (!result.ok()) {
        wrong = base::StrCat("the returned node cannot answer alone: ", result.status().ToString());
        continue;
      }
      std::vector<uint64_t> elements;
      const Rows rows = RowsOf(*result);
      for (size_t i = 0; i < rows.rows.size(); ++i)
        elements.push_back(BigintAt(rows, i, 0).value_or(0));
      wrong = checker_.Observe("h", checker_.Required("h"), elements);
      ++report().reads;
    } while (wrong.has_value() && simulation().now() < give_up);
    if (wrong.has_value()) Violation(base::StrCat("60 s after its return, ", *wrong));
  }

  SetChecker checker_;
  int pending_ = 0;
};

}  // namespace

RunReport RunHints(const RunOptions& options) { return Hints(options).Run(); }

}  // namespace tholos::sim
