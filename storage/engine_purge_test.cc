// Purging beside writes: a compaction that drops tombstones must not change what is read, whatever
// is written while it runs.
#include "base/async/when_all.h"
#include "base/strings.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/purge_guard.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;
using data::Mutation;

Mutation RowAt(int key, data::Timestamp timestamp, std::string_view value) {
  Mutation m{.table = TestTableId(0)};
  m.update.key = data::DecoratedKey::Of(base::StrCat("p", key));
  m.update.rows.push_back(
      {.clustering = "c",
       .liveness = data::Liveness::At(timestamp),
       .cells = {data::Cell::Value(0, timestamp, base::StrCat(value, timestamp))}});
  return m;
}

Mutation PartitionDeleted(int key, data::Timestamp timestamp, int64_t now_seconds) {
  Mutation m{.table = TestTableId(0)};
  m.update.key = data::DecoratedKey::Of(base::StrCat("p", key));
  m.update.deletion = {timestamp, now_seconds};
  return m;
}

Mutation RowExpiring(int key, data::Timestamp timestamp, int64_t now_seconds) {
  Mutation m = RowAt(key, timestamp, "expiring");
  m.update.rows[0].liveness = data::Liveness::Expiring(timestamp, 1, now_seconds);
  m.update.rows[0].cells = {data::Cell::Expiring(0, timestamp, "expiring", 1, now_seconds)};
  return m;
}

class Purging {
 public:
  explicit Purging(uint64_t seed) : w_(seed, 1), random_(seed) {
    w_.schema = TestSchema(1, /*gc_grace_seconds=*/2);
  }

  void RunNow() {
    w_.world.Run([this]() -> Task<void> { return Run(); });
  }

  uint64_t Counter(std::string_view name) {
    return w_.metrics.AddCounter(name, "", {{"shard", "0"}}).value();
  }

 private:
  static constexpr int kKeys = 40;

  Task<void> Run() {
    EXPECT_TRUE((co_await w_.Open()).ok());
    for (int key = 0; key < kKeys; ++key) {
      co_await Write(RowAt(key, 10, "old"));
      co_await Write(key % 2 == 0 ? PartitionDeleted(key, 50, w_.now_seconds())
                                  : RowExpiring(key, 50, w_.now_seconds()));
    }
    EXPECT_TRUE((co_await w_.engine->Flush(std::nullopt)).ok());
    for (int key = kKeys; key < 2 * kKeys; ++key) co_await Write(RowAt(key, 60, "new"));
    EXPECT_TRUE((co_await w_.engine->Flush(std::nullopt)).ok());
    co_await base::SleepFor(absl::Seconds(5));
    std::vector<Task<void>> both;
    both.push_back(CompactAll());
    both.push_back(WriteOldAndLook());
    co_await base::WhenAll(std::move(both));
    // What was purged when the write came is another matter; what was read then stays.
    for (const auto& [key, seen] : seen_) {
      const auto now = co_await w_.ReadPartition(TestTableId(0), base::StrCat("p", key));
      EXPECT_TRUE(now.ok()) << now.status();
      if (now.ok()) EXPECT_EQ(*now, seen) << "p" << key;
    }
    co_await w_.engine->Stop();
  }

  Task<void> Write(Mutation mutation) { EXPECT_TRUE((co_await w_.Apply(mutation)).ok()); }

  Task<void> CompactAll() {
    EXPECT_TRUE((co_await w_.engine->CompactAll(TestTableId(0))).ok());
    compacted_ = true;
  }

  // At some moment of the compaction, something older than what it purges; now and then to disk.
  Task<void> WriteOldAndLook() {
    co_await base::SleepFor(absl::Microseconds(static_cast<int64_t>(random_.Below(8000))));
    for (int i = 0; i < 3 && !compacted_; ++i) {
      const int key = static_cast<int>(random_.Below(kKeys));
      co_await Write(RowAt(key, 20 + i, "late"));
      if (random_.Chance(0.3)) EXPECT_TRUE((co_await w_.engine->Flush(std::nullopt)).ok());
      const auto seen = co_await w_.ReadPartition(TestTableId(0), base::StrCat("p", key));
      EXPECT_TRUE(seen.ok()) << seen.status();
      if (seen.ok()) seen_[key] = *seen;
    }
  }

  EngineWorld w_;
  base::RandomStream random_;
  bool compacted_ = false;
  std::map<int, VisiblePartition> seen_;
};

TEST(EnginePurge, AWriteDuringACompactionMeetsTheSameTombstonesBehindIt) {
  uint64_t unsafe = 0;
  uint64_t compactions = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Purging purging(seed);
    purging.RunNow();
    if (testing::Test::HasFailure()) break;
    unsafe += purging.Counter("tholos_unsafe_purges_total");
    compactions += purging.Counter("tholos_compactions_total");
  }
  EXPECT_GT(unsafe, 10u) << "the moment was never met";
  EXPECT_GT(compactions, unsafe);
}

TEST(PurgeGuard, KnowsTheOldestWriteUnderWay) {
  constexpr data::Timestamp kNone = std::numeric_limits<data::Timestamp>::max();
  PurgeGuard guard;
  EXPECT_EQ(guard.min_timestamp_under_way(), kNone);
  auto a = std::make_unique<PurgeGuard::Writing>(guard, 50);
  auto b = std::make_unique<PurgeGuard::Writing>(guard, 40);
  EXPECT_EQ(guard.min_timestamp_under_way(), 40);
  auto c = std::make_unique<PurgeGuard::Writing>(guard, 60);
  a.reset();
  b.reset();
  auto d = std::make_unique<PurgeGuard::Writing>(guard, 70);
  c.reset();
  auto e = std::make_unique<PurgeGuard::Writing>(guard, 80);
  d.reset();
  // Whatever is under way, what ended long ago is forgotten.
  for (data::Timestamp t = 100; t < 110; ++t) {
    auto next = std::make_unique<PurgeGuard::Writing>(guard, t);
    std::swap(e, next);
  }
  EXPECT_GT(guard.min_timestamp_under_way(), 100);
  e.reset();
  EXPECT_EQ(guard.min_timestamp_under_way(), kNone);
}

TEST(PurgeGuard, HoldsBackWhatIsAsOld) {
  PurgeGuard guard;
  EXPECT_FALSE(guard.HoldsBack(1));
  {
    const PurgeGuard::Installing nothing(guard, data::kNoTimestamp);
    EXPECT_FALSE(guard.HoldsBack(1));
    const PurgeGuard::Installing installing(guard, 50);
    EXPECT_TRUE(guard.HoldsBack(50));
    EXPECT_FALSE(guard.HoldsBack(51));
  }
  EXPECT_FALSE(guard.HoldsBack(1));
}

}  // namespace
}  // namespace tholos::storage
