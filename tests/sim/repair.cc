// Repair of what no hint brings (workload.h).
#include "coordinator/repair/range_repair.h"

#include "base/strings.h"
#include "coordinator/coordinator_impl.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kWriters = 4;
constexpr uint64_t kKeys = 8;
constexpr int kRanges = 4;
constexpr absl::Duration kTimeout = absl::Seconds(2);

RunOptions WithoutHints(RunOptions options) {
  options.faults.coordinator.hints_dropped = true;
  return options;
}

class Repair : public Workload {
 public:
  explicit Repair(const RunOptions& options)
      : Workload(WithoutHints(options),
                 options.seed % 5 == 0 ? TwoDatacenters(2) : OneDatacenter()),
        victim_(AnyNode()),
        nemesis_(cluster(), victim_),
        clients_(simulation(), random()) {}

  RunReport Run() {
    const std::string mode = random().Chance(0.5) ? "BLOCKING" : "NONE";
    if (!Start() || !CreateTable("sets", "p text, c bigint, v text, PRIMARY KEY (p, c)") ||
        !Execute(base::StrCat("ALTER TABLE t.sets WITH read_repair = '", mode, "'"))) {
      return Finish();
    }
    random().Chance(0.3) ? cluster().PowerLoss(victim_) : cluster().Kill(victim_);
    if (random().Chance(0.5)) nemesis_.Start();
    for (int w = 0; w < kWriters; ++w)
      clients_.Start([this](Clients::Next next) { Write(std::move(next)); });
    simulation().RunFor(absl::Milliseconds(random().Between(2000, 8000)));
    clients_.Stop();
    nemesis_.StopAndHeal();
    HealingBegins();
    report().faults = nemesis_.faults() + 1;
    if (AwaitHealed([&] { return clients_.running() == 0; })) {
      // What was sent and given up may still arrive.
      simulation().RunFor(2 * kTimeout);
      if (RepairRing()) {
        AwaitEqualReplicas("sets");
        CheckAlone();
      }
    }
    report().acknowledged = checker_.acknowledged();
    return Finish();
  }

 private:
  static std::string Key(uint64_t k) { return base::StrCat("k", k); }

  // Rows are added, and rows that nobody checks are deleted: their tombstones are to arrive, too.
  void Write(Clients::Next next) {
    const auto n =
        static_cast<int>((victim_ + 1 + random().Below(cluster().size() - 1)) % cluster().size());
    const std::string key = Key(random().Below(kKeys));
    const auto options = AtLevel(random().Chance(0.5) ? coordinator::ConsistencyLevel::kQuorum
                                                      : coordinator::ConsistencyLevel::kOne);
    if (random().Chance(0.2)) {
      const int64_t row = -1 - static_cast<int64_t>(random().Below(20));
      const std::string statement =
          random().Chance(0.5)
              ? base::StrCat("DELETE FROM t.sets WHERE p = '", key, "' AND c = ", row)
              : base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('", key, "', ", row, ", 'x')");
      return cluster().Query(
          n, statement, options, kTimeout,
          [next = std::move(next)](absl::StatusOr<cql::QueryResult>) { next(); });
    }
    const uint64_t element = checker_.Begin(key);
    cluster().Query(
        n, base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('", key, "', ", element, ", 'x')"),
        options, kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
          checker_.End(key, element, OutcomeOf(result.status()));
          next();
        });
  }

  using StepResult = std::optional<absl::StatusOr<coordinator::RangeRepairStep>>;

  static base::Task<void> Step(node::Node* node, const base::Clock& clock,
                               coordinator::RangeRepair repair,
                               std::shared_ptr<StepResult> result) {
    *result = co_await coordinator::RepairSome(node->coordinator(), node->cluster(), clock,
                                               std::move(repair), clock.Now() + absl::Seconds(8));
  }

  // Range after range, each step by any node.
  bool RepairRing() {
    for (int i = 0; i < kRanges; ++i) {
      coordinator::RangeRepair repair;
      repair.range = {BoundaryAt(i), i + 1 == kRanges ? data::kMinToken : BoundaryAt(i + 1)};
      do {
        if (simulation().now() > healed_by()) {
          Violation(base::StrCat("range ", i, " was not repaired ",
                                 absl::FormatDuration(kHealingMax),
                                 " after healing: ", last_error_));
          return false;
        }
        TakeStep(AnyNode(), &repair);
      } while (!repair.cursor.empty() || !done_);
    }
    return true;
  }

  static data::Token BoundaryAt(int i) {
    return static_cast<data::Token>(static_cast<uint64_t>(data::kMinToken) +
                                    (uint64_t{1} << 62) * static_cast<uint64_t>(i));
  }

  void TakeStep(int n, coordinator::RangeRepair* repair) {
    done_ = false;
    repair->table = cluster().node(n)->cluster()->schema().FindTable("t", "sets")->id;
    const auto result = std::make_shared<StepResult>();
    cluster().machine(n).Spawn(
        Step(cluster().node(n), cluster().machine(n).clock(), *repair, result));
    (void)Await([&] { return result->has_value(); }, absl::Seconds(30), "a step of a repair");
    if (!result->has_value() || !(*result)->ok()) {
      // The first reads may meet a connection that is being made anew.
      if (result->has_value())
        last_error_ = std::string(base::ToStd((*result)->status().message()));
      simulation().RunFor(absl::Seconds(1));
      return;
    }
    repair->cursor = (**result)->cursor;
    done_ = true;
    ++report().reads;
  }

  // Cut off, the node that was away answers from what it has.
  void CheckAlone() {
    cluster().network().Isolate(cluster().name(victim_));
    for (uint64_t k = 0; k < kKeys; ++k) {
      const auto result = cluster().QueryAndWait(
          victim_, base::StrCat("SELECT c FROM t.sets WHERE p = '", Key(k), "' AND c >= 0"),
          AtLevel(coordinator::ConsistencyLevel::kOne));
      if (!result.ok()) {
        Violation(
            base::StrCat("the repaired node cannot answer alone: ", result.status().ToString()));
        continue;
      }
      std::vector<uint64_t> elements;
      const Rows rows = RowsOf(*result);
      for (size_t i = 0; i < rows.rows.size(); ++i)
        elements.push_back(BigintAt(rows, i, 0).value_or(0));
      const auto wrong = checker_.Observe(Key(k), checker_.Required(Key(k)), elements);
      if (wrong.has_value()) Violation(base::StrCat("after the repair, ", *wrong));
    }
    cluster().network().HealAll();
  }

  const int victim_;
  Nemesis nemesis_;
  Clients clients_;
  SetChecker checker_;
  bool done_ = false;
  std::string last_error_;
};

}  // namespace

RunReport RunRepair(const RunOptions& options) { return Repair(options).Run(); }

}  // namespace tholos::sim
