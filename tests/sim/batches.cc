// Logged batches (workload.h).
#include <algorithm>

#include "base/errors.h"
#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

using coordinator::ConsistencyLevel;

constexpr int kGroups = 3;
constexpr int kReaders = 2;
constexpr absl::Duration kLoad = absl::Seconds(20);
constexpr absl::Duration kTimeout = absl::Seconds(2);

// Batch v of a group, which has one writer, adds the element v to two sets, of different tables,
// and sets a register to v, all with the timestamp v. So every batch shows what became of it: in
// the end its element is in both sets or in neither, and the register has the last one that is.
class Batches : public Workload {
 public:
  explicit Batches(const RunOptions& options)
      : Workload(options, options.seed / 8 % 3 == 2 ? ThreeRacks() : OneDatacenter()),
        nemesis_(cluster()),
        clients_(simulation(), random()) {}

  RunReport Run() {
    if (!Start() || !CreateTable("a", "p text, c bigint, PRIMARY KEY (p, c)") ||
        !CreateTable("b", "p text, c bigint, v text, PRIMARY KEY (p, c)") ||
        !CreateTable("r", "p text PRIMARY KEY, v bigint"))
      return Finish();
    if (random().Chance(0.7)) nemesis_.Start();
    for (int g = 0; g < kGroups; ++g)
      clients_.Start([this, g](Clients::Next next) { Write(g, std::move(next)); });
    for (int r = 0; r < kReaders; ++r) {
      clients_.Start([this](Clients::Next next) {
        const int g = static_cast<int>(random().Below(kGroups));
        random().Chance(0.5) ? ReadSet(random().Chance(0.5) ? 'a' : 'b', g, std::move(next))
                             : ReadRegister(g, std::move(next));
      });
    }
    simulation().RunFor(kLoad);
    clients_.Stop();
    nemesis_.StopAndHeal();
    HealingBegins();
    report().faults = nemesis_.faults() + crashes_;
    if (AwaitHealed([&] { return clients_.running() == 0; })) AwaitAllOrNothing();
    report().acknowledged = sets_.acknowledged();
    report().reads = registers_.observations() + set_reads_;
    return Finish();
  }

 private:
  static std::string SetName(char table, int g) {
    return base::StrCat(std::string(1, table), "/", g);
  }
  static std::string RegisterName(int g) { return base::StrCat("r/", g); }

  void Write(int g, Clients::Next next) {
    const uint64_t v = registers_.Begin(RegisterName(g), false);
    for (const char table : {'a', 'b'}) sets_.Begin(SetName(table, g), v);
    const std::string statement =
        base::StrCat("BEGIN BATCH USING TIMESTAMP ", v, " INSERT INTO t.a (p, c) VALUES ('a", g,
                     "', ", v, "); INSERT INTO t.b (p, c, v) VALUES ('b", g, "', ", v,
                     ", 'x'); UPDATE t.r SET v = ", v, " WHERE p = 'r", g, "'; APPLY BATCH");
    const int n = AnyNode();
    cluster().Query(n, statement, AtLevel(ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      const Outcome outcome = OutcomeOf(result.status());
                      registers_.End(RegisterName(g), v, outcome);
                      for (const char table : {'a', 'b'}) sets_.End(SetName(table, g), v, outcome);
                      if (outcome == Outcome::kAcknowledged || IsPromised(result.status()))
                        promised_[g].insert(v);
                      NoteError(result.status(), statement);
                      next();
                    });
    // Somewhere between its first message and its last one.
    if (!random().Chance(0.08)) return;
    simulation().After(absl::Microseconds(random().Between(100, 6000)), "kill the coordinator",
                       [this, n] {
                         if (!cluster().serving(n)) return;
                         ++crashes_;
                         nemesis_.Crash(n, random().Chance(0.5));
                       });
  }

  // The guards have it: it will be done.
  static bool IsPromised(const absl::Status& status) {
    const auto error = base::GetRequestError(status);
    return error.has_value() && error->write_type == "BATCH" &&
           (error->kind == base::RequestErrorKind::kTimeout ||
            error->kind == base::RequestErrorKind::kFailure);
  }

  static std::string SelectSet(char table, int g) {
    const std::string name(1, table);
    return base::StrCat("SELECT c FROM t.", name, " WHERE p = '", name, g, "'");
  }

  void ReadSet(char table, int g, Clients::Next next) {
    const std::string set = SetName(table, g);
    const auto required = sets_.Required(set);
    cluster().Query(AnyNode(), SelectSet(table, g), AtLevel(ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      ++set_reads_;
                      if (result.ok()) {
                        auto wrong = sets_.Observe(set, required, ElementsOf(*result));
                        if (wrong) Violation(*wrong);
                      }
                      next();
                    });
  }

  void ReadRegister(int g, Clients::Next next) {
    const std::string key = RegisterName(g);
    const uint64_t floor = registers_.Floor(key);
    cluster().Query(AnyNode(), base::StrCat("SELECT v FROM t.r WHERE p = 'r", g, "'"),
                    AtLevel(ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      if (result.ok()) {
                        auto wrong = registers_.Observe(key, floor, FirstOf(*result));
                        if (wrong) Violation(*wrong);
                      }
                      next();
                    });
  }

  static std::vector<uint64_t> ElementsOf(const cql::QueryResult& result) {
    std::vector<uint64_t> elements;
    const Rows rows = RowsOf(result);
    for (size_t i = 0; i < rows.rows.size(); ++i)
      elements.push_back(BigintAt(rows, i, 0).value_or(0));
    return elements;
  }
  static std::optional<uint64_t> FirstOf(const cql::QueryResult& result) {
    const Rows rows = RowsOf(result);
    return rows.rows.empty() ? std::nullopt : BigintAt(rows, 0, 0);
  }

  // The guards need a moment to see that a coordinator will not come back to its batch.
  void AwaitAllOrNothing() {
    std::optional<std::string> wrong;
    do {
      simulation().RunFor(absl::Seconds(5));
      wrong.reset();
      for (int g = 0; g < kGroups && !wrong.has_value(); ++g) wrong = WrongInGroup(g);
    } while (wrong.has_value() && simulation().now() < healed_by());
    if (wrong.has_value())
      Violation(base::StrCat(absl::FormatDuration(kHealingMax), " after healing, ", *wrong));
  }

  std::optional<std::string> WrongInGroup(int g) {
    const AllAnswers answers = ReadAtAll(g);
    if (!answers.status.ok()) return answers.status.ToString();
    for (const char table : {'a', 'b'}) {
      const std::string set = SetName(table, g);
      if (auto wrong = sets_.Observe(set, sets_.Required(set), answers.of(table))) return wrong;
    }
    for (const uint64_t v : promised_[g]) {
      if (!std::binary_search(answers.a.begin(), answers.a.end(), v))
        return base::StrCat("batch ", v, " of group ", g, " is not there, and was promised");
    }
    if (answers.a != answers.b)
      return base::StrCat("batches of group ", g, " are there in part: ", OnlyInOne(answers));
    const std::optional<uint64_t> last =
        answers.a.empty() ? std::nullopt : std::optional(answers.a.back());
    if (answers.r == last) return std::nullopt;
    return base::StrCat("the register of group ", g, " has ", answers.r.value_or(0),
                        ", its last batch is ", last.value_or(0));
  }

  struct AllAnswers {
    absl::Status status;
    std::vector<uint64_t> a;
    std::vector<uint64_t> b;
    std::optional<uint64_t> r;
    const std::vector<uint64_t>& of(char table) const { return table == 'a' ? a : b; }
  };
  AllAnswers ReadAtAll(int g) {
    AllAnswers answers;
    const cql::QueryOptions all = AtLevel(ConsistencyLevel::kAll);
    for (const char table : {'a', 'b'}) {
      const auto result = cluster().QueryAndWait(AnyNode(), SelectSet(table, g), all);
      if (result.ok()) {
        (table == 'a' ? answers.a : answers.b) = ElementsOf(*result);
      } else {
        answers.status.Update(result.status());
      }
    }
    const auto result = cluster().QueryAndWait(
        AnyNode(), base::StrCat("SELECT v FROM t.r WHERE p = 'r", g, "'"), all);
    answers.status.Update(result.status());
    if (result.ok()) answers.r = FirstOf(*result);
    return answers;
  }

  static std::string OnlyInOne(const AllAnswers& answers) {
    std::vector<uint64_t> different;
    std::set_symmetric_difference(answers.a.begin(), answers.a.end(), answers.b.begin(),
                                  answers.b.end(), std::back_inserter(different));
    return different.empty() ? "in another order" : base::StrCat("one is ", different[0]);
  }

  Nemesis nemesis_;
  Clients clients_;
  SetChecker sets_;
  RegisterChecker registers_;
  std::map<int, std::set<uint64_t>> promised_;
  uint64_t set_reads_ = 0;
  uint64_t crashes_ = 0;
};

}  // namespace

RunReport RunBatches(const RunOptions& options) { return Batches(options).Run(); }

}  // namespace tholos::sim
