#include "sstable/compaction.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/sim/test_world.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/directory.h"
#include "sstable/entry.h"
#include "sstable/testing/tables.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

using base::Task;
using base::sim::TestWorld;
using data::Partition;
using testing::ElementsAre;
using testing::IsEmpty;

using Model = std::map<data::DecoratedKey, Partition>;

void MergeInto(Model* model, const std::vector<Partition>& partitions) {
  for (const Partition& partition : partitions) {
    const auto [it, inserted] = model->try_emplace(partition.key, partition);
    if (!inserted) data::MergeInto(&it->second, partition);
  }
}

// What compaction may leave of it.
std::vector<Partition> Purged(Model model, const CompactionOptions& options) {
  std::vector<Partition> purged;
  for (auto& [key, partition] : model) {
    const data::Timestamp before =
        options.purgeable_before ? options.purgeable_before(key) : data::kNoTimestamp;
    data::PurgeDeletion(&partition.deletion, options.gc_before_seconds, before);
    const auto keep = [&](data::Row* row) {
      data::ExpireRow(row, options.now_seconds);
      return data::PurgeRow(row, options.gc_before_seconds, before);
    };
    if (partition.static_row.has_value() && !keep(&*partition.static_row)) {
      partition.static_row.reset();
    }
    std::erase_if(partition.range_tombstones, [&](data::RangeTombstone& each) {
      data::PurgeDeletion(&each.deletion, options.gc_before_seconds, before);
      return each.deletion.live();
    });
    std::erase_if(partition.rows, [&](data::Row& row) { return !keep(&row); });
    if (!partition.IsEmpty()) purged.push_back(partition);
  }
  return purged;
}

// Names outputs 100, 101, ...
CompactionOptions OptionsFor(std::vector<uint64_t> inputs) {
  CompactionOptions options;
  options.directory = kTestDirectory;
  options.table = TestTable();
  for (const uint64_t input : inputs) options.inputs.push_back({.generation = input});
  options.next_output = [next = uint64_t{100}]() mutable {
    const uint64_t generation = next++;
    return OutputId{generation, generation * 77};
  };
  return options;
}

// Random tables of generations 1, 2, ..., and what they hold together.
struct Inputs {
  std::vector<uint64_t> generations;
  Model model;
};
Task<absl::StatusOr<Inputs>> WriteInputs(base::FileSystem& fs, uint64_t seed) {
  base::RandomStream random(seed);
  Inputs inputs;
  for (uint64_t generation = 1 + random.Below(5); generation > 0; --generation) {
    const std::vector<Partition> partitions = RandomTable(random);
    MergeInto(&inputs.model, partitions);
    THOLOS_CO_RETURN_IF_ERROR(co_await WriteTable(fs, TinyBlocks(generation, random), partitions));
    inputs.generations.insert(inputs.generations.begin(), generation);
  }
  co_return inputs;
}

Task<absl::StatusOr<Model>> ReadModel(base::FileSystem& fs, std::vector<uint64_t> generations) {
  Model model;
  for (const uint64_t generation : generations) {
    THOLOS_CO_ASSIGN_OR_RETURN(const std::vector<Partition> partitions,
                               co_await OpenAndRead(fs, TestOpenOptions(generation)));
    MergeInto(&model, partitions);
  }
  co_return model;
}

std::vector<uint64_t> GenerationsOf(const CompactionResult& result) {
  std::vector<uint64_t> generations;
  for (const TableMetadata& output : result.outputs) generations.push_back(output.generation);
  return generations;
}

TEST(Compaction, TakesOnlyWhatIsHeldAndSplitsAtTokens) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    TestWorld world(seed);
    base::RandomStream random(seed);
    const Inputs inputs = *world.Run(WriteInputs(world.files(), seed));
    std::vector<data::Token> tokens;
    for (const auto& [key, partition] : inputs.model) tokens.push_back(key.token);
    const auto any = [&] {
      return tokens.empty() ? data::Token{5} : tokens[random.Below(tokens.size())];
    };
    CompactionOptions options = OptionsFor(inputs.generations);
    TokenInterval held{any(), any()};
    if (held.first > held.last) std::swap(held.first, held.last);
    for (CompactionInput& input : options.inputs) input.held = {held};
    options.split_points = {any(), any(), any()};
    std::sort(options.split_points.begin(), options.split_points.end());
    const auto result = world.Run(Compact(world.files(), options));
    ASSERT_TRUE(result.ok()) << result.status();

    Model expected = inputs.model;
    std::erase_if(expected, [&](const auto& entry) { return !held.Contains(entry.first.token); });
    std::erase_if(expected, [](const auto& entry) { return entry.second.IsEmpty(); });
    EXPECT_EQ(*world.Run(ReadModel(world.files(), GenerationsOf(*result))), expected);
    for (const TableMetadata& output : result->outputs) {
      for (const data::Token point : options.split_points) {
        const TableStatistics& s = output.statistics;
        EXPECT_FALSE(s.first_key.token < point && point <= s.last_key.token) << point;
      }
    }
  }
}

TEST(Compaction, EqualsMergingInMemory) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    TestWorld world(seed);
    base::RandomStream random(seed);
    const Inputs inputs = *world.Run(WriteInputs(world.files(), seed));
    CompactionOptions options = OptionsFor(inputs.generations);
    options.now_seconds = random.Between(0, 12);
    options.block_bytes = 1 + random.Below(300);
    if (random.Chance(0.5)) options.output_bytes_max = 1 + random.Below(1000);
    if (random.Chance(0.7)) options.gc_before_seconds = random.Between(0, 12);
    if (random.Chance(0.7)) {
      const data::Timestamp before = random.Between(0, 12);
      options.purgeable_before = [before](const data::DecoratedKey&) { return before; };
    }
    const auto result = world.Run(Compact(world.files(), options));
    ASSERT_TRUE(result.ok()) << result.status();

    std::vector<Partition> read;
    for (const TableMetadata& output : result->outputs) {
      const auto table = *world.Run(OpenAndRead(world.files(), TestOpenOptions(output.generation)));
      read.insert(read.end(), table.begin(), table.end());
      const auto report =
          world.Run(VerifyTable(world.files(), kTestDirectory, output.generation, TestTable()));
      ASSERT_TRUE(report->ok()) << report->ToString();
    }
    ASSERT_EQ(read, Purged(inputs.model, options));
    if (options.output_bytes_max > 1000) EXPECT_EQ(result->outputs.size(), read.empty() ? 0u : 1u);
  }
}

// The first byte of a table's first key may be that which marks rows behind a partition's key.
TEST(Compaction, BeginsWithAnyToken) {
  TestWorld world;
  std::string name;
  for (int i = 0; name.empty(); ++i) {
    std::string candidate = "key " + std::to_string(i);
    if (PartitionPrefix(data::DecoratedKey::Of(candidate))[0] == kRowKind) name = candidate;
  }
  Partition partition{.key = data::DecoratedKey::Of(name)};
  data::Row row{.clustering = "c", .liveness = data::Liveness::At(1)};
  partition.rows.push_back(row);
  for (const uint64_t generation : {1, 2}) {
    ASSERT_TRUE(
        world.Run(WriteTable(world.files(), TestWriterOptions(generation), {partition})).ok());
  }
  const auto result = world.Run(Compact(world.files(), OptionsFor({1, 2})));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(100))),
            std::vector<Partition>{partition});
}

TEST(Compaction, OnlyTombstonesOlderThanAllOtherDataGo) {
  const Partition deleted{.key = data::DecoratedKey::Of("k"),
                          .deletion = {.timestamp = 50, .local_seconds = 5}};
  struct Case {
    std::string name;
    std::vector<OverlappingSource> others;
    int64_t gc_before_seconds;
    bool purged;
  };
  OverlappingSource older{.min_timestamp = 49};
  OverlappingSource equal{.min_timestamp = 50};
  OverlappingSource newer{.min_timestamp = 51};
  OverlappingSource elsewhere{.min_timestamp = 1, .whole_range = false};
  elsewhere.first_key = elsewhere.last_key = {deleted.key.token + 1, "x"};
  OverlappingSource here = elsewhere;
  here.first_key = here.last_key = deleted.key;
  const Case cases[] = {
      {"nothing else", {}, 6, true},
      {"still in gc grace", {}, 5, false},
      {"older data", {older}, 6, false},
      {"data of that time", {equal}, 6, false},
      {"newer data", {newer}, 6, true},
      {"older and newer data", {newer, older}, 6, false},
      {"other partitions", {elsewhere}, 6, true},
      {"this partition", {elsewhere, here}, 6, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    TestWorld world;
    ASSERT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(1), {deleted})).ok());
    CompactionOptions options = OptionsFor({1});
    options.gc_before_seconds = c.gc_before_seconds;
    options.purgeable_before = PurgeableBeforeFor(c.others);
    const auto result = world.Run(Compact(world.files(), options));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outputs.size(), c.purged ? 0u : 1u);
    const std::vector<uint64_t> left =
        c.purged ? std::vector<uint64_t>{1} : std::vector<uint64_t>{1, 100};
    EXPECT_EQ(world.Run(VisibleTables(world.files())), left);
  }
}

TEST(Compaction, OverlapOfATableIsItsKeyRange) {
  base::RandomStream random(1);
  TestWorld world;
  const std::vector<Partition> partitions = RandomTable(random);
  const auto table = world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions));
  const OverlappingSource overlap = OverlapOf(*table);
  EXPECT_FALSE(overlap.whole_range);
  EXPECT_EQ(overlap.first_key, partitions.front().key);
  EXPECT_EQ(overlap.last_key, partitions.back().key);
  EXPECT_EQ(overlap.min_timestamp, table->statistics.min_timestamp);
}

TEST(Compaction, AnErrorRemovesAllOutputs) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    TestWorld world(seed);
    base::RandomStream random(seed);
    const Inputs inputs = *world.Run(WriteInputs(world.files(), seed));
    const std::vector<std::string> before = world.Run(FilesOf(world.files()));
    CompactionOptions options = OptionsFor(inputs.generations);
    options.output_bytes_max = 300;
    const auto op = random.Chance(0.3)   ? base::sim::DiskOp::kSync
                    : random.Chance(0.5) ? base::sim::DiskOp::kWrite
                                         : base::sim::DiskOp::kRead;
    const int skip = static_cast<int>(random.Below(4));
    world.files().FailNext({.op = op, .skip = skip});
    const auto result = world.Run(Compact(world.files(), options));
    if (result.ok()) continue;  // it did not need that many operations
    EXPECT_EQ(world.Run(FilesOf(world.files())), before);
    EXPECT_EQ(*world.Run(ReadModel(world.files(), inputs.generations)), inputs.model);
  }
}

TEST(Compaction, ACorruptInputIsNamed) {
  TestWorld world;
  const Inputs inputs = *world.Run(WriteInputs(world.files(), 2));
  const std::vector<std::string> before = world.Run(FilesOf(world.files()));
  const std::string path = std::string(kTestDirectory) + "/" + FileName(1);
  ASSERT_TRUE(world.files().FlipBit(path, 10, 1));
  const absl::Status status =
      world.Run(Compact(world.files(), OptionsFor(inputs.generations))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path + ": data block at 0"));
  EXPECT_EQ(world.Run(FilesOf(world.files())), before);
}

TEST(Compaction, StopsWhenItIsTold) {
  base::RandomStream random(1);
  TestWorld world;
  const data::WorldShape shape{.partitions = 200, .rows = 20};
  ASSERT_TRUE(
      world.Run(WriteTable(world.files(), TestWriterOptions(1), RandomTable(random, shape))).ok());
  std::atomic<bool> stop = false;
  CompactionOptions options = OptionsFor({1});
  options.stop = &stop;
  options.purgeable_before = [&stop](const data::DecoratedKey&) {
    stop = true;
    return data::kNoTimestamp;
  };
  EXPECT_EQ(world.Run(Compact(world.files(), options)).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_THAT(world.Run(FilesOf(world.files())), ElementsAre(FileName(1)));
}

TEST(Compaction, RunsOnABackgroundLoop) {
  TestWorld world;
  const Inputs inputs = *world.Run(WriteInputs(world.files(), 3));
  const auto result = world.Run(base::RunOn(
      world.executor().background(), Compact(world.files(), OptionsFor(inputs.generations))));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*world.Run(ReadModel(world.files(), GenerationsOf(*result))), inputs.model);
}

TEST(Compaction, ACrashAnywhereLeavesTheInputsAndWholeOutputs) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    bool ended = false;
    for (uint64_t operation = 1; !ended; ++operation) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", operation " << operation);
      TestWorld world(seed * 1000 + operation);
      const Inputs inputs = *world.Run(WriteInputs(world.files(), seed));
      CompactionOptions options = OptionsFor(inputs.generations);
      if (seed > 2) options.output_bytes_max = 200;
      bool acknowledged = false;
      world.files().CrashAtOperation(world.files().operations() + operation);
      ended = world.RunOrCrash(
          [&]() -> Task<void> { acknowledged = (co_await Compact(world.files(), options)).ok(); });
      world.files().CancelCrash();
      world.PowerLossAndBoot();
      ASSERT_EQ(ended, acknowledged);
      ASSERT_EQ(*world.Run(ReadModel(world.files(), inputs.generations)), inputs.model);
      std::vector<uint64_t> outputs = world.Run(VisibleTables(world.files()));
      std::erase_if(outputs, [](uint64_t generation) { return generation < 100; });
      for (const uint64_t output : outputs) {
        const auto report =
            world.Run(VerifyTable(world.files(), kTestDirectory, output, TestTable()));
        ASSERT_TRUE(report->ok()) << report->ToString();
      }
      if (ended) EXPECT_EQ(*world.Run(ReadModel(world.files(), outputs)), inputs.model);
    }
  }
}

TEST(Compaction, WhenAllIsPurgedNothingIsWritten) {
  TestWorld world;
  CompactionOptions options = OptionsFor({9});
  options.purgeable_before = PurgeableBeforeFor({});
  const Partition deleted{.key = data::DecoratedKey::Of("k"),
                          .deletion = {.timestamp = 50, .local_seconds = 5}};
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(9), {deleted})).ok());
  options.gc_before_seconds = 6;
  const auto before = world.Run(FilesOf(world.files()));
  const auto result = world.Run(Compact(world.files(), options));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->outputs, IsEmpty());
  EXPECT_EQ(world.Run(FilesOf(world.files())), before);
}

TEST(RemoveTable, RemovesItsFile) {
  TestWorld world;
  ASSERT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(1), {})).ok());
  EXPECT_TRUE(world.Run(RemoveTable(world.files(), kTestDirectory, 1)).ok());
  EXPECT_THAT(world.Run(FilesOf(world.files())), IsEmpty());
  EXPECT_EQ(world.Run(RemoveTable(world.files(), kTestDirectory, 1)).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tholos::sstable
