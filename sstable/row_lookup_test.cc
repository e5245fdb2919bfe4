#include "sstable/row_lookup.h"

#include <algorithm>

#include "base/sim/test_world.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/testing/tables.h"

namespace tholos::sstable {
namespace {

using base::Task;
using base::sim::TestWorld;
using data::Partition;
using TablePtr = std::shared_ptr<SSTable>;

Task<absl::StatusOr<data::RowState>> Lookup(std::vector<TablePtr> tables, data::DecoratedKey key,
                                            std::string clustering) {
  const LookupKey wanted(key, clustering);
  data::RowState state;
  for (const TablePtr& table : tables) {
    if (!table->MayContain(key, wanted.filter_hash())) continue;
    RowLookup lookup(*table);
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const bool done, lookup.Try(wanted, &state));
      if (done) break;
      THOLOS_CO_RETURN_IF_ERROR(lookup.Take(co_await lookup.Read()));
    }
  }
  data::MakeCanonical(&state);
  co_return state;
}

Task<absl::StatusOr<data::ReadResult>> Collected(std::vector<TablePtr> tables,
                                                 data::ReadCommand command) {
  std::vector<std::unique_ptr<data::PartitionSource>> sources;
  for (const TablePtr& table : tables) {
    sources.push_back(table->NewSource(data::Selection::Of(command)));
  }
  return data::Collect(data::MergeSources(std::move(sources), command.reversed), command);
}

data::ReadCommand RandomRowRead(base::RandomStream& random, const data::WorldShape& shape) {
  data::ReadCommand command{.table = TestTable(), .key = data::RandomWorldKey(random, shape)};
  const std::string row = data::RandomWorldClustering(random, shape);
  command.slices = {{row, data::Behind(row)}};
  command.reversed = random.Chance(0.3);
  command.row_limit = static_cast<uint32_t>(1 + random.Below(3));
  command.per_partition_limit = static_cast<uint32_t>(1 + random.Below(3));
  command.bytes_limit = 1 + random.Below(400);
  command.now_seconds = data::RandomSeconds(random, shape.partition);
  return command;
}

// Also of several tables, with blocks so small that headers and rows lie apart.
TEST(RowLookup, GivesWhatARangeReadGives) {
  for (uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    TestWorld world(seed);
    FifoBlockCache cache(random.Below(20'000));
    data::WorldShape shape{.partitions = 1 + random.Below(12), .rows = 1 + random.Below(24)};
    shape.partition.realistic_times = random.Chance(0.5);
    if (random.Chance(0.3)) shape.partition.ranges_max = 0;
    BlockCache* cached = random.Chance(0.7) ? &cache : nullptr;
    std::vector<TablePtr> tables;
    for (uint64_t i = 1; i <= 1 + random.Below(3); ++i) {
      const auto written =
          world.Run(WriteTable(world.files(), TinyBlocks(i, random), RandomTable(random, shape)));
      ASSERT_TRUE(written.ok()) << written.status();
      tables.push_back(*world.Run(SSTable::Open(world.files(), TestOpenOptions(i, cached))));
    }
    for (int i = 0; i < 100; ++i) {
      const data::ReadCommand command = RandomRowRead(random, shape);
      const auto expected = world.Run(Collected(tables, command));
      ASSERT_TRUE(expected.ok()) << expected.status();
      const auto state = world.Run(Lookup(tables, *command.key, command.slices[0].lower));
      ASSERT_TRUE(state.ok()) << state.status();
      ASSERT_EQ(data::ReadOf(*state, command), *expected);
    }
  }
}

TEST(RowLookup, NeverReadsWhereTheBlocksAreCached) {
  base::RandomStream random(1);
  TestWorld world;
  FifoBlockCache cache(1 << 20);
  const data::WorldShape shape{.partitions = 20, .rows = 20};
  ASSERT_TRUE(
      world.Run(WriteTable(world.files(), TinyBlocks(1, random), RandomTable(random, shape))).ok());
  const TablePtr table = *world.Run(SSTable::Open(world.files(), TestOpenOptions(1, &cache)));
  ASSERT_TRUE(world.Run(ReadTable(table)).ok());
  for (int i = 0; i < 200; ++i) {
    const data::ReadCommand command = RandomRowRead(random, shape);
    const LookupKey key(*command.key, command.slices[0].lower);
    data::RowState state;
    ASSERT_EQ(RowLookup(*table).Try(key, &state).value(), true);
  }
}

// Every bit of a small table, one after the other: damage is found, or changes nothing.
TEST(RowLookup, FindsDamage) {
  base::RandomStream random(7);
  TestWorld world;
  data::WorldShape shape{.partitions = 3, .rows = 6};
  const std::vector<Partition> partitions = RandomTable(random, shape);
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TinyBlocks(1, random), partitions)).ok());
  const std::string path = base::StrCat(kTestDirectory, "/", FileName(1));
  const std::string good = *world.files().Peek(path);
  int found = 0;
  for (size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ (1 << (byte % 8)));
    ASSERT_TRUE(world.Run(WriteWholeFile(world.files(), path, bad)).ok());
    const auto table = world.Run(SSTable::Open(world.files(), TestOpenOptions(1)));
    if (!table.ok()) {
      ++found;
      continue;
    }
    for (const Partition& partition : partitions) {
      const std::string row = partition.rows.empty() ? "a" : partition.rows.front().clustering;
      const auto state = world.Run(Lookup({*table}, partition.key, row));
      if (!state.ok()) {
        ASSERT_TRUE(absl::IsDataLoss(state.status())) << state.status();
        ++found;
        continue;
      }
      ASSERT_EQ(state->row.has_value(), !partition.rows.empty()) << byte;
      if (state->row.has_value()) ASSERT_EQ(*state->row, partition.rows.front());
    }
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace tholos::sstable
