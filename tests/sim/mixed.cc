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
// More than ReadSharing::kAlone on each shard, and several answers of each.
constexpr int kHotReaders = 12;
constexpr int kHotReads = 72;
constexpr char kHotPartition[] = "hot";
constexpr char kSharedReads[] = "tholos_coordinator_shared_reads_total";
constexpr absl::Duration kLoad = absl::Seconds(15);
constexpr absl::Duration kTimeout = absl::Seconds(2);

using coordinator::ConsistencyLevel;

class Mixed : public Workload {
 public:
  Mixed(const RunOptions& options, const Topology& topology, Levels levels)
      : Workload(options, topology),
        levels_(levels),
        nemesis_(cluster()),
        clients_(simulation(), random()) {}

  RunReport Run() {
    if (!Start() ||
        !CreateTable("registers", "p text, c int, a bigint, b bigint, PRIMARY KEY (p, c)") ||
        !CreateTable("sets", "p text, c bigint, v text, PRIMARY KEY (p, c)"))
      return Finish();
    nemesis_.Start();
    clients_.Start([this](Clients::Next next) { WriteOfOneNode(std::move(next)); });
    for (int p = 0; p < kPartitions; ++p)
      clients_.Start([this, p](Clients::Next next) { WriteRegister(p, std::move(next)); });
    for (int s = 0; s < kSets; ++s)
      clients_.Start([this, s](Clients::Next next) { AddElement(s, std::move(next)); });
    for (int r = 0; r < kReaders; ++r)
      clients_.Start([this](Clients::Next next) { Read(std::move(next)); });
    clients_.Start([this](Clients::Next next) { MaybeReadTogether(std::move(next)); });
    simulation().RunFor(kLoad);
    clients_.Stop();
    nemesis_.StopAndHeal();
    HealingBegins();
    report().faults = nemesis_.faults();
    if (AwaitHealed([&] { return clients_.running() == 0; })) CheckAll();
    report().acknowledged = registers_.acknowledged() + sets_.acknowledged();
    report().reads = registers_.observations();
    return Finish();
  }

 private:
  static std::string PartitionName(int p) { return base::StrCat("p", p); }
  static std::string OwnPartitionName(int n) { return base::StrCat("n", n); }
  static std::string SetName(int s) { return base::StrCat("s", s); }
  static std::string RegisterName(const std::string& p, uint64_t c, char column) {
    return base::StrCat(p, "/", c, "/", std::string(1, column));
  }

  // One writer a partition of registers: its rows' two columns are written one at a time, so that a
  // replica that missed a write differs in one cell.
  void WriteRegister(int p, Clients::Next next) {
    const auto c = random().Below(kRowsPerPartition);
    WriteCell(PartitionName(p), c, random().Chance(0.5) ? 'a' : 'b', std::move(next));
  }

  void WriteCell(const std::string& p, uint64_t c, char column, Clients::Next next) {
    const std::string key = RegisterName(p, c, column);
    const bool erase = random().Chance(0.15);
    const uint64_t version = registers_.Begin(key, erase);
    const std::string where = base::StrCat(" WHERE p = '", p, "' AND c = ", c);
    const std::string using_timestamp = base::StrCat(" USING TIMESTAMP ", version);
    const std::string name(1, column);
    const std::string statement =
        erase ? base::StrCat("DELETE ", name, " FROM t.registers", using_timestamp, where)
              : base::StrCat("UPDATE t.registers", using_timestamp, " SET ", name, " = ", version,
                             where);
    WriteVersion(AnyNode(), key, version, statement, std::move(next));
  }

  // One node writes its register with its own timestamps, which never go back: whatever its clock
  // does, whenever it dies.
  void WriteOfOneNode(Clients::Next next) {
    const int n = AnyNode();
    if (std::exchange(writing_[n], true)) return next();
    const std::string p = OwnPartitionName(n);
    const std::string key = RegisterName(p, 0, 'a');
    const uint64_t version = registers_.Begin(key, false);
    WriteVersion(
        n, key, version,
        base::StrCat("UPDATE t.registers SET a = ", version, " WHERE p = '", p, "' AND c = 0"),
        [=, this] {
          writing_[n] = false;
          next();
        });
  }

  void WriteVersion(int n, const std::string& key, uint64_t version, const std::string& statement,
                    Clients::Next next) {
    cluster().Query(n, statement, AtLevel(levels_.write), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      registers_.End(key, version, OutcomeOf(result.status()),
                                     DomainOf(cluster(), n, levels_.write));
                      NoteError(result.status(), statement);
                      next();
                    });
  }

  void AddElement(int s, Clients::Next next) {
    const std::string set = SetName(s);
    const uint64_t element = sets_.Begin(set);
    const int n = AnyNode();
    cluster().Query(n,
                    base::StrCat("INSERT INTO t.sets (p, c, v) VALUES ('", set, "', ", element,
                                 ", '", set, "/", element, "')"),
                    AtLevel(levels_.write), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      sets_.End(set, element, OutcomeOf(result.status()),
                                DomainOf(cluster(), n, levels_.write));
                      next();
                    });
  }

  void Read(Clients::Next next) {
    const ReadEnded again = [next = std::move(next)](const absl::Status&) { next(); };
    switch (random().Below(5)) {
      case 0:
        return ReadRow(AnyNode(), PartitionName(static_cast<int>(random().Below(kPartitions))),
                       random().Below(kRowsPerPartition), levels_.read, again);
      case 1:
        return ReadRow(AnyNode(), OwnPartitionName(AnyNode()), 0, levels_.read, again);
      case 2:
        return ReadRegisters(
            AnyNode(),
            base::StrCat("SELECT p, c, a, b FROM t.registers WHERE p = '",
                         PartitionName(static_cast<int>(random().Below(kPartitions))), "'",
                         random().Chance(0.5) ? " ORDER BY c DESC" : ""),
            again);
      case 3:
        return ReadRegisters(AnyNode(), "SELECT p, c, a, b FROM t.registers", again);
      default:
        return ReadSet(AnyNode(), SetName(static_cast<int>(random().Below(kSets))), levels_.read,
                       again);
    }
  }

  // Now and then, equal reads of a row through one node, many at once, while it is written: they
  // share answers, each of which is as new as a read of its own.
  void MaybeReadTogether(Clients::Next next) {
    if (!random().Chance(0.03)) return next();
    struct Burst {
      int reads_left = kHotReads;
      int running = kHotReaders + 1;
      uint64_t shared_before = 0;
    };
    const auto burst = std::make_shared<Burst>();
    const int n = AnyNode();
    const uint64_t incarnation = cluster().machine(n).incarnation();
    burst->shared_before = cluster().Counter(n, kSharedReads);
    const Clients::Next done = [=, this] {
      if (--burst->running > 0) return;
      if (cluster().machine(n).incarnation() == incarnation)
        report().shared_reads += cluster().Counter(n, kSharedReads) - burst->shared_before;
      next();
    };
    const auto read = [=, this](Clients::Next then) {
      ReadRow(n, kHotPartition, 0, levels_.read, [then](const absl::Status&) { then(); });
    };
    const auto write = [this](Clients::Next then) {
      WriteCell(kHotPartition, 0, 'a', std::move(then));
    };
    for (int i = 0; i < kHotReaders; ++i)
      clients_.Repeat([burst] { return burst->reads_left-- > 0; }, read, done);
    clients_.Repeat([burst] { return burst->running > 1; }, write, done);
  }

  void ReadRow(int n, const std::string& p, uint64_t c, ConsistencyLevel level, ReadEnded ended) {
    const std::string a = RegisterName(p, c, 'a');
    const std::string b = RegisterName(p, c, 'b');
    const uint64_t floor_a = FloorOf(a, n, level);
    const uint64_t floor_b = FloorOf(b, n, level);
    const Domain domain = DomainOf(cluster(), n, level);
    cluster().Query(
        n, base::StrCat("SELECT a, b FROM t.registers WHERE p = '", p, "' AND c = ", c),
        AtLevel(level), kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
          if (result.ok()) {
            const Rows rows = RowsOf(*result);
            const bool found = !rows.rows.empty();
            ObserveRegister(a, floor_a, found ? BigintAt(rows, 0, 0) : std::nullopt, domain);
            ObserveRegister(b, floor_b, found ? BigintAt(rows, 0, 1) : std::nullopt, domain);
          }
          ended(result.status());
        });
  }

  // Rows that are not in the answer are not judged here (the slice may have been a part); what is,
  // is.
  void ReadRegisters(int n, const std::string& statement, ReadEnded ended) {
    std::map<std::string, uint64_t> floors;
    const Domain domain = DomainOf(cluster(), n, levels_.read);
    for (const std::string& key : registers_.keys()) floors[key] = registers_.Floor(key, domain);
    cluster().Query(n, statement, AtLevel(levels_.read), kTimeout,
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
                                            BigintAt(rows, i, column), domain);
                          }
                        }
                      }
                      ended(result.status());
                    });
  }

  // Page by page, in either direction.
  void ReadSet(int n, const std::string& set, ConsistencyLevel level, ReadEnded ended) {
    ReadSetPage(
        n, set, level, random().Chance(0.5), static_cast<uint32_t>(random().Between(1, 40)), "",
        level == ConsistencyLevel::kAll ? sets_.RequiredOfAll(set)
                                        : sets_.Required(set, DomainOf(cluster(), n, level)),
        {}, std::move(ended));
  }

  void ReadSetPage(int n, std::string set, ConsistencyLevel level, bool reversed,
                   uint32_t page_size, std::string paging_state, std::set<uint64_t> required,
                   std::vector<uint64_t> seen, ReadEnded ended) {
    cql::QueryOptions options = AtLevel(level);
    options.page_size = page_size;
    options.paging_state = paging_state;
    cluster().Query(n,
                    base::StrCat("SELECT c, v FROM t.sets WHERE p = '", set, "'",
                                 reversed ? " ORDER BY c DESC" : ""),
                    options, kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) mutable {
                      if (!result.ok()) return ended(result.status());
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
                                           required, seen, ended);
                      }
                      if (!std::is_sorted(seen.begin(), seen.end(), [&](uint64_t x, uint64_t y) {
                            return reversed ? x > y : x < y;
                          })) {
                        Violation(base::StrCat("set ", set, ": elements out of order"));
                      }
                      if (auto wrong = sets_.Observe(set, required, seen)) Violation(*wrong);
                      ended(absl::OkStatus());
                    });
  }

  uint64_t FloorOf(const std::string& key, int n, ConsistencyLevel level) const {
    if (level == ConsistencyLevel::kAll) return registers_.FloorOfAll(key);
    return registers_.Floor(key, DomainOf(cluster(), n, level));
  }

  void ObserveRegister(const std::string& key, uint64_t floor, std::optional<uint64_t> version,
                       Domain domain) {
    if (auto wrong = registers_.Observe(key, floor, version, domain)) Violation(*wrong);
  }

  // Everything is up and quiet: reads must succeed now, and see everything.
  void CheckAll() {
    for (const auto level : {levels_.read, ConsistencyLevel::kAll}) {
      std::vector<FinalRead> reads;
      const auto row = [&](const char* what, std::string p, uint64_t c) {
        reads.push_back({what, [=, this](ReadEnded ended) {
                           ReadRow(AnyNode(), p, c, level, std::move(ended));
                         }});
      };
      // The longest first.
      for (int s = 0; s < kSets; ++s) {
        reads.push_back({"a set", [=, this](ReadEnded ended) {
                           ReadSet(AnyNode(), SetName(s), level, std::move(ended));
                         }});
      }
      for (int p = 0; p < kPartitions; ++p) {
        for (int c = 0; c < kRowsPerPartition; ++c) row("a register", PartitionName(p), c);
      }
      row("the register that many read", kHotPartition, 0);
      for (int n = 0; n < cluster().size(); ++n)
        row("a register of one node", OwnPartitionName(n), 0);
      RunFinalReads(std::move(reads));
    }
  }

  const Levels levels_;
  Nemesis nemesis_;
  Clients clients_;
  std::map<int, bool> writing_;  // nodes of whose own register a write is under way
  RegisterChecker registers_;
  SetChecker sets_;
};

}  // namespace

RunReport RunMixed(const RunOptions& options) {
  return Mixed(options, options.seed / 8 % 4 == 3 ? ThreeRacks() : OneDatacenter(), Levels()).Run();
}

RunReport RunDatacenters(const RunOptions& options) {
  constexpr Levels kLevels[] = {kLocalLevels, kEachLevels, Levels()};
  const uint64_t turn = options.seed / 8;
  return Mixed(options, TwoDatacenters(turn % 2 == 0 ? 2 : 3), kLevels[turn % 3]).Run();
}

}  // namespace tholos::sim
