// Deleted data stays deleted (workload.h).
#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kPartitions = 3;
constexpr int kRows = 6;
constexpr int kReaders = 4;
constexpr absl::Duration kLoad = absl::Seconds(20);
constexpr absl::Duration kTimeout = absl::Seconds(2);

// Each partition has one writer; its operations have increasing versions, and each row is a
// register that some of them touch: an insert one row, a delete one row, a range of them or all.
class Deletes : public Workload {
 public:
  explicit Deletes(const RunOptions& options)
      : Workload(options), nemesis_(cluster()), clients_(simulation(), random()) {}

  RunReport Run() {
    if (!Start()) return Finish();
    if (!CreateTable("rows", "p int, c int, v bigint, s bigint static, PRIMARY KEY (p, c)"))
      return Finish();
    nemesis_.Start();
    for (int p = 0; p < kPartitions; ++p) {
      clients_.Start([this, p](Clients::Next next) { Write(p, std::move(next)); });
    }
    for (int r = 0; r < kReaders; ++r) {
      clients_.Start([this](Clients::Next next) {
        Read(AnyNode(), static_cast<int>(random().Below(kPartitions)),
             coordinator::ConsistencyLevel::kQuorum, std::move(next));
      });
    }
    simulation().RunFor(kLoad);
    clients_.Stop();
    nemesis_.StopAndHeal();
    HealingBegins();
    report().faults = nemesis_.faults();
    if (AwaitHealed([&] { return clients_.running() == 0; })) CheckAll();
    report().acknowledged = rows_.acknowledged();
    report().reads = rows_.observations();
    return Finish();
  }

 private:
  static std::string RowName(int p, int c) { return base::StrCat(p, "/", c); }

  struct Operation {
    std::string statement;
    bool erase = true;
    int first = 0;  // the rows [first, last] are touched
    int last = kRows - 1;
  };
  Operation Choose(int p, uint64_t version) {
    const std::string using_timestamp = base::StrCat(" USING TIMESTAMP ", version);
    const std::string where = base::StrCat(" WHERE p = ", p);
    const auto c = static_cast<int>(random().Below(kRows));
    const auto d = static_cast<int>(random().Between(c, kRows - 1));
    switch (random().Below(8)) {
      case 0:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where), true};
      case 1:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where, " AND c = ", c), true, c,
                c};
      case 2:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where, " AND c >= ", c,
                             " AND c <= ", d),
                true, c, d};
      default:
        return {base::StrCat("INSERT INTO t.rows (p, c, v) VALUES (", p, ", ", c, ", ", version,
                             ")", using_timestamp),
                false, c, c};
    }
  }

  void Write(int p, Clients::Next next) {
    const uint64_t version = ++versions_[p];
    const Operation operation = Choose(p, version);
    for (int c = operation.first; c <= operation.last; ++c)
      rows_.Begin(RowName(p, c), version, operation.erase);
    cluster().Query(AnyNode(), operation.statement, AtLevel(coordinator::ConsistencyLevel::kQuorum),
                    kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
                      for (int c = operation.first; c <= operation.last; ++c)
                        rows_.End(RowName(p, c), version, OutcomeOf(result.status()));
                      NoteError(result.status(), operation.statement);
                      next();
                    });
  }

  // The whole partition, or the rows on one side of one.
  void Read(int n, int p, coordinator::ConsistencyLevel level, std::function<void()> then) {
    const int first = random().Chance(0.5) ? 0 : static_cast<int>(random().Below(kRows));
    std::vector<uint64_t> floors;
    for (int c = first; c < kRows; ++c) floors.push_back(rows_.Floor(RowName(p, c)));
    cluster().Query(n,
                    base::StrCat("SELECT c, v FROM t.rows WHERE p = ", p, " AND c >= ", first,
                                 random().Chance(0.3) ? " ORDER BY c DESC" : ""),
                    AtLevel(level), kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
                      if (result.ok()) Observe(p, first, floors, RowsOf(*result));
                      last_status_ = result.status();
                      then();
                    });
  }

  void Observe(int p, int first, const std::vector<uint64_t>& floors, const Rows& rows) {
    std::map<int, std::optional<uint64_t>> seen;
    for (size_t i = 0; i < rows.rows.size(); ++i)
      seen[data::DecodeInt(*rows.rows[i][0])] = BigintAt(rows, i, 1);
    for (int c = first; c < kRows; ++c) {
      auto it = seen.find(c);
      if (auto wrong = rows_.Observe(RowName(p, c), floors[c - first],
                                     it == seen.end() ? std::nullopt : it->second))
        Violation(*wrong);
    }
  }

  void CheckAll() {
    for (const auto level :
         {coordinator::ConsistencyLevel::kQuorum, coordinator::ConsistencyLevel::kAll}) {
      for (int p = 0; p < kPartitions; ++p) {
        FinalRead(base::StrCat("partition ", p), last_status_,
                  [&](std::function<void()> then) { Read(AnyNode(), p, level, std::move(then)); });
      }
    }
  }

  Nemesis nemesis_;
  Clients clients_;
  RegisterChecker rows_;
  std::map<int, uint64_t> versions_;
  absl::Status last_status_;
};

}  // namespace

RunReport RunDeletes(const RunOptions& options) { return Deletes(options).Run(); }

}  // namespace tholos::sim
