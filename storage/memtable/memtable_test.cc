#include "storage/memtable/memtable.h"

#include <algorithm>
#include <set>

#include "base/sim/test_world.h"
#include "data/codec.h"
#include "data/testing/sources.h"
#include "data/vector_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

using base::Task;
using base::sim::TestWorld;
using data::DecoratedKey;
using data::Partition;
using data::Row;
using data::Selection;

// The same by brute force.
class Model {
 public:
  void Apply(const Partition& update) {
    auto [it, inserted] = partitions_.try_emplace(update.key);
    if (inserted) it->second.key = update.key;
    data::MergeInto(&it->second, update);
  }
  std::vector<Partition> partitions() const {
    std::vector<Partition> all;
    for (const auto& [key, partition] : partitions_) all.push_back(partition);
    return all;
  }

 private:
  std::map<DecoratedKey, Partition> partitions_;
};

// As the log gives it.
void Apply(Memtable& memtable, Partition update, LogPosition position) {
  const std::string bytes = data::EncodeMutation({.update = std::move(update)});
  const auto view = data::MutationView::Parse(bytes);
  ASSERT_TRUE(view.ok()) << view.status();
  memtable.Apply(*view, position);
}

std::vector<Partition> Read(TestWorld& world, std::unique_ptr<data::PartitionSource> source,
                            bool reversed) {
  if (source == nullptr) return {};
  auto all = world.Run(data::ReadAll(std::move(source), reversed));
  EXPECT_TRUE(all.ok()) << all.status();
  // Partitions without contents say nothing.
  std::erase_if(*all, [](const Partition& p) { return p.IsEmpty(); });
  return *std::move(all);
}

TEST(Memtable, TheLogIsNeededFromItsOldestRecord) {
  Memtable memtable;
  EXPECT_FALSE(memtable.first_position().has_value());
  const auto apply = [&](LogPosition position) {
    Partition update{.key = DecoratedKey::Of("k")};
    update.rows.push_back({.cells = {data::Cell::Value(0, 1, "v")}});
    Apply(memtable, std::move(update), position);
    return *memtable.first_position();
  };
  EXPECT_EQ(apply({2, 80}), (LogPosition{2, 80}));
  EXPECT_EQ(apply({2, 160}), (LogPosition{2, 80}));
  EXPECT_EQ(apply({2, 40}), (LogPosition{2, 40}));
}

TEST(Memtable, AgreesWithTheMergeLawUnderAnySelection) {
  TestWorld world;
  base::RandomStream random(base::sim::SeedFromEnvironment(11));
  for (int round = 0; round < 60; ++round) {
    auto memtable = std::make_shared<Memtable>();
    Model model;
    for (int step = 0; step < 6; ++step) {
      for (Partition& update : data::RandomPartitions(random)) {
        model.Apply(update);
        Apply(*memtable, std::move(update), {1, static_cast<uint64_t>(step)});
      }
    }
    for (int i = 0; i < 20; ++i) {
      const Selection selection = data::RandomSelection(random);
      EXPECT_EQ(Read(world, MemtableSource(memtable, selection), selection.reversed),
                Read(world, data::VectorSource(model.partitions(), selection), selection.reversed))
          << "round " << round;
    }
  }
}

TEST(Memtable, KnowsItsPositionsTimestampsAndBytes) {
  Memtable memtable;
  EXPECT_TRUE(memtable.empty());
  EXPECT_FALSE(memtable.first_position().has_value());
  Partition update{.key = DecoratedKey::Of("k")};
  update.rows.push_back(Row{.clustering = "a", .cells = {data::Cell::Value(1, 50, "value")}});
  Apply(memtable, update, {3, 32});
  const uint64_t one_row = memtable.bytes();
  EXPECT_GT(one_row, 5u);
  Apply(memtable, update, {3, 64});
  EXPECT_EQ(memtable.bytes(), one_row);
  EXPECT_EQ(*memtable.first_position(), (LogPosition{3, 32}));
  EXPECT_EQ(memtable.min_timestamp(), 50);
  update.rows[0].cells[0].value = std::string(10000, 'v');
  update.rows[0].cells[0].timestamp = 60;
  Apply(memtable, update, {3, 96});
  EXPECT_GT(memtable.bytes(), one_row + 9000);
  const uint64_t large_row = memtable.bytes();
  // A tombstone takes the row, whose memory is used again, and stays.
  Apply(memtable, {.key = DecoratedKey::Of("k"), .deletion = {70, 1000}}, {4, 32});
  EXPECT_LT(memtable.bytes(), large_row + 500);
  EXPECT_FALSE(memtable.empty());
  // What a tombstone shadows does not come in.
  Apply(memtable, update, {4, 64});
  EXPECT_TRUE(memtable.partitions().First().item()->contents()->rows.empty());
  update.rows[0].cells[0].timestamp = 80;
  Apply(memtable, update, {4, 96});
  EXPECT_LT(memtable.bytes(), large_row + 1000);
}

// Steps over the memtable while writes put rows in and tombstones take them out: the rows that are
// there all the time are seen, once each and in order.
TEST(Memtable, SourcesStayCorrectWhileWritesGoOn) {
  TestWorld world;
  base::RandomStream random(base::sim::SeedFromEnvironment(12));
  const auto clustering = [](uint64_t i) {
    return std::string(1, static_cast<char>('a' + i / 26)) +
           std::string(1, static_cast<char>('a' + i % 26));
  };
  for (int round = 0; round < 100; ++round) {
    auto memtable = std::make_shared<Memtable>();
    std::set<std::string> lasting;
    for (int p = 0; p < 3; ++p) {
      Partition update{.key = DecoratedKey::Of("p" + std::to_string(p))};
      for (uint64_t i = 0; i < 100; i += 3) {
        update.rows.push_back(
            Row{.clustering = clustering(i), .cells = {data::Cell::Value(1, 1000, "lasting")}});
        lasting.insert(clustering(i));
      }
      Apply(*memtable, std::move(update), {1, 32});
    }
    const bool reversed = random.Chance(0.5);
    auto source = MemtableSource(memtable, {.reversed = reversed});
    const auto disturb = [&] {
      Partition update{.key = DecoratedKey::Of("p" + std::to_string(random.Below(4)))};
      const auto timestamp = static_cast<data::Timestamp>(random.Below(900));
      if (random.Chance(0.3)) {
        update.deletion = {timestamp, 1};
      } else if (random.Chance(0.3)) {
        const uint64_t first = random.Below(90);
        update.range_tombstones = {{{clustering(first), clustering(first + 9)}, {timestamp, 1}}};
      } else {
        // Only between the lasting rows: 1, 4, 7, ... and 2, 5, 8, ...
        update.rows.push_back(
            Row{.clustering = clustering(random.Below(33) * 3 + 1 + random.Below(2)),
                .cells = {data::Cell::Value(1, timestamp, "passing")}});
      }
      Apply(*memtable, std::move(update), {1, 64});
    };
    world.Run([&]() -> Task<void> {
      int partitions = 0;
      while (*co_await source->NextPartition()) {
        ++partitions;
        std::vector<std::string> seen;
        while (true) {
          for (uint64_t i = random.Below(4); i > 0; --i) disturb();
          const data::Item item = *co_await source->NextItem();
          if (item == data::Item::kEnd) break;
          if (item == data::Item::kRow) seen.push_back(source->row().clustering);
        }
        if (reversed) std::reverse(seen.begin(), seen.end());
        EXPECT_TRUE(std::adjacent_find(seen.begin(), seen.end(), std::greater_equal<>()) ==
                    seen.end());
        const bool is_new = source->partition().key.key == "p3";
        const std::set<std::string> set(seen.begin(), seen.end());
        for (const auto& key : lasting) EXPECT_EQ(set.contains(key), !is_new) << key;
      }
      EXPECT_GE(partitions, 3);
    });
  }
}

// Tombstones that came before a read are in what it says, though newer ones replace them meanwhile.
TEST(Memtable, ATombstoneThatIsReplacedDuringAReadStaysInEffect) {
  TestWorld world;
  const auto key = DecoratedKey::Of("k");
  const std::vector<Partition> replacing = {
      {.key = key, .deletion = {20, 2}},
      {.key = key, .range_tombstones = {{{"a", "z"}, {20, 2}}}},
  };
  for (const bool reversed : {false, true}) {
    for (const Partition& newer : replacing) {
      auto memtable = std::make_shared<Memtable>();
      Partition first{.key = key};
      first.range_tombstones = {{{"m", "o"}, {10, 1}}};
      for (const char* clustering : {"c", "f", "t"}) {
        first.rows.push_back(Row{.clustering = clustering, .deletion = {10, 1}});
      }
      Apply(*memtable, first, {1, 32});
      Partition old{.key = key};
      for (const char* clustering : {"c", "f", "n", "t"}) {
        old.rows.push_back(Row{.clustering = clustering, .liveness = data::Liveness::At(5)});
      }
      std::vector<std::unique_ptr<data::PartitionSource>> sources;
      sources.push_back(MemtableSource(memtable, {.reversed = reversed}));
      sources.push_back(data::VectorSource({old}, {.reversed = reversed}));
      const auto merged = data::MergeSources(std::move(sources), reversed);
      world.Run([&]() -> Task<void> {
        EXPECT_TRUE(*co_await merged->NextPartition());
        (void)co_await merged->NextItem();
        Apply(*memtable, newer, {1, 64});
        while (true) {
          const data::Item item = *co_await merged->NextItem();
          if (item == data::Item::kEnd) break;
          if (item == data::Item::kRow) EXPECT_FALSE(merged->row().LiveAt(0));
        }
      });
    }
  }
}

}  // namespace
}  // namespace tholos::storage
