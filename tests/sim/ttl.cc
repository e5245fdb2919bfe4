// What has expired stays dead (workload.h).
#include <algorithm>
#include <array>

#include "absl/strings/str_replace.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "data/read.h"
#include "tests/sim/clients.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/ttl_checker.h"
#include "tests/sim/ttl_writes.h"
#include "tests/sim/workload_base.h"

namespace tholos::sim {
namespace {

using coordinator::ConsistencyLevel;

constexpr int kReaders = 4;
constexpr char kSelect[] = "SELECT c, v, TTL(v), m[0], TTL(m[0]), m[1], TTL(m[1])";
constexpr absl::Duration kLoad = absl::Seconds(20);
constexpr absl::Duration kTimeout = absl::Seconds(2);
// Wall seconds by which everything has expired, whatever any clock showed: the year 2100.
constexpr int64_t kFarFuture = 4'102'444'800;

class Ttl : public Workload, private TtlTable {
 public:
  explicit Ttl(const RunOptions& options)
      : Workload(options),
        nemesis_(cluster()),
        clients_(simulation(), random()),
        writes_(random()),
        checker_(cluster().wall_clocks()) {}

  RunReport Run() {
    if (!Start() || !CreateTable("cells", kColumns) ||
        (random().Chance(0.5) &&
         !Execute("ALTER TABLE t.cells WITH caching = {'rows_per_partition': 'ALL'}"))) {
      return Finish();
    }
    nemesis_.Start();
    for (int w = 0; w < kWriters; ++w)
      clients_.Start([this, w](Clients::Next next) { Write(w, std::move(next)); });
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
    report().faults = nemesis_.faults() + crashes_;
    if (AwaitHealed([&] { return clients_.running() == 0; })) CheckAll();
    report().acknowledged = checker_.acknowledged();
    report().reads = checker_.observations();
    return Finish();
  }

 private:
  // Writes ---------------------------------------------------------------------------------------

  // Now and then once more, as a client does that got no answer: with the same timestamp.
  void Write(int w, Clients::Next next) {
    const TtlOperation operation = writes_.Choose(w);
    const int32_t ttl = operation.writes() ? writes_.ChooseTtl() : 0;
    if (!operation.writes() || !random().Chance(0.25)) return WriteOnce(operation, ttl, next);
    const int32_t ttl_again = random().Chance(0.5) ? ttl : writes_.ChooseTtl();
    WriteOnce(operation, ttl, [=, this] { WriteOnce(operation, ttl_again, next); });
  }

  void WriteOnce(const TtlOperation& operation, int32_t ttl, Clients::Next next) {
    const int n = AnyNode();
    const WallClocks::Mark mark = cluster().wall_clocks().Now(n);
    std::vector<std::pair<std::string, TtlChecker::Try>> tries;
    for (const auto& [key, erase] : operation.touches)
      tries.emplace_back(key, checker_.Begin(key, operation.version, erase, ttl, mark));
    const std::string parameters = base::StrCat(" USING TIMESTAMP ", operation.version,
                                                ttl == 0 ? "" : base::StrCat(" AND TTL ", ttl));
    const std::string statement = absl::StrReplaceAll(operation.text, {{"$", parameters}});
    cluster().Query(n, statement, AtLevel(ConsistencyLevel::kQuorum), kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      for (const auto& [key, of] : tries)
                        checker_.End(key, of, OutcomeOf(result.status()));
                      NoteError(result.status(), statement);
                      next();
                    });
    // Somewhere within a batch, so that others complete it, later.
    if (!operation.batch || !random().Chance(0.05)) return;
    simulation().After(absl::Microseconds(random().Between(100, 6000)), "kill the coordinator",
                       [this, n] {
                         if (!cluster().serving(n)) return;
                         ++crashes_;
                         nemesis_.Crash(n, random().Chance(0.5));
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
    return base::StrCat(kSelect, " FROM t.cells WHERE p = ", slice.p, rows,
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
      std::array<uint64_t, kCells> cells = {};
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
      Reading::Floors& floors = reading->floors[c];
      floors.row = checker_.Floor(RowName(slice.p, c));
      for (int cell = 0; cell < kCells; ++cell)
        floors.cells[cell] = checker_.Floor(CellName(slice.p, c, cell));
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
      bool has_cell = false;
      for (int cell = 0; cell < kCells; ++cell) {
        const auto seen = SeenAt(rows, i, 1 + 2 * static_cast<size_t>(cell));
        has_cell = has_cell || seen.has_value();
        Note(checker_.Observe(CellName(reading->slice.p, c, cell), floors.cells[cell], seen, page),
             *reading);
      }
      if (!has_cell)
        Note(checker_.ObserveAlive(RowName(reading->slice.p, c), floors.row, page), *reading);
    }
  }

  // The value and, behind it, its TTL.
  static std::optional<TtlChecker::Seen> SeenAt(const Rows& rows, size_t row, size_t column) {
    const auto version = BigintAt(rows, row, column);
    if (!version.has_value()) return std::nullopt;
    TtlChecker::Seen seen{.version = *version, .ttl_left = {}};
    if (rows.rows[row][column + 1].has_value())
      seen.ttl_left = data::DecodeInt(*rows.rows[row][column + 1]);
    return seen;
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
      for (int cell = 0; cell < kCells; ++cell) {
        Note(checker_.Observe(CellName(slice.p, c, cell), floors.cells[cell], std::nullopt, whole),
             reading);
      }
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
    // What is left of batches is written, what was sent and given up may still arrive, and what
    // hints bring.
    if (!Poll([this] { return BatchesDone(); }, "batches")) return;
    simulation().RunFor(2 * kTimeout);
    if (!Poll([this] { return HintsDelivered(); }, "hints")) return;
    // Reads at ALL repair what no hint brings.
    const auto equal = [this] {
      return cluster().SameContents("t", "cells", kFarFuture) ||
             (ReadAll({ConsistencyLevel::kAll}, true), false);
    };
    if (!Poll(equal, "differences of replicas")) return;
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

  bool Poll(absl::FunctionRef<bool()> done, const std::string& what) {
    while (!done()) {
      if (simulation().now() > healed_by()) {
        Violation(
            base::StrCat(what, " are left ", absl::FormatDuration(kHealingMax), " after healing"));
        return false;
      }
      simulation().RunFor(absl::Milliseconds(100));
    }
    return true;
  }

  bool BatchesDone() {
    for (int n = 0; n < cluster().size(); ++n) {
      const auto contents = cluster().Contents(n, coordinator::kLocalKeyspace, "batches");
      if (!contents.ok() || data::CountLiveRows(*data::DecodeReadResult(*contents), 0) > 0)
        return false;
    }
    return true;
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
  TtlWrites writes_;
  TtlChecker checker_;
  uint64_t crashes_ = 0;
};

}  // namespace

RunReport RunTtl(const RunOptions& options) { return Ttl(options).Run(); }

}  // namespace tholos::sim
