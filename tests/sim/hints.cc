// Hinted handoff (workload.h).
#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kWriters = 4;
constexpr absl::Duration kTimeout = absl::Seconds(2);
// When its write has ended and its group was synced, a hint is durable: no level but ANY waits.
constexpr absl::Duration kDurableMax = absl::Seconds(5);

class Hints : public Workload {
 public:
  explicit Hints(const RunOptions& options)
      : Workload(options, options.seed % 5 == 0 ? TwoDatacenters(2) : OneDatacenter()),
        victim_(AnyNode()),
        nemesis_(cluster(), victim_),
        clients_(simulation(), random()) {}

  RunReport Run() {
    if (!Start() || !CreateTable("sets", "p text, c bigint, v text, PRIMARY KEY (p, c)"))
      return Finish();
    const bool power_loss = random().Chance(0.3);
    const bool cut_off = !power_loss && random().Chance(0.3);
    Remove(power_loss, cut_off);
    // Without faults, with those of the network and the clocks, or with those of the node, too.
    if (random().Chance(0.7)) nemesis_.Start();
    for (int w = 0; w < kWriters; ++w)
      clients_.Start([this](Clients::Next next) { Add(std::move(next)); });
    simulation().RunFor(absl::Milliseconds(random().Between(2000, 12000)));
    clients_.Stop();
    if (random().Chance(0.5)) {
      if (!LoseCoordinators()) return Finish();
    } else {
      nemesis_.StopAndHeal();
    }
    HealingBegins();
    report().faults = nemesis_.faults() + 1;
    if (AwaitHealed([&] { return clients_.running() == 0; })) {
      // Hints alone make the replicas equal.
      AwaitEqualReplicas("sets");
      CheckAlone();
    }
    report().acknowledged = checker_.acknowledged();
    return Finish();
  }

 private:
  void Remove(bool power_loss, bool cut_off) {
    if (cut_off) {
      cluster().network().Isolate(cluster().name(victim_));
    } else if (power_loss) {
      cluster().PowerLoss(victim_);
    } else {
      cluster().Kill(victim_);
    }
    // Sometimes the peers know already, sometimes they find out by timeouts.
    if (random().Chance(0.5)) simulation().RunFor(absl::Seconds(random().Between(1, 40)));
  }

  // The power of all that hold hints fails before the node comes back, or while it gets them: those
  // that are up again deliver them.
  bool LoseCoordinators() {
    const bool before = random().Chance(0.5);
    nemesis_.StopAndHealOthers();
    simulation().RunFor(kDurableMax);
    if (!before) {
      nemesis_.StopAndHeal();
      simulation().RunFor(absl::Milliseconds(random().Between(0, 4000)));
    }
    ForOthers([&](int n) { cluster().PowerLoss(n); });
    simulation().RunFor(absl::Milliseconds(random().Between(0, 4000)));
    ForOthers([&](int n) { cluster().Boot(n); });
    if (before) {
      const auto serve = [&] {
        bool all = true;
        ForOthers([&](int n) { all = all && cluster().serving(n); });
        return all;
      };
      if (!Await(serve, absl::Minutes(1), "the restart of the others")) return false;
    }
    nemesis_.StopAndHeal();
    return true;
  }
  void ForOthers(absl::FunctionRef<void(int n)> act) {
    for (int n = 0; n < cluster().size(); ++n) {
      if (n != victim_) act(n);
    }
  }

  // Through a node that stays, at a level that the others can meet.
  void Add(Clients::Next next) {
    const auto n =
        static_cast<int>((victim_ + 1 + random().Below(cluster().size() - 1)) % cluster().size());
    const uint64_t element = checker_.Begin("h");
    cluster().Query(n,
                    base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('h', ", element, ", 'x')"),
                    AtLevel(random().Chance(0.5) ? coordinator::ConsistencyLevel::kQuorum
                                                 : coordinator::ConsistencyLevel::kOne),
                    kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
                      checker_.End("h", element, OutcomeOf(result.status()));
                      next();
                    });
  }

  // Cut off, the node can only answer from what it has.
  void CheckAlone() {
    std::optional<std::string> wrong;
    do {
      simulation().RunFor(absl::Seconds(3));
      cluster().network().Isolate(cluster().name(victim_));
      cql::QueryOptions options;
      options.consistency = coordinator::ConsistencyLevel::kOne;
      const auto result =
          cluster().QueryAndWait(victim_, "SELECT c FROM t.sets WHERE p = 'h'", options);
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
    } while (wrong.has_value() && simulation().now() < healed_by());
    if (wrong.has_value())
      Violation(base::StrCat(absl::FormatDuration(kHealingMax), " after healing, ", *wrong));
  }

  const int victim_;
  Nemesis nemesis_;
  Clients clients_;
  SetChecker checker_;
};

}  // namespace

RunReport RunHints(const RunOptions& options) { return Hints(options).Run(); }

}  // namespace tholos::sim
