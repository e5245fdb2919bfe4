// Random lives of an engine, against a model that keeps every mutation: all kinds of deletions and
// TTL, reads of every kind, flushes, compactions, restarts, kills and power losses.
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
    w_.schema = TestSchema(2, plan.purge ? 5 : 864000);
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

  // Mutations that were under way at the crash may be there or not: what is seen must be explained
  // by some of them. Then they are written again, which makes them certain.
  Task<void> SettleUnknown() {
    co_await CheckAll();
    while (!unknown_.empty()) {
      const absl::Status status = co_await w_.Apply(unknown_.back());
      if (!status.ok()) Wrong(base::StrCat("retry: ", status.ToString()));
      model_.Apply(unknown_.back());
      unknown_.pop_back();
    }
  }

  Task<void> Step() {
    const uint64_t kind = random().Below(100);
    if (kind < 70) {
      co_await WriteSome();
    } else if (kind < 80) {
      co_await CheckPartition();
    } else if (kind < 84) {
      co_await CheckAll();
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

  void Note(const absl::Status& status, std::string_view what) {
    if (!status.ok()) Wrong(base::StrCat(what, ": ", status.ToString()));
  }

  Task<void> WriteSome() {
    const size_t first = unknown_.size();
    for (uint64_t i = 1 + random().Below(6); i > 0; --i) {
      unknown_.push_back(maker_.Next(w_.now_seconds()));
    }
    std::vector<Task<absl::Status>> writes;
    for (size_t i = first; i < unknown_.size(); ++i) writes.push_back(WriteOne(unknown_[i]));
    for (const absl::Status& status : co_await base::WhenAll(std::move(writes))) {
      Note(status, "write");
    }
    unknown_.clear();
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
    const auto table = TestTableId(static_cast<uint8_t>(random().Below(2)));
    const std::string key = base::StrCat("p", random().Below(6));
    data::ReadCommand command{.table = table, .key = data::DecoratedKey::Of(key)};
    command.reversed = random().Chance(0.5);
    command.now_seconds = w_.now_seconds();
    command.row_limit = static_cast<uint32_t>(1 + random().Below(6));
    command.bytes_limit = random().Chance(0.5) ? 1 << 20 : 1 + random().Below(2000);
    if (random().Chance(0.6)) command.slices = RandomSlices();
    VisiblePartition expected = model_.Visible(table, key, command.now_seconds);
    if (!command.slices.empty()) {
      std::erase_if(expected.rows, [&](const auto& row) {
        return std::none_of(command.slices.begin(), command.slices.end(),
                            [&](const data::Slice& each) { return each.Contains(row.first); });
      });
    }
    VisibleTable seen;
    std::vector<std::string> order;
    while (true) {
      auto page = co_await w_.engine->Read(command, w_.Soon());
      Note(page.status(), "read");
      if (!page.ok()) co_return;
      AddVisible(*page, command.now_seconds, &seen);
      for (const auto& partition : page->partitions) {
        for (const auto& row : partition.rows) order.push_back(row.clustering);
      }
      if (!page->more) break;
      command.after = data::LastPosition(*page);
    }
    if (command.reversed) std::reverse(order.begin(), order.end());
    if (!std::is_sorted(order.begin(), order.end())) Wrong("rows out of order");
    std::string what = base::StrCat(key, command.reversed ? " reversed" : "", " row limit ",
                                    command.row_limit, " bytes limit ", command.bytes_limit);
    for (const data::Slice& each : command.slices) {
      base::StrAppend(&what, " [", each.lower, ", ", each.upper, ")");
    }
    Compare(what, seen[key], {expected});
  }

  std::vector<data::Slice> RandomSlices() {
    std::vector<data::Slice> slices;
    for (uint64_t i = 1 + random().Below(3); i > 0; --i) {
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
    Wrong(base::StrCat(what, "\n  seen     ", ToString(seen), "\n  expected ",
                       ToString(expected[0]), "\n  or one of ", expected.size()));
  }

  EngineWorld w_;
  MutationMaker maker_;
  const Plan plan_;
  Model model_;
  std::vector<Mutation> unknown_;
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
