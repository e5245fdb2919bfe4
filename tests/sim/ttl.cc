// What has expired stays dead (workload.h).
#include <algorithm>

#include "base/strings.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/ttl_checker.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

using coordinator::ConsistencyLevel;

constexpr int kPartitions = 3;
constexpr int kRows = 6;
constexpr int kReaders = 4;
constexpr absl::Duration kLoad = absl::Seconds(20);
constexpr absl::Duration kTimeout = absl::Seconds(2);
// Wall seconds by which everything has expired, whatever any clock showed: the year 2100.
constexpr int64_t kFarFuture = 4'102'444'800;

// Each partition has one writer; its operations have increasing versions, which are their
// timestamps and values. A row is two registers: its cell, and the row itself, which an INSERT
// makes and an UPDATE does not.
class Ttl : public Workload {
 public:
  explicit Ttl(const RunOptions& options)
      : Workload(options),
        nemesis_(cluster()),
        clients_(simulation(), random()),
        checker_(cluster().wall_clocks()) {}

  RunReport Run() {
    if (!Start() || !CreateTable("cells", "p int, c int, v bigint, PRIMARY KEY (p, c)") ||
        (random().Chance(0.5) &&
         !Execute("ALTER TABLE t.cells WITH caching = {'rows_per_partition': 'ALL'}"))) {
      return Finish();
    }
    nemesis_.Start();
    for (int p = 0; p < kPartitions; ++p)
      clients_.Start([this, p](Clients::Next next) { Write(p, std::move(next)); });
    for (int r = 0; r < kReaders; ++r)
      clients_.Start([this](Clients::Next next) { ReadSome(std::move(next)); });
    clients_.Start([this](Clients::Next next) {
      if (random().Chance(0.03)) nemesis_.Housekeeping(AnyNode());
      next();
    });
    simulation().RunFor(kLoad);
    clients_.Stop();
    nemesis_.StopAndHeal();
    HealingBegins();
    report().faults = nemesis_.faults();
    if (AwaitHealed([&] { return clients_.running() == 0; })) CheckAll();
    report().acknowledged = checker_.acknowledged();
    report().reads = checker_.observations();
    return Finish();
  }

 private:
  static std::string RowName(int p, int c) { return base::StrCat(p, "/", c); }
  static std::string CellName(int p, int c) { return base::StrCat(p, "/", c, "/v"); }

  // Writes ---------------------------------------------------------------------------------------

  struct Operation {
    enum class Kind { kInsert, kUpdate, kDeleteCell, kDeleteRows };
    Kind kind = Kind::kInsert;
    int p = 0;
    int first = 0;  // the rows [first, last] are touched
    int last = 0;
    uint64_t version = 0;
    bool erases() const { return kind >= Kind::kDeleteCell; }
    bool touches_row() const { return kind == Kind::kInsert || kind == Kind::kDeleteRows; }
  };

  Operation Choose(int p) {
    Operation operation{.p = p, .version = ++versions_[p]};
    operation.first = operation.last = static_cast<int>(random().Below(kRows));
    const uint64_t kind = random().Below(20);
    if (kind < 2) {
      operation.kind = Operation::Kind::kDeleteRows;
      if (random().Chance(0.5))
        operation.last = static_cast<int>(random().Between(operation.first, kRows - 1));
    } else if (kind < 3) {
      operation.kind = Operation::Kind::kDeleteCell;
    } else if (kind < 10) {
      operation.kind = Operation::Kind::kUpdate;
    }
    return operation;
  }

  // Seconds; 0: for ever. Many expire while a node is down or cut off, some after all is mended.
  int32_t ChooseTtl() {
    const uint64_t kind = random().Below(10);
    if (kind < 3) return 0;
    if (kind < 7) return static_cast<int32_t>(random().Between(1, 6));
    return static_cast<int32_t>(kind < 9 ? random().Between(5, 30) : random().Between(60, 300));
  }

  static std::string StatementOf(const Operation& operation, int32_t ttl) {
    using Kind = Operation::Kind;
    const uint64_t version = operation.version;
    const std::string using_timestamp = base::StrCat(" USING TIMESTAMP ", version);
    const std::string using_ttl =
        ttl == 0 ? using_timestamp : base::StrCat(using_timestamp, " AND TTL ", ttl);
    const std::string partition = base::StrCat(" WHERE p = ", operation.p);
    const std::string row = base::StrCat(partition, " AND c = ", operation.first);
    switch (operation.kind) {
      case Kind::kInsert:
        return base::StrCat("INSERT INTO t.cells (p, c, v) VALUES (", operation.p, ", ",
                            operation.first, ", ", version, ")", using_ttl);
      case Kind::kUpdate:
        return base::StrCat("UPDATE t.cells", using_ttl, " SET v = ", version, row);
      case Kind::kDeleteCell:
        return base::StrCat("DELETE v FROM t.cells", using_timestamp, row);
      case Kind::kDeleteRows:
        if (operation.first == operation.last)
          return base::StrCat("DELETE FROM t.cells", using_timestamp, row);
        return base::StrCat("DELETE FROM t.cells", using_timestamp, partition,
                            " AND c >= ", operation.first, " AND c <= ", operation.last);
    }
    return "";
  }

  // Now and then once more, as a client does that got no answer: with the same timestamp.
  void Write(int p, Clients::Next next) {
    const Operation operation = Choose(p);
    const int32_t ttl = operation.erases() ? 0 : ChooseTtl();
    if (operation.erases() || !random().Chance(0.25)) return WriteOnce(operation, ttl, next);
    const int32_t ttl_again = random().Chance(0.5) ? ttl : ChooseTtl();
    WriteOnce(operation, ttl, [=, this] { WriteOnce(operation, ttl_again, next); });
  }

  void WriteOnce(const Operation& operation, int32_t ttl, Clients::Next next) {
    const int n = AnyNode();
    const WallClocks::Mark mark = cluster().wall_clocks().Now(n);
    std::vector<std::pair<std::string, TtlChecker::Try>> tries;
    const auto begin = [&](const std::string& key) {
      tries.emplace_back(key,
                         checker_.Begin(key, operation.version, operation.erases(), ttl, mark));
    };
    for (int c = operation.first; c <= operation.last; ++c) {
      begin(CellName(operation.p, c));
      if (operation.touches_row()) begin(RowName(operation.p, c));
    }
    const std::string statement = StatementOf(operation, ttl);
    cluster().Query(n, statement, AtLevel(ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      for (const auto& [key, of] : tries)
                        checker_.End(key, of, OutcomeOf(result.status()));
                      NoteError(result.status(), statement);
                      next();
                    });
  }

  // Reads ----------------------------------------------------------------------------------------

  // Rows [first, last] of a partition, in pages: all of them, or the first few.
  struct Slice {
    int p = 0;
    int first = 0;
    int last = kRows - 1;
    bool reversed = false;
    int limit = kRows + 1;
    uint32_t page_size = kRows + 1;
  };
  Slice AnySlice() {
    Slice slice{.p = static_cast<int>(random().Below(kPartitions))};
    if (random().Chance(0.4)) slice.first = static_cast<int>(random().Below(kRows));
    if (random().Chance(0.2)) slice.last = slice.first;
    slice.reversed = random().Chance(0.3);
    if (random().Chance(0.2)) slice.limit = static_cast<int>(random().Between(1, kRows));
    if (random().Chance(0.5)) slice.page_size = static_cast<uint32_t>(random().Between(1, kRows));
    return slice;
  }
  static std::string StatementOf(const Slice& slice) {
    const std::string rows = slice.first == slice.last ? base::StrCat(" AND c = ", slice.first)
                                                       : base::StrCat(" AND c >= ", slice.first,
                                                                      " AND c <= ", slice.last);
    return base::StrCat("SELECT c, v, TTL(v) FROM t.cells WHERE p = ", slice.p, rows,
                        slice.reversed ? " ORDER BY c DESC" : "",
                        slice.limit <= kRows ? base::StrCat(" LIMIT ", slice.limit) : "");
  }

  struct Reading {
    int n = 0;
    ConsistencyLevel level;
    bool bound = true;  // TtlChecker::Read
    Slice slice;
    WallClocks::Mark mark;
    struct Floors {
      uint64_t row = 0;
      uint64_t cell = 0;
    };
    std::map<int, Floors> floors;
    std::set<int> seen;
    int last = 0;  // row that was seen
  };

  void ReadSome(Clients::Next next) {
    const bool bound = random().Chance(0.75);
    Read(AnyNode(), bound ? ConsistencyLevel::kQuorum : ConsistencyLevel::kOne, bound, AnySlice(),
         [next = std::move(next)](const absl::Status&) { next(); });
  }

  void Read(int n, ConsistencyLevel level, bool bound, const Slice& slice, ReadEnded ended) {
    const auto reading = std::make_shared<Reading>(
        Reading{n, level, bound, slice, cluster().wall_clocks().Now(n), {}, {}});
    for (int c = slice.first; c <= slice.last; ++c) {
      reading->floors[c] = {checker_.Floor(RowName(slice.p, c)),
                            checker_.Floor(CellName(slice.p, c))};
    }
    ReadPage(reading, "", std::move(ended));
  }

  TtlChecker::Read SinceMark(const Reading& reading, const WallClocks::Mark& mark) {
    return {mark.when, cluster().wall_clocks().Since(mark), reading.bound};
  }

  void ReadPage(std::shared_ptr<Reading> reading, std::string paging_state, ReadEnded ended) {
    cql::QueryOptions options = AtLevel(reading->level);
    options.page_size = reading->slice.page_size;
    options.paging_state = std::move(paging_state);
    const WallClocks::Mark mark = cluster().wall_clocks().Now(reading->n);
    cluster().Query(reading->n, StatementOf(reading->slice), options, kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      if (!result.ok()) return ended(result.status());
                      const Rows rows = RowsOf(*result);
                      TakePage(rows, SinceMark(*reading, mark), reading.get());
                      if (!rows.paging_state.empty())
                        return ReadPage(reading, rows.paging_state, ended);
                      ObserveAbsent(*reading);
                      ended(absl::OkStatus());
                    });
  }

  void TakePage(const Rows& rows, const TtlChecker::Read& page, Reading* reading) {
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      const int c = data::DecodeInt(*rows.rows[i][0]);
      reading->last = c;
      if (!reading->floors.contains(c) || !reading->seen.insert(c).second) {
        Violation(
            base::StrCat(StatementOf(reading->slice), ": row ", c, " is there twice, or alien"));
        continue;
      }
      const Reading::Floors& floors = reading->floors[c];
      std::optional<TtlChecker::Seen> cell;
      if (const auto version = BigintAt(rows, i, 1)) {
        cell = {.version = *version, .ttl_left = {}};
        if (rows.rows[i][2].has_value()) cell->ttl_left = data::DecodeInt(*rows.rows[i][2]);
      }
      Note(checker_.Observe(CellName(reading->slice.p, c), floors.cell, cell, page), *reading);
      if (!cell.has_value())
        Note(checker_.ObserveAlive(RowName(reading->slice.p, c), floors.row, page), *reading);
    }
  }

  // Rows behind the last one of a limit are not judged.
  void ObserveAbsent(const Reading& reading) {
    const Slice& slice = reading.slice;
    const bool all = static_cast<int>(reading.seen.size()) < slice.limit;
    const TtlChecker::Read whole = SinceMark(reading, reading.mark);
    for (const auto& [c, floors] : reading.floors) {
      if (reading.seen.contains(c)) continue;
      if (!all && (slice.reversed ? c < reading.last : c > reading.last)) continue;
      Note(checker_.Observe(RowName(slice.p, c), floors.row, std::nullopt, whole), reading);
      Note(checker_.Observe(CellName(slice.p, c), floors.cell, std::nullopt, whole), reading);
    }
  }

  void Note(const std::optional<std::string>& wrong, const Reading& reading) {
    if (!wrong.has_value()) return;
    Violation(base::StrCat(*wrong, ", at ", coordinator::ConsistencyName(reading.level),
                           " through ", cluster().name(reading.n)));
  }

  // The end --------------------------------------------------------------------------------------

  void CheckAll() {
    ReadAll({ConsistencyLevel::kOne}, false);
    ReadAll({ConsistencyLevel::kQuorum}, true);
    ReadAll({ConsistencyLevel::kAll}, true);
    // What was sent and given up may still arrive, and what hints bring.
    simulation().RunFor(2 * kTimeout);
    while (!HintsDelivered()) {
      if (simulation().now() > healed_by()) return Violation("hints are left after healing");
      simulation().RunFor(absl::Milliseconds(100));
    }
    while (!cluster().SameContents("t", "cells", kFarFuture)) {
      // Reads at ALL repair what no hint brings.
      ReadAll({ConsistencyLevel::kAll}, true);
      if (simulation().now() > healed_by()) return Violation("replicas of cells differ");
    }
    LetAllExpire();
    ReadAll({ConsistencyLevel::kOne, ConsistencyLevel::kQuorum, ConsistencyLevel::kAll}, true);
    CompactSome();
    if (!cluster().SameContents("t", "cells", kFarFuture))
      Violation("replicas of cells differ after compactions");
    ReadAll({ConsistencyLevel::kOne, ConsistencyLevel::kQuorum, ConsistencyLevel::kAll}, true);
  }

  // Every partition, through every node. Where the replicas are equal ONE is bound by what ALL saw.
  void ReadAll(std::initializer_list<ConsistencyLevel> levels, bool bound) {
    std::vector<FinalRead> reads;
    for (const ConsistencyLevel level : levels) {
      for (int n = 0; n < cluster().size(); ++n) {
        for (int p = 0; p < kPartitions; ++p) {
          reads.push_back({base::StrCat("partition ", p), [=, this](ReadEnded ended) {
                             Read(n, level, bound, Slice{.p = p}, std::move(ended));
                           }});
        }
      }
    }
    RunFinalReads(std::move(reads));
  }

  bool HintsDelivered() {
    for (int n = 0; n < cluster().size(); ++n) {
      if (cluster().Counter(n, "tholos_hints_bytes") > 0) return false;
    }
    return true;
  }

  // The wall clocks go on, all alike; some are hours apart.
  void LetAllExpire() {
    WallClocks& clocks = cluster().wall_clocks();
    int64_t span = 0;
    for (int n = 0; n < cluster().size(); ++n)
      span = std::max(span, checker_.latest_expiry() + 1 - clocks.Seconds(n));
    for (int n = 0; n < cluster().size(); ++n) clocks.Step(n, absl::Seconds(span));
  }

  // What some have as expired values others have as tombstones.
  void CompactSome() {
    int running = 0;
    for (int n = 0; n < cluster().size(); ++n) {
      if (!random().Chance(0.6)) continue;
      ++running;
      cluster().FlushAndCompact(n, true, [&running] { --running; });
    }
    (void)Await([&] { return running == 0; }, absl::Minutes(1), "the compaction of some nodes");
  }

  Nemesis nemesis_;
  Clients clients_;
  TtlChecker checker_;
  std::map<int, uint64_t> versions_;
};

}  // namespace

RunReport RunTtl(const RunOptions& options) { return Ttl(options).Run(); }

}  // namespace tholos::sim
