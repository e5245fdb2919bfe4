#include "storage/cache/row_cache.h"

#include "base/strings.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

constexpr CachedRows::Moment kNothingPurged{std::numeric_limits<int64_t>::min()};

data::DecoratedKey KeyOf(int i) { return data::DecoratedKey::Of(base::StrCat("key", i)); }

data::RowState StateOf(const std::string& clustering, const std::string& value) {
  data::RowState state{.sources = 1};
  state.row = data::Row{.clustering = clustering,
                        .liveness = data::Liveness::At(5),
                        .cells = {data::Cell::Value(0, 5, value)}};
  return state;
}

struct CacheWorld {
  explicit CacheWorld(uint64_t bytes = 1 << 20, const std::string& rows = "ALL")
      : blocks(bytes),
        cache(bytes, blocks,
              {metrics.AddCounter("hits", ""), metrics.AddCounter("misses", ""),
               metrics.AddGauge("bytes", "")}) {
    data::TableOptions options;
    options.caching["rows_per_partition"] = rows;
    table = CachedRows::Make(cache, options);
  }
  void Put(int key, const std::string& clustering, const data::RowState& state) {
    table->Put(table->Begin(KeyOf(key)), KeyOf(key), clustering, state, kNothingPurged);
  }
  std::optional<data::RowState> Find(int key, const std::string& clustering,
                                     CachedRows::Moment moment = kNothingPurged) {
    return table->Find(KeyOf(key), clustering, moment);
  }
  void Apply(data::Partition update) {
    const std::string bytes = data::EncodeMutation({TestTableId(0), std::move(update)});
    table->Applied(*data::MutationView::Parse(bytes));
  }

  base::Metrics metrics;
  sstable::FifoBlockCache blocks;
  RowCache cache;
  std::unique_ptr<CachedRows> table;
};

TEST(RowCache, TheTableOptionDecides) {
  for (const char* none : {"NONE", "none", "0", "", "many", "-1"}) {
    EXPECT_EQ(CacheWorld(1000, none).table, nullptr) << none;
  }
  for (const char* some : {"ALL", "all", "1", "100"}) {
    EXPECT_NE(CacheWorld(1000, some).table, nullptr) << some;
  }
}

TEST(RowCache, GivesBackWhatWasPutIn) {
  CacheWorld w;
  data::RowState state = StateOf("c", "value");
  state.partition_deletion = {3, 4};
  state.range_deletion = {4, 5};
  state.static_row = data::Row{.cells = {data::Cell::Expiring(2, 9, "s", 10, 100)}};
  w.Put(1, "c", state);
  w.Put(1, "d", {});
  w.Put(2, "c", {.sources = 1});
  EXPECT_EQ(w.Find(1, "c"), state);
  EXPECT_EQ(w.Find(1, "d"), data::RowState());
  EXPECT_EQ(w.Find(2, "c"), data::RowState{.sources = 1});
  EXPECT_EQ(w.Find(1, "e"), std::nullopt);
  EXPECT_EQ(w.Find(3, "c"), std::nullopt);
  EXPECT_EQ(w.metrics.AddCounter("hits", "").value(), 3u);
  EXPECT_EQ(w.metrics.AddCounter("misses", "").value(), 2u);
}

TEST(RowCache, AWriteTakesWhatItTouches) {
  CacheWorld w;
  for (int key : {1, 2}) {
    for (const char* row : {"a", "b", "c"}) w.Put(key, row, StateOf(row, "v"));
  }
  data::Partition update{.key = KeyOf(1)};
  update.rows = {*StateOf("a", "new").row, *StateOf("c", "new").row};
  w.Apply(update);
  EXPECT_EQ(w.Find(1, "a"), std::nullopt);
  EXPECT_EQ(w.Find(1, "b"), StateOf("b", "v"));
  EXPECT_EQ(w.Find(1, "c"), std::nullopt);
  EXPECT_EQ(w.Find(2, "a"), StateOf("a", "v"));

  // What is about the partition takes all of it.
  data::Partition of_partition{.key = KeyOf(1), .deletion = {9, 9}};
  data::Partition of_static{.key = KeyOf(1)};
  of_static.static_row = StateOf("", "static").row;
  data::Partition of_range{.key = KeyOf(1)};
  of_range.range_tombstones = {{{"x", "y"}, {9, 9}}};
  for (const data::Partition& each : {of_partition, of_static, of_range}) {
    w.Put(1, "b", StateOf("b", "v"));
    ASSERT_NE(w.Find(1, "b"), std::nullopt);
    w.Apply(each);
    EXPECT_EQ(w.Find(1, "b"), std::nullopt);
    EXPECT_EQ(w.Find(2, "b"), StateOf("b", "v"));
  }
}

TEST(RowCache, ARowThatWasReadBesideAWriteStaysOut) {
  CacheWorld w;
  const CachedRows::Ticket before = w.table->Begin(KeyOf(1));
  w.Apply({.key = KeyOf(1), .deletion = {9, 9}});
  w.table->Put(before, KeyOf(1), "a", StateOf("a", "old"), kNothingPurged);
  EXPECT_EQ(w.Find(1, "a"), std::nullopt);
  const CachedRows::Ticket cleared = w.table->Begin(KeyOf(1));
  w.table->Clear();
  w.table->Put(cleared, KeyOf(1), "a", StateOf("a", "old"), kNothingPurged);
  EXPECT_EQ(w.Find(1, "a"), std::nullopt);
}

TEST(RowCache, ClearForgetsTheTableAlone) {
  CacheWorld w;
  data::TableOptions options;
  options.caching["rows_per_partition"] = "ALL";
  const auto other = CachedRows::Make(w.cache, options);
  w.Put(1, "a", StateOf("a", "mine"));
  EXPECT_EQ(other->Find(KeyOf(1), "a", kNothingPurged), std::nullopt);
  other->Put(other->Begin(KeyOf(1)), KeyOf(1), "a", StateOf("a", "other"), kNothingPurged);
  w.table->Clear();
  EXPECT_EQ(w.Find(1, "a"), std::nullopt);
  EXPECT_EQ(other->Find(KeyOf(1), "a", kNothingPurged), StateOf("a", "other"));
}

TEST(RowCache, DoesNotAnswerWhatMayHaveBeenPurged) {
  CacheWorld w;
  data::RowState state = StateOf("a", "v");
  state.row->cells.push_back(data::Cell::Tombstone(1, 5, 1000));
  w.Put(1, "a", state);
  EXPECT_EQ(w.Find(1, "a", {1000}), state);
  EXPECT_EQ(w.Find(1, "a", {1001}), std::nullopt);
  w.table->Put(w.table->Begin(KeyOf(1)), KeyOf(1), "a", state, {1001});
  EXPECT_EQ(w.cache.rows(), 0u);
}

TEST(RowCache, KeepsTheRowsOfAPartitionThatTheOptionAllows) {
  CacheWorld w(1 << 20, "3");
  for (int i = 0; i < 10; ++i) w.Put(1, std::string(1, static_cast<char>('a' + i)), {});
  w.Put(2, "a", {});
  EXPECT_EQ(w.cache.rows(), 4u);
  w.Apply({.key = KeyOf(1), .deletion = {9, 9}});
  for (int i = 0; i < 10; ++i) w.Put(1, std::string(1, static_cast<char>('k' + i)), {});
  EXPECT_NE(w.Find(1, "m"), std::nullopt);
  EXPECT_EQ(w.Find(1, "n"), std::nullopt);
}

TEST(RowCache, ItsBytesAreTheBlockCaches) {
  CacheWorld w(100'000);
  for (int i = 0; i < 1000; ++i) {
    w.Put(i, "a", StateOf("a", std::string(static_cast<size_t>(i % 300), 'v')));
    ASSERT_LE(w.cache.bytes(), 25'000u);
    ASSERT_GE(w.cache.bytes(), w.cache.rows() * 384);
  }
  EXPECT_GT(w.cache.rows(), 20u);
  EXPECT_EQ(static_cast<uint64_t>(w.metrics.AddGauge("bytes", "").value()), w.cache.bytes());
  w.Put(5000, "a", StateOf("a", std::string(30'000, 'v')));
  EXPECT_EQ(w.Find(5000, "a"), std::nullopt);
}

// Through the engine -----------------------------------------------------------------------------

data::Mutation Write(const std::string& key, const std::string& row, const std::string& value,
                     data::Timestamp timestamp) {
  data::Mutation mutation{.table = TestTableId(0)};
  mutation.update.key = data::DecoratedKey::Of(key);
  mutation.update.rows = {{.clustering = row, .cells = {data::Cell::Value(0, timestamp, value)}}};
  return mutation;
}

uint64_t Hits(EngineWorld& w) {
  return w.metrics.AddCounter("tholos_row_cache_hits_total", "", {{"shard", "0"}}).value();
}

std::string ReadValue(EngineWorld& w, const std::string& key, const std::string& row) {
  const auto seen = w.world.Run(w.ReadRow(TestTableId(0), key, row));
  EXPECT_TRUE(seen.ok()) << seen.status();
  const auto found = seen->rows.find(row);
  return found == seen->rows.end() ? "" : found->second.at({0, ""});
}

TEST(RowCacheOfAnEngine, FollowsWritesTruncationAndSchemaChanges) {
  EngineWorld w(1, /*shards=*/1);
  w.schema = TestSchema(1, 864000, "ALL");
  w.options.cache_bytes_max = 1 << 20;
  ASSERT_TRUE(w.OpenNow().ok());
  ASSERT_TRUE(w.world.Run(w.Apply(Write("p", "a", "one", 1))).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "one");
  EXPECT_EQ(Hits(w), 0u);
  EXPECT_EQ(ReadValue(w, "p", "a"), "one");
  EXPECT_EQ(Hits(w), 1u);
  // Flushes and compactions change nothing that is seen.
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "one");
  EXPECT_EQ(Hits(w), 2u);
  ASSERT_TRUE(w.world.Run(w.Apply(Write("p", "a", "two", 2))).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "two");
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(TestTableId(0), std::nullopt)).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "");
  ASSERT_TRUE(w.world.Run(w.Apply(Write("p", "a", "three", 3))).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "three");
  const uint64_t hits = Hits(w);
  ASSERT_TRUE(w.world.Run(w.engine->SetSchema(TestSchema(1, 864000, "NONE"))).ok());
  EXPECT_EQ(ReadValue(w, "p", "a"), "three");
  EXPECT_EQ(ReadValue(w, "p", "a"), "three");
  EXPECT_EQ(Hits(w), hits);
  w.StopNow();
}

}  // namespace
}  // namespace tholos::storage
