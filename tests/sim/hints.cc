// Hinted handoff (workload.h).
#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kWriters = 4;
constexpr absl::Duration kTimeout = absl::Seconds(2);

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
    nemesis_.StopAndHeal();
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
    const base::MonotonicTime give_up = simulation().now() + absl::Seconds(60);
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
    } while (wrong.has_value() && simulation().now() < give_up);
    if (wrong.has_value()) Violation(base::StrCat("60 s after its return, ", *wrong));
  }

  const int victim_;
  Nemesis nemesis_;
  Clients clients_;
  SetChecker checker_;
};

}  // namespace

RunReport RunHints(const RunOptions& options) { return Hints(options).Run(); }

}  // namespace tholos::sim
