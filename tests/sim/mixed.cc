// Registers and sets under a nemesis (workload.h).
#include <algorithm>
#include <functional>

#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

constexpr int kPartitions = 3;
constexpr int kRowsPerPartition = 4;
constexpr int kSets = 3;
constexpr int kReaders = 4;
constexpr absl::Duration kLoad = absl::Seconds(25);
constexpr absl::Duration kTimeout = absl::Seconds(2);

class Mixed : public Workload {
 public:
  explicit Mixed(const RunOptions& options)
      : Workload(options), nemesis_(cluster()), clients_(simulation(), random()) {}

  RunReport Run() {
    if (!Start()) return Finish();
    nemesis_.Start();
    for (int p = 0; p < kPartitions; ++p)
      clients_.Start([this, p](Clients::Next next) { WriteRegister(p, std::move(next)); });
    for (int s = 0; s < kSets; ++s)
      clients_.Start([this, s](Clients::Next next) { AddElement(s, std::move(next)); });
    for (int r = 0; r < kReaders; ++r)
      clients_.Start([this](Clients::Next next) { Read(std::move(next)); });
    simulation().RunFor(kLoad);
    clients_.Stop();
    nemesis_.StopAndHeal();
    report().faults = nemesis_.faults();
    if (AwaitHealed([&] { return clients_.running() == 0; })) CheckAll();
    report().acknowledged = registers_.acknowledged() + sets_.acknowledged();
    report().reads = registers_.observations();
    return Finish();
  }

 private:
  int AnyNode() { return static_cast<int>(random().Below(cluster().size())); }

  static std::string PartitionName(int p) { return base::StrCat("p", p); }
  static std::string SetName(int s) { return base::StrCat("s", s); }
  static std::string RegisterName(const std::string& p, uint64_t c, char column) {
    return base::StrCat(p, "/", c, "/", std::string(1, column));
  }

  // One writer a partition of registers: its rows' two columns are written one at a time, so that a
  // replica that missed a write differs in one cell.
  void WriteRegister(int p, Clients::Next next) {
    const auto c = random().Below(kRowsPerPartition);
    const char column = random().Chance(0.5) ? 'a' : 'b';
    const std::string key = RegisterName(PartitionName(p), c, column);
    const bool erase = random().Chance(0.15);
    const uint64_t version = registers_.Begin(key, erase);
    const std::string where = base::StrCat(" WHERE p = '", PartitionName(p), "' AND c = ", c);
    const std::string using_timestamp = base::StrCat(" USING TIMESTAMP ", version);
    const std::string name(1, column);
    const std::string statement =
        erase ? base::StrCat("DELETE ", name, " FROM t.registers", using_timestamp, where)
              : base::StrCat("UPDATE t.registers", using_timestamp, " SET ", name, " = ", version,
                             where);
    cluster().Query(AnyNode(), statement, AtLevel(coordinator::ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      registers_.End(key, version, OutcomeOf(result.status()));
                      NoteError(result.status(), statement);
                      next();
                    });
  }

  void AddElement(int s, Clients::Next next) {
    const std::string set = SetName(s);
    const uint64_t element = sets_.Begin(set);
    cluster().Query(AnyNode(),
                    base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('", set, "', ", element,
                                 ", '", set, "/", element, "')"),
                    AtLevel(coordinator::ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      sets_.End(set, element, OutcomeOf(result.status()));
                      next();
                    });
  }

  void Read(Clients::Next again) {
    switch (random().Below(4)) {
      case 0:
        return ReadRow(AnyNode(), static_cast<int>(random().Below(kPartitions)),
                       random().Below(kRowsPerPartition), coordinator::ConsistencyLevel::kQuorum,
                       again);
      case 1:
        return ReadRegisters(
            AnyNode(),
            base::StrCat("SELECT p, c, a, b FROM t.registers WHERE p = '",
                         PartitionName(static_cast<int>(random().Below(kPartitions))), "'",
                         random().Chance(0.5) ? " ORDER BY c DESC" : ""),
            again);
      case 2:
        return ReadRegisters(AnyNode(), "SELECT p, c, a, b FROM t.registers", again);
      default:
        return ReadSet(AnyNode(), SetName(static_cast<int>(random().Below(kSets))),
                       coordinator::ConsistencyLevel::kQuorum, again);
    }
  }

  void ReadRow(int n, int p, uint64_t c, coordinator::ConsistencyLevel level,
               std::function<void()> then) {
    const std::string a = RegisterName(PartitionName(p), c, 'a');
    const std::string b = RegisterName(PartitionName(p), c, 'b');
    const uint64_t floor_a = registers_.Floor(a);
    const uint64_t floor_b = registers_.Floor(b);
    cluster().Query(
        n,
        base::StrCat("SELECT a, b FROM t.registers WHERE p = '", PartitionName(p), "' AND c = ", c),
        AtLevel(level), kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
          if (result.ok()) {
            const Rows rows = RowsOf(*result);
            const bool found = !rows.rows.empty();
            ObserveRegister(a, floor_a, found ? BigintAt(rows, 0, 0) : std::nullopt);
            ObserveRegister(b, floor_b, found ? BigintAt(rows, 0, 1) : std::nullopt);
          }
          last_status_ = result.status();
          then();
        });
  }

  // Rows that are not in the answer are not judged here (the slice may have been a part); what is,
  // is.
  void ReadRegisters(int n, const std::string& statement, std::function<void()> then) {
    std::map<std::string, uint64_t> floors;
    for (const std::string& key : registers_.keys()) floors[key] = registers_.Floor(key);
    cluster().Query(n, statement, AtLevel(coordinator::ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      if (result.ok()) {
                        const Rows rows = RowsOf(*result);
                        for (size_t i = 0; i < rows.rows.size(); ++i) {
                          const auto c = static_cast<uint64_t>(data::DecodeInt(*rows.rows[i][1]));
                          for (size_t column : {2, 3}) {
                            const std::string key =
                                RegisterName(TextAt(rows, i, 0), c, column == 2 ? 'a' : 'b');
                            auto floor = floors.find(key);
                            ObserveRegister(key, floor == floors.end() ? 0 : floor->second,
                                            BigintAt(rows, i, column));
                          }
                        }
                      }
                      then();
                    });
  }

  // Page by page, in either direction.
  void ReadSet(int n, const std::string& set, coordinator::ConsistencyLevel level,
               std::function<void()> then) {
    ReadSetPage(n, set, level, random().Chance(0.5), static_cast<uint32_t>(random().Between(1, 40)),
                "", sets_.Required(set), {}, std::move(then));
  }

  void ReadSetPage(int n, std::string set, coordinator::ConsistencyLevel level, bool reversed,
                   uint32_t page_size, std::string paging_state, std::set<uint64_t> required,
                   std::vector<uint64_t> seen, std::function<void()> then) {
    cql::QueryOptions options = AtLevel(level);
    options.page_size = page_size;
    options.paging_state = paging_state;
    cluster().Query(n,
                    base::StrCat("SELECT c, v FROM t.sets WHERE p = '", set, "'",
                                 reversed ? " ORDER BY c DESC" : ""),
                    options, kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) mutable {
                      last_status_ = result.status();
                      if (!result.ok()) return then();
                      const Rows rows = RowsOf(*result);
                      for (size_t i = 0; i < rows.rows.size(); ++i) {
                        seen.push_back(BigintAt(rows, i, 0).value_or(0));
                        if (TextAt(rows, i, 1) != base::StrCat(set, "/", seen.back())) {
                          Violation(base::StrCat("set ", set, ": element ", seen.back(),
                                                 " has the value '", TextAt(rows, i, 1), "'"));
                        }
                      }
                      if (!rows.paging_state.empty()) {
                        return ReadSetPage(n, set, level, reversed, page_size, rows.paging_state,
                                           required, seen, then);
                      }
                      if (!std::is_sorted(seen.begin(), seen.end(), [&](uint64_t x, uint64_t y) {
                            return reversed ? x > y : x < y;
                          })) {
                        Violation(base::StrCat("set ", set, ": elements out of order"));
                      }
                      if (auto wrong = sets_.Observe(set, required, seen)) Violation(*wrong);
                      then();
                    });
  }

  void ObserveRegister(const std::string& key, uint64_t floor, std::optional<uint64_t> version) {
    if (auto wrong = registers_.Observe(key, floor, version)) Violation(*wrong);
  }

  // Everything is up and quiet: reads must succeed now, and see everything.
  void CheckAll() {
    for (const auto level :
         {coordinator::ConsistencyLevel::kQuorum, coordinator::ConsistencyLevel::kAll}) {
      for (int p = 0; p < kPartitions; ++p) {
        for (int c = 0; c < kRowsPerPartition; ++c) {
          FinalRead("a register", last_status_,
                    [&](std::function<void()> then) { ReadRow(AnyNode(), p, c, level, then); });
        }
      }
      for (int s = 0; s < kSets; ++s) {
        FinalRead("a set", last_status_,
                  [&](std::function<void()> then) { ReadSet(AnyNode(), SetName(s), level, then); });
      }
    }
  }

  Nemesis nemesis_;
  Clients clients_;
  RegisterChecker registers_;
  SetChecker sets_;
  absl::Status last_status_;
};

}  // namespace

RunReport RunMixed(const RunOptions& options) { return Mixed(options).Run(); }

}  // namespace tholos::sim
