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
// register that some of them touch: an insert one row, a delete one row, a range of them or all. So
// is the partition's static cell, which rows, ranges of rows and their deletions leave alone.
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
             coordinator::ConsistencyLevel::kQuorum, AnySlice(),
             [next = std::move(next)](const absl::Status&) { next(); });
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
  static std::string StaticName(int p) { return base::StrCat(p, "/static"); }

  struct Operation {
    std::string statement;
    bool erase = true;
    int first = 0;  // the rows [first, last] are touched
    int last = kRows - 1;
    bool touches_static = false;
  };
  Operation Choose(int p, uint64_t version) {
    const std::string using_timestamp = base::StrCat(" USING TIMESTAMP ", version);
    const std::string where = base::StrCat(" WHERE p = ", p);
    const auto c = static_cast<int>(random().Below(kRows));
    const auto d = static_cast<int>(random().Between(c, kRows - 1));
    switch (random().Below(10)) {
      case 0:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where), true, 0, kRows - 1,
                true};
      case 1:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where, " AND c = ", c), true, c,
                c};
      case 2:
        return {base::StrCat("DELETE FROM t.rows", using_timestamp, where, " AND c >= ", c,
                             " AND c <= ", d),
                true, c, d};
      case 3:
        if (random().Chance(0.3)) {
          return {base::StrCat("DELETE s FROM t.rows", using_timestamp, where), true, 0, -1, true};
        }
        return {base::StrCat("UPDATE t.rows", using_timestamp, " SET s = ", version, where), false,
                0, -1, true};
      case 4:
        return {base::StrCat("INSERT INTO t.rows (p, c, v, s) VALUES (", p, ", ", c, ", ", version,
                             ", ", version, ")", using_timestamp),
                false, c, c, true};
      default:
        return {base::StrCat("INSERT INTO t.rows (p, c, v) VALUES (", p, ", ", c, ", ", version,
                             ")", using_timestamp),
                false, c, c};
    }
  }

  void Write(int p, Clients::Next next) {
    const uint64_t version = ++versions_[p];
    const Operation operation = Choose(p, version);
    std::vector<std::string> touched;
    for (int c = operation.first; c <= operation.last; ++c) touched.push_back(RowName(p, c));
    if (operation.touches_static) touched.push_back(StaticName(p));
    for (const std::string& name : touched) rows_.Begin(name, version, operation.erase);
    cluster().Query(AnyNode(), operation.statement, AtLevel(coordinator::ConsistencyLevel::kQuorum),
                    kTimeout, [=, this](absl::StatusOr<cql::QueryResult> result) {
                      for (const std::string& name : touched)
                        rows_.End(name, version, OutcomeOf(result.status()));
                      NoteError(result.status(), operation.statement);
                      next();
                    });
  }

  // What is read of a partition, in pages: all of it, or the rows on one side of one; all rows of
  // these, or the first few.
  struct Slice {
    std::optional<int> first;
    bool reversed = false;
    int limit = kRows + 1;
    uint32_t page_size = kRows + 1;
  };
  Slice AnySlice() {
    Slice slice;
    if (random().Chance(0.4)) slice.first = static_cast<int>(random().Below(kRows));
    slice.reversed = random().Chance(0.3);
    if (random().Chance(0.2)) slice.limit = static_cast<int>(random().Between(1, kRows));
    if (random().Chance(0.5)) slice.page_size = static_cast<uint32_t>(random().Between(1, kRows));
    return slice;
  }

  struct Reading {
    int n = 0;
    int p = 0;
    coordinator::ConsistencyLevel level;
    Slice slice;
    std::string statement;
    std::vector<uint64_t> floors;  // of the rows
    uint64_t static_floor = 0;
    bool saw_static_alone = false;
    std::map<int, std::optional<uint64_t>> seen;
    int last = 0;  // row that was seen
  };

  void Read(int n, int p, coordinator::ConsistencyLevel level, const Slice& slice,
            ReadEnded ended) {
    const auto reading = std::make_shared<Reading>(Reading{n, p, level, slice, "", {}});
    reading->statement =
        base::StrCat("SELECT c, v, s FROM t.rows WHERE p = ", p,
                     slice.first.has_value() ? base::StrCat(" AND c >= ", *slice.first) : "",
                     slice.reversed ? " ORDER BY c DESC" : "",
                     slice.limit <= kRows ? base::StrCat(" LIMIT ", slice.limit) : "");
    for (int c = 0; c < kRows; ++c) reading->floors.push_back(rows_.Floor(RowName(p, c)));
    reading->static_floor = rows_.Floor(StaticName(p));
    ReadPage(reading, "", std::move(ended));
  }

  void ReadPage(std::shared_ptr<Reading> reading, std::string paging_state, ReadEnded ended) {
    cql::QueryOptions options = AtLevel(reading->level);
    options.page_size = reading->slice.page_size;
    options.paging_state = std::move(paging_state);
    const uint64_t static_floor = rows_.Floor(StaticName(reading->p));
    cluster().Query(reading->n, reading->statement, options, kTimeout,
                    [=, this](absl::StatusOr<cql::QueryResult> result) {
                      if (!result.ok()) return ended(result.status());
                      const Rows rows = RowsOf(*result);
                      TakePage(rows, static_floor, reading.get());
                      if (!rows.paging_state.empty())
                        return ReadPage(reading, rows.paging_state, ended);
                      Observe(*reading);
                      ended(absl::OkStatus());
                    });
  }

  // Every row shows the static cell as it was when its page was read.
  void TakePage(const Rows& rows, uint64_t static_floor, Reading* reading) {
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      ObserveCell(StaticName(reading->p), static_floor, BigintAt(rows, i, 2));
      if (!rows.rows[i][0].has_value()) {
        reading->saw_static_alone = true;
        continue;
      }
      reading->last = data::DecodeInt(*rows.rows[i][0]);
      if (!reading->seen.emplace(reading->last, BigintAt(rows, i, 1)).second)
        Violation(base::StrCat(reading->statement, ": row ", reading->last, " is there twice"));
    }
    if (reading->saw_static_alone && (!reading->seen.empty() || reading->slice.first.has_value()))
      Violation(base::StrCat(reading->statement, ": a static row alone beside rows"));
  }

  // Rows behind the last one of a limit are not judged.
  void Observe(const Reading& reading) {
    const Slice& slice = reading.slice;
    const bool all = static_cast<int>(reading.seen.size()) < slice.limit;
    for (int c = slice.first.value_or(0); c < kRows; ++c) {
      if (!all && (slice.reversed ? c < reading.last : c > reading.last)) continue;
      const auto it = reading.seen.find(c);
      ObserveCell(RowName(reading.p, c), reading.floors[static_cast<size_t>(c)],
                  it == reading.seen.end() ? std::nullopt : it->second);
    }
    if (!slice.first.has_value() && reading.seen.empty() && !reading.saw_static_alone)
      ObserveCell(StaticName(reading.p), reading.static_floor, std::nullopt);
  }

  void ObserveCell(const std::string& name, uint64_t floor, std::optional<uint64_t> version) {
    if (auto wrong = rows_.Observe(name, floor, version)) Violation(*wrong);
  }

  void CheckAll() {
    for (const auto level :
         {coordinator::ConsistencyLevel::kQuorum, coordinator::ConsistencyLevel::kAll}) {
      std::vector<FinalRead> reads;
      for (int p = 0; p < kPartitions; ++p) {
        reads.push_back({base::StrCat("partition ", p), [=, this](ReadEnded ended) {
                           Read(AnyNode(), p, level, Slice(), std::move(ended));
                         }});
      }
      RunFinalReads(std::move(reads));
    }
  }

  Nemesis nemesis_;
  Clients clients_;
  RegisterChecker rows_;
  std::map<int, uint64_t> versions_;
};

}  // namespace

RunReport RunDeletes(const RunOptions& options) { return Deletes(options).Run(); }

}  // namespace tholos::sim
