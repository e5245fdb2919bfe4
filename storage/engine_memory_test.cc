// One budget of memory over all shards and tables.
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;

class EngineMemory : public testing::Test {
 protected:
  EngineMemory() : w_(31, kShards) {
    w_.options.memtable_bytes_max = 256 << 10;
    w_.options.commitlog_bytes_max = 64 << 20;
    EXPECT_TRUE(w_.OpenNow().ok());
  }
  ~EngineMemory() override { w_.StopNow(); }

  // New rows of 1,000 bytes of one table, all of one shard.
  void Write(int shard, uint8_t table, int count) {
    w_.world.Run([=, this]() -> Task<void> {
      for (int written = 0; written < count;) {
        data::Mutation m{.table = TestTableId(table)};
        m.update.key = data::DecoratedKey::Of(base::StrCat("k", next_++));
        if (base::ShardOfToken(m.update.key.token, kShards) != shard) continue;
        m.update.rows.push_back(
            {.clustering = "c", .cells = {data::Cell::Value(0, next_, std::string(1000, 'v'))}});
        EXPECT_TRUE((co_await w_.Apply(m)).ok());
        ++written;
      }
    });
    w_.world.RunFor(absl::Seconds(1));
  }

  uint64_t Flushes(int shard) {
    return w_.metrics.AddCounter("tholos_flushes_total", "", {{"shard", std::to_string(shard)}})
        .value();
  }

  static constexpr int kShards = 4;
  EngineWorld w_;
  int next_ = 1;
};

TEST_F(EngineMemory, OneShardMayHaveAllOfIt) {
  Write(2, 0, 200);
  EXPECT_EQ(Flushes(2), 0u) << "three times the share of a shard";
  Write(2, 0, 80);
  EXPECT_EQ(Flushes(2), 1u);
  EXPECT_LT(w_.world.Run(w_.engine->Stats(TestTableId(0)))->memtable_bytes, 64u << 10);
}

TEST_F(EngineMemory, TheLargestTableOfAnyShardGoesFirst) {
  Write(0, 0, 100);
  Write(1, 0, 40);
  Write(1, 1, 60);
  // The shard that passes the budget has less than another one.
  Write(3, 1, 70);
  EXPECT_EQ(Flushes(0), 1u);
  EXPECT_EQ(Flushes(1), 0u);
  EXPECT_EQ(Flushes(3), 0u);
  EXPECT_EQ(w_.world.Run(w_.engine->Stats(TestTableId(0)))->sstables, 1u);
  EXPECT_EQ(w_.world.Run(w_.engine->Stats(TestTableId(1)))->sstables, 0u);
}

}  // namespace
}  // namespace tholos::storage
