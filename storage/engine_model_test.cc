// Random lives of an engine, against a model that keeps every mutation: all kinds of deletions and
// TTL, counters, static rows, reads of every kind, flushes, compactions, truncations, snapshots and
// their return, restarts (with another number of shards, too), kills and power losses.
#include <algorithm>

#include "base/async/when_all.h"
#include "base/strings.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;
using data::Mutation;

struct Plan {
  uint64_t seed = 1;
  bool purge = false;  // gc_grace of a few seconds, newer mutations only, long pauses
  bool mutant_skip_sync = false;
  int lives = 6;
};

class Life {
 public:
  explicit Life(const Plan& plan)
      : w_(plan.seed, 1 + static_cast<int>(plan.seed % 3)),
        maker_(plan.seed, {.any_order = !plan.purge}),
        plan_(plan) {
    // Half of the lives have a row cache, a quarter one of few rows.
    constexpr const char* kCachedRows[] = {"NONE", "ALL", "NONE", "3"};
    w_.schema = TestSchema(2, plan.purge ? 5 : 864000, kCachedRows[plan.seed % 4]);
    w_.options.mutant_skip_sync = plan.mutant_skip_sync;
    w_.options.memtable_bytes_max = 24 << 10;
    w_.options.commitlog_bytes_max = 48 << 10;
  }

  // What went wrong first, or nothing.
  std::string Run() {
    for (int life = 0; life < plan_.lives && wrong_.empty(); ++life) {
      if (random().Chance(0.7)) {
        w_.world.files().CrashAtOperation(w_.world.files().operations() + 1 + random().Below(400),
                                          random().Chance(0.7));
      }
      const bool survived = w_.world.RunOrCrash([&]() -> Task<void> { return LiveOnce(); });
      w_.world.files().CancelCrash();
      if (!wrong_.empty()) break;
      survived&& random().Chance(0.5) ? w_.world.KillAndBoot() : w_.world.PowerLossAndBoot();
      if (random().Chance(0.3)) w_.BootWithShards(1 + static_cast<int>(random().Below(4)));
      if (plan_.purge) w_.world.RunFor(absl::Seconds(static_cast<int>(random().Below(8))));
    }
    return wrong_;
  }

 private:
  base::RandomStream& random() { return maker_.random(); }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  Task<void> LiveOnce() {
    const absl::Status opened = co_await w_.Open();
    if (!opened.ok()) {
      Wrong(base::StrCat("open: ", opened.ToString()));
      co_return;
    }
    co_await SettleUnknown();
    for (int step = 0; step < 60 && wrong_.empty(); ++step) co_await Step();
    co_await CheckAll();
    co_await w_.engine->Stop();
  }

  // What was under way at the crash may have happened or not: what is seen must be explained by
  // some of it. Then it is done again, which makes it certain.
  Task<void> SettleUnknown() {
    co_await CheckAll();
    if (change_.has_value()) {
      // A name of its own: whether the first snapshot is there is not known.
      Change again = *change_;
      if (again.kind == Change::kTruncate) again.snapshot.clear();
      co_await Carry(std::move(again));
    }
    while (!unknown_.empty()) {
      const absl::Status status = co_await w_.Apply(unknown_.back());
      if (!status.ok()) Wrong(base::StrCat("retry: ", status.ToString()));
      model_.Apply(unknown_.back());
      unknown_.pop_back();
    }
  }

  Task<void> Step() {
    const uint64_t kind = random().Below(100);
    if (kind < 66) {
      co_await WriteSome();
    } else if (kind < 76) {
      co_await CheckPartition();
    } else if (kind < 79) {
      co_await CheckScan();
    } else if (kind < 82) {
      co_await CheckRows();
    } else if (kind < 84) {
      co_await CheckAll();
    } else if (kind < 85) {
      co_await ChangeTable();
    } else if (kind < 90) {
      Note(co_await w_.engine->Flush(std::nullopt), "flush");
    } else if (kind < 94) {
      const auto table = TestTableId(static_cast<uint8_t>(random().Below(2)));
      Note(co_await w_.engine->CompactAll(table), "compact");
    } else {
      const int seconds = static_cast<int>(random().Below(plan_.purge ? 8 : 3));
      co_await base::SleepFor(absl::Seconds(seconds));
    }
  }

  // What changes a table as a whole: all of it happens, or nothing.
  struct Change {
    enum Kind { kTruncate, kRestore } kind = kTruncate;
    data::TableId table;
    std::string snapshot;  // kTruncate: made before, if not empty
  };

  Task<void> ChangeTable() {
    const auto table = TestTableId(static_cast<uint8_t>(random().Below(2)));
    const uint64_t kind = random().Below(10);
    if (kind < 3) {
      const std::string name = base::StrCat("snapshot", ++snapshots_made_);
      const auto made = co_await w_.engine->Snapshot(table, name);
      Note(made.status(), "snapshot");
      if (made.ok()) snapshots_[{table, name}] = model_.HistoryOf(table);
    } else if (kind < 5) {
      const bool keep = random().Chance(0.5);
      co_await Carry({Change::kTruncate, table,
                      keep ? base::StrCat("snapshot", ++snapshots_made_) : std::string()});
    } else {
      co_await UseSnapshot(random().Chance(0.3));
    }
  }

  Task<void> UseSnapshot(bool remove) {
    if (snapshots_.empty()) co_return;
    auto chosen = snapshots_.begin();
    std::advance(chosen, random().Below(snapshots_.size()));
    const auto [table, name] = chosen->first;
    if (remove) {
      snapshots_.erase(chosen);
      Note(co_await w_.engine->RemoveSnapshot(table, name), "remove snapshot");
    } else if (!plan_.purge) {
      // Not where tombstones are purged: a snapshot brings back what they deleted.
      co_await Carry({Change::kRestore, table, name});
    }
  }

  Task<void> Carry(Change change) {
    change_ = change;
    if (change.kind == Change::kRestore) {
      Note(co_await w_.engine->RestoreSnapshot(change.table, change.snapshot), "restore");
    } else {
      std::optional<std::string> snapshot;
      if (!change.snapshot.empty()) snapshot = change.snapshot;
      Note(co_await w_.engine->Truncate(change.table, snapshot), "truncate");
      if (snapshot.has_value()) {
        snapshots_[{change.table, *snapshot}] = model_.HistoryOf(change.table);
      }
    }
    ApplyChange(change, &model_);
    change_.reset();
  }

  void ApplyChange(const Change& change, Model* model) const {
    if (change.kind == Change::kTruncate) return model->Truncate(change.table);
    model->Restore(change.table, snapshots_.at({change.table, change.snapshot}));
  }

  void Note(const absl::Status& status, std::string_view what) {
    if (!status.ok()) Wrong(base::StrCat(what, ": ", status.ToString()));
  }

  Task<void> WriteSome() {
    const size_t first = unknown_.size();
    for (uint64_t i = 1 + random().Below(6); i > 0; --i) {
      unknown_.push_back(maker_.Next(w_.now_seconds()));
    }
    std::vector<Task<absl::Status>> writes;
    if (random().Chance(0.5)) writes.push_back(ReadBeside(unknown_[first]));
    for (size_t i = first; i < unknown_.size(); ++i) writes.push_back(WriteOne(unknown_[i]));
    for (const absl::Status& status : co_await base::WhenAll(std::move(writes))) {
      Note(status, "write");
    }
    unknown_.clear();
  }

  // Whatever it sees; what it leaves in a cache must not outlive the write.
  Task<absl::Status> ReadBeside(Mutation mutation) {
    for (const data::Row& row : mutation.update.rows) {
      const auto read =
          co_await w_.ReadRow(mutation.table, mutation.update.key.key, row.clustering);
      if (!read.ok()) co_return read.status();
    }
    co_return absl::OkStatus();
  }

  // Certain from the moment of the acknowledgement, also if the node dies before its neighbours
  // have theirs.
  Task<absl::Status> WriteOne(Mutation mutation) {
    absl::Status status = co_await w_.Apply(mutation);
    if (status.ok()) {
      model_.Apply(mutation);
      std::erase(unknown_, mutation);
    }
    co_return status;
  }

  Task<void> CheckPartition() {
    data::ReadCommand command = RandomRead();
    command.key = data::DecoratedKey::Of(base::StrCat("p", random().Below(6)));
    co_await CheckRead(command);
  }

  // The partitions of a token range.
  Task<void> CheckScan() {
    data::ReadCommand command = RandomRead();
    const auto bound = [this] {
      return data::DecoratedKey::Of(base::StrCat("p", random().Below(6))).token;
    };
    if (random().Chance(0.7)) command.range.start = bound();
    if (random().Chance(0.7)) command.range.end = bound();
    const bool whole = command.range.start == command.range.end;
    if (whole) command.range = {};
    if (!whole && command.range.end != data::kMinToken && command.range.start > command.range.end) {
      std::swap(command.range.start, command.range.end);
    }
    co_await CheckRead(command);
  }

  data::ReadCommand RandomRead() {
    data::ReadCommand command{.table = TestTableId(static_cast<uint8_t>(random().Below(2)))};
    command.reversed = random().Chance(0.5);
    command.now_seconds = w_.now_seconds();
    command.row_limit = static_cast<uint32_t>(1 + random().Below(6));
    command.bytes_limit = random().Chance(0.5) ? 1 << 20 : 1 + random().Below(2000);
    if (random().Chance(0.3)) command.bytes_max = 1 + random().Below(2000);
    if (random().Chance(0.6)) command.slices = RandomSlices();
    if (random().Chance(0.3)) command.slices = {maker_.RandomRow()};
    return command;
  }

  // Page by page.
  Task<void> CheckRead(data::ReadCommand command) {
    const std::string what = ToString(command);
    std::map<std::string, VisiblePartition> expected;
    for (int p = 0; p < 6; ++p) {
      const auto key = data::DecoratedKey::Of(base::StrCat("p", p));
      if (command.key.has_value() ? *command.key == key : command.range.Contains(key.token)) {
        expected[key.key] = Selected(command, key.key);
      }
    }
    VisibleTable seen;
    std::vector<data::DecoratedKey> keys;
    std::map<std::string, std::vector<std::string>> order;
    const uint64_t bytes_max = command.bytes_max;
    while (true) {
      auto page = co_await w_.engine->Read(command, w_.Soon());
      Note(page.status(), "read");
      if (!page.ok()) co_return;
      if (page->needed != 0) {
        if (page->needed <= command.bytes_max) Wrong(what + ": needs no more than it may have");
        command.bytes_max = page->needed;
        continue;
      }
      command.bytes_max = bytes_max;
      AddVisible(*page, command.now_seconds, &seen);
      for (const auto& partition : page->partitions) {
        if (keys.empty() || keys.back() != partition.key) keys.push_back(partition.key);
        auto& rows = order[partition.key.key];
        for (const auto& row : partition.rows) rows.push_back(row.clustering);
      }
      if (!page->more) break;
      command.after = data::LastPosition(*page);
    }
    const auto ascends = [](const auto& list) {
      return std::is_sorted(list.begin(), list.end()) &&
             std::adjacent_find(list.begin(), list.end()) == list.end();
    };
    if (!ascends(keys)) Wrong(what + ": partitions out of order");
    for (auto& [key, rows] : order) {
      if (command.reversed) std::reverse(rows.begin(), rows.end());
      if (!ascends(rows)) Wrong(base::StrCat(what, ": rows of ", key, " out of order"));
      if (!expected.contains(key)) Wrong(base::StrCat(what, ": shows ", key));
    }
    for (const auto& [key, partition] : expected) {
      Compare(base::StrCat(what, ": ", key), seen[key], {partition});
    }
  }

  VisiblePartition Selected(const data::ReadCommand& command, const std::string& key) const {
    VisiblePartition selected = model_.Visible(command.table, key, command.now_seconds);
    if (command.slices.empty()) return selected;
    std::erase_if(selected.rows, [&](const auto& row) {
      return std::none_of(command.slices.begin(), command.slices.end(),
                          [&](const data::Slice& each) { return each.Contains(row.first); });
    });
    return selected;
  }

  static std::string ToString(const data::ReadCommand& command) {
    std::string text = base::StrCat(
        command.table.ToString(), " ",
        command.key.has_value()
            ? command.key->key
            : base::StrCat("tokens (", command.range.start, ", ", command.range.end, "]"),
        command.reversed ? " reversed" : "", " row limit ", command.row_limit, " bytes limit ",
        command.bytes_limit);
    for (const data::Slice& each : command.slices) {
      base::StrAppend(&text, " [", each.lower, ", ", each.upper, ")");
    }
    return text;
  }

  // Each row of a partition by its key, also beside writes that begin meanwhile.
  Task<void> CheckRows() {
    const auto table = TestTableId(static_cast<uint8_t>(random().Below(2)));
    const std::string key = base::StrCat("p", random().Below(6));
    for (uint64_t number = 0; number < 12 && wrong_.empty(); ++number) {
      const std::string row = base::StrCat("c", number / 10, number % 10);
      const int64_t now = w_.now_seconds();
      const VisiblePartition expected = RowOf(model_.Visible(table, key, now), row);
      const auto seen = co_await w_.ReadRow(table, key, row);
      Note(seen.status(), "read of a row");
      if (!seen.ok()) co_return;
      Compare(base::StrCat(key, " ", row), *seen, {expected});
    }
  }

  static VisiblePartition RowOf(VisiblePartition partition, const std::string& row) {
    std::erase_if(partition.rows, [&](const auto& each) { return each.first != row; });
    return partition;
  }

  std::vector<data::Slice> RandomSlices() {
    std::vector<data::Slice> slices;
    for (uint64_t i = 1 + random().Below(5); i > 0; --i) {
      data::Slice slice = maker_.RandomRange();
      const bool behind =
          slices.empty() || (!slices.back().upper.empty() && slices.back().upper <= slice.lower);
      if (behind) slices.push_back(std::move(slice));
    }
    return slices;
  }

  Task<void> CheckAll() {
    for (uint8_t t = 0; t < 2; ++t) {
      const int64_t before = w_.now_seconds();
      auto seen = co_await w_.Scan(TestTableId(t), static_cast<uint32_t>(1 + random().Below(20)));
      Note(seen.status(), "scan");
      if (!seen.ok()) co_return;
      for (int p = 0; p < 6; ++p) CheckSeen(t, base::StrCat("p", p), *seen, before);
    }
  }

  void CheckSeen(uint8_t t, const std::string& key, const VisibleTable& seen, int64_t now) {
    std::vector<Mutation> possible;
    for (const Mutation& mutation : unknown_) {
      if (mutation.table == TestTableId(t) && mutation.update.key.key == key) {
        possible.push_back(mutation);
      }
    }
    std::vector<VisiblePartition> expected;
    if (change_.has_value() && change_->table == TestTableId(t)) {
      Model changed = model_;
      ApplyChange(*change_, &changed);
      expected.push_back(changed.Visible(TestTableId(t), key, now));
    }
    for (uint64_t subset = 0; subset < uint64_t{1} << possible.size(); ++subset) {
      Model model = model_;
      for (size_t i = 0; i < possible.size(); ++i) {
        if (subset >> i & 1) model.Apply(possible[i]);
      }
      expected.push_back(model.Visible(TestTableId(t), key, now));
    }
    auto found = seen.find(key);
    Compare(base::StrCat("t", t, " ", key),
            found == seen.end() ? VisiblePartition{} : found->second, expected);
  }

  void Compare(const std::string& what, const VisiblePartition& seen,
               const std::vector<VisiblePartition>& expected) {
    if (std::find(expected.begin(), expected.end(), seen) != expected.end()) return;
    Wrong(base::StrCat(what, "\n  seen     ", storage::ToString(seen), "\n  expected ",
                       storage::ToString(expected[0]), "\n  or one of ", expected.size()));
  }

  EngineWorld w_;
  MutationMaker maker_;
  const Plan plan_;
  Model model_;
  std::vector<Mutation> unknown_;
  std::optional<Change> change_;  // not known to have happened
  std::map<std::pair<data::TableId, std::string>, Model::History> snapshots_;
  int snapshots_made_ = 0;
  std::string wrong_;
};

// Of each kind of life; `./tests/run model` tries more.
const uint64_t kSeeds = base::sim::SeedCountFromEnvironment(60);

TEST(EngineModel, AgreesThroughCrashes) {
  for (uint64_t i = 0; i < kSeeds; ++i) {
    const uint64_t seed = base::sim::SeedFromEnvironment(1) + i;
    ASSERT_EQ(Life({.seed = seed}).Run(), "") << "THOLOS_SEED=" << seed;
  }
}

TEST(EngineModel, AgreesThroughPurgesAndCrashes) {
  for (uint64_t i = 0; i < kSeeds; ++i) {
    const uint64_t seed = base::sim::SeedFromEnvironment(1) + i;
    ASSERT_EQ(Life({.seed = seed, .purge = true}).Run(), "") << "THOLOS_SEED=" << seed;
  }
}

TEST(EngineModel, FindsAMissingSync) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    found += !Life({.seed = seed, .mutant_skip_sync = true}).Run().empty();
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace tholos::storage
