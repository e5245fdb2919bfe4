#include "sstable/reader.h"

#include <utility>

#include "base/sim/test_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/testing/tables.h"

namespace tholos::sstable {
namespace {

using base::Task;
using base::sim::TestWorld;
using data::Partition;
using data::Selection;

TEST(SSTable, GivesWhatASelectionAsks) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    TestWorld world(seed);
    FifoBlockCache cache(random.Below(20'000));
    data::WorldShape shape{.partitions = 1 + random.Below(12), .rows = 1 + random.Below(24)};
    shape.partition.realistic_times = random.Chance(0.5);
    const std::vector<Partition> partitions = RandomTable(random, shape);
    auto metadata = world.Run(WriteTable(world.files(), TinyBlocks(1, random), partitions));
    ASSERT_TRUE(metadata.ok()) << metadata.status();
    auto table = world.Run(
        SSTable::Open(world.files(), TestOpenOptions(1, random.Chance(0.7) ? &cache : nullptr)));
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ((*table)->metadata(), *metadata);
    for (int i = 0; i < 100; ++i) {
      const Selection selection = data::RandomSelection(random, shape);
      const auto pattern = random.Chance(0.5) ? ReadPattern::kRandom : ReadPattern::kSequential;
      const auto read = world.Run(ReadTable(*table, selection, pattern));
      ASSERT_TRUE(read.ok()) << read.status();
      ASSERT_EQ(*read, Select(partitions, selection));
      if (!(*table)->MayContain(selection)) ASSERT_TRUE(read->empty());
    }
  }
}

TEST(SSTable, SkipsWhatIsLeftOfAPartition) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    TestWorld world(seed);
    const data::WorldShape shape{.rows = 20};
    const std::vector<Partition> partitions = RandomTable(random, shape);
    ASSERT_TRUE(world.Run(WriteTable(world.files(), TinyBlocks(1, random), partitions)).ok());
    auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
    for (int i = 0; i < 20; ++i) {
      Selection selection = data::RandomSelection(random, shape);
      selection.key.reset();
      std::vector<Partition> expected = Select(partitions, selection);
      std::vector<Partition> seen;
      world.Run([&]() -> Task<void> {
        const auto source = table->NewSource(selection);
        while (*co_await source->NextPartition()) {
          const data::PartitionHeader& header = source->partition();
          seen.push_back(
              {.key = header.key, .deletion = header.deletion, .static_row = header.static_row});
          for (uint64_t rows = random.Below(8); rows > 0; --rows) {
            const data::Item item = *co_await source->NextItem();
            if (item == data::Item::kEnd) break;
            if (item == data::Item::kRow) seen.back().rows.push_back(source->row());
          }
        }
      });
      ASSERT_EQ(seen.size(), expected.size());
      for (size_t p = 0; p < seen.size(); ++p) {
        ASSERT_LE(seen[p].rows.size(), expected[p].rows.size());
        expected[p].rows.resize(seen[p].rows.size());
        expected[p].range_tombstones.clear();
      }
      ASSERT_EQ(seen, expected);
    }
  }
}

TEST(SSTable, NeverSuspendsWhereTheBlocksAreCached) {
  base::RandomStream random(1);
  TestWorld world;
  FifoBlockCache cache(1 << 20);
  const data::WorldShape shape{.partitions = 20, .rows = 20};
  const std::vector<Partition> partitions = RandomTable(random, shape);
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TinyBlocks(1, random), partitions)).ok());
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1, &cache)));
  ASSERT_TRUE(world.Run(ReadTable(table)).ok());
  const uint64_t operations = world.files().operations();
  for (const bool reversed : {false, true}) {
    const auto source = table->NewSource({.reversed = reversed});
    size_t rows = 0;
    for (auto more = source->NextPartition().TakeReady(); **more;
         more = source->NextPartition().TakeReady()) {
      while (true) {
        const data::Item item = **source->NextItem().TakeReady();
        if (item == data::Item::kEnd) break;
        rows += item == data::Item::kRow ? 1 : 0;
      }
    }
    EXPECT_EQ(rows, (*table).metadata().statistics.rows);
  }
  EXPECT_EQ(world.files().operations(), operations);
}

TEST(SSTable, AColdLookupReadsOneIndexPageAndOneDataBlock) {
  TestWorld world;
  world.files().faults().cached_reads = 0;
  std::vector<Partition> partitions;
  for (int i = 0; i < 5000; ++i) {
    Partition partition{.key = data::DecoratedKey::Of("key" + std::to_string(i))};
    partition.rows = {{.clustering = "a", .liveness = {.timestamp = i}}};
    partitions.push_back(std::move(partition));
  }
  std::sort(partitions.begin(), partitions.end(),
            [](const Partition& a, const Partition& b) { return a.key < b.key; });
  WriterOptions options = TestWriterOptions(1);
  options.block_bytes = 1000;
  ASSERT_TRUE(world.Run(WriteTable(world.files(), options, partitions)).ok());
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
  int two_reads = 0;
  for (int i = 0; i < 200; ++i) {
    const Partition& wanted = partitions[i * 25];
    const uint64_t before = world.files().operations();
    const auto read = world.Run(ReadTable(table, {.key = wanted.key}));
    ASSERT_EQ(*read, std::vector<Partition>{wanted});
    const uint64_t reads = world.files().operations() - before;
    ASSERT_LE(reads, 4u);  // the partition, or its end, may lie in the next block
    if (reads == 2) ++two_reads;
  }
  EXPECT_GT(two_reads, 150);
}

// A slice of a partition of many blocks, with range tombstones that begin far away and a header
// that matters: the index says what is in the header, the block what is in effect.
TEST(SSTable, AColdSliceOfAWidePartitionReadsOneIndexPageAndOneDataBlock) {
  TestWorld world;
  world.files().faults().cached_reads = 0;
  const auto clustering = [](int i) { return std::to_string(100000 + i); };
  Partition partition{.key = data::DecoratedKey::Of("wide"), .deletion = {3, 3}};
  partition.static_row = data::Row{.cells = {data::Cell::Value(9, 5, "static")}};
  for (int i = 0; i < 20000; ++i) {
    partition.rows.push_back({.clustering = clustering(i), .liveness = {.timestamp = 10}});
  }
  partition.range_tombstones = {{{"", clustering(5000)}, {4, 4}},
                                {{clustering(5000), clustering(9000)}, {5, 5}},
                                {{clustering(12000), ""}, {6, 6}}};
  WriterOptions options = TestWriterOptions(1);
  options.block_bytes = 1000;
  ASSERT_TRUE(world.Run(WriteTable(world.files(), options, {partition})).ok());
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
  int two_reads = 0;
  for (int i = 0; i < 200; ++i) {
    const int at = 30 + i * 97;
    Selection selection{.key = partition.key, .reversed = i % 2 == 1};
    selection.slices = {{clustering(at), clustering(at) + "\xFF"}};
    const uint64_t before = world.files().operations();
    const auto read = world.Run(ReadTable(table, selection));
    ASSERT_EQ(*read, Select({partition}, selection)) << at;
    const uint64_t reads = world.files().operations() - before;
    ASSERT_LE(reads, 4u);  // the slice, or what is behind it, may lie in the next block
    if (reads == 2) ++two_reads;
  }
  EXPECT_GT(two_reads, 150);
}

TEST(SSTable, RowsAndCellsLargerThanABlock) {
  TestWorld world;
  std::vector<Partition> partitions(1);
  partitions[0].key = data::DecoratedKey::Of("big");
  base::RandomStream random(1);
  for (const char* clustering : {"a", "b", "c"}) {
    std::string noise(16 << 20, '\0');
    for (size_t i = 0; i < noise.size(); i += 7) noise[i] = static_cast<char>(random.Next());
    data::Row row{.clustering = clustering};
    row.cells = {{.column = 1, .timestamp = 1, .value = std::move(noise)},
                 {.column = 2, .timestamp = 1, .value = "small"}};
    partitions[0].rows.push_back(std::move(row));
  }
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions)).ok());
  EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(1))), partitions);
}

TEST(SSTable, KeysOf64KiB) {
  TestWorld world;
  const auto long_key = [](char c) { return std::string(data::kKeyBytesMax - 1, 'k') + c; };
  std::vector<Partition> partitions;
  for (const char c : {'a', 'b', '\0'}) {
    Partition partition{.key = data::DecoratedKey::Of(long_key(c))};
    for (const char d : {'\0', 'a', '\xFE'}) {
      partition.rows.push_back({.clustering = long_key(d), .liveness = {.timestamp = 9}});
    }
    partition.range_tombstones = {{{long_key('a'), long_key('a') + '\xFF'}, {5, 5}},
                                  {{long_key('a') + '\xFF', ""}, {6, 6}}};
    std::sort(partition.rows.begin(), partition.rows.end(),
              [](const data::Row& a, const data::Row& b) { return a.clustering < b.clustering; });
    partitions.push_back(std::move(partition));
  }
  std::sort(partitions.begin(), partitions.end(),
            [](const Partition& a, const Partition& b) { return a.key < b.key; });
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions)).ok());
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
  for (const bool reversed : {false, true}) {
    Selection selection{.key = partitions[1].key, .reversed = reversed};
    selection.slices = {{long_key('a'), long_key('a') + '\xFF'}};
    EXPECT_EQ(*world.Run(ReadTable(table, selection)), Select(partitions, selection));
    EXPECT_EQ(*world.Run(ReadTable(table, {.reversed = reversed})),
              Select(partitions, {.reversed = reversed}));
  }
}

TEST(SSTable, CallsItsOwnerWhenTheLastReaderLetsGo) {
  base::RandomStream random(1);
  TestWorld world;
  ASSERT_TRUE(
      world.Run(WriteTable(world.files(), TinyBlocks(3, random), RandomTable(random))).ok());
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(3)));
  std::vector<uint64_t> released;
  table->OnLastRelease([&](uint64_t generation) { released.push_back(generation); });
  auto source = table->NewSource({});
  table.reset();
  EXPECT_TRUE(released.empty());
  source.reset();
  EXPECT_THAT(released, testing::ElementsAre(3));
}

TEST(SSTable, EmptyTable) {
  TestWorld world;
  auto metadata = world.Run(WriteTable(world.files(), TestWriterOptions(1), {}));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->statistics.partitions, 0u);
  auto table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
  EXPECT_FALSE(table->MayContain(Selection{}));
  EXPECT_TRUE(world.Run(ReadTable(table))->empty());
}

}  // namespace
}  // namespace tholos::sstable
