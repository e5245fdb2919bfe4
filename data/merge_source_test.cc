#include <map>
#include <utility>

#include "base/sim/test_world.h"
#include "data/range_tombstones.h"
#include "data/source.h"
#include "data/testing/sources.h"
#include "data/vector_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::data {
namespace {

using base::sim::RunTask;
using Sources = std::vector<std::unique_ptr<PartitionSource>>;

absl::StatusOr<std::vector<Partition>> ReadAllNow(std::unique_ptr<PartitionSource> source,
                                                  bool reversed = false) {
  base::Task<absl::StatusOr<std::vector<Partition>>> task = ReadAll(std::move(source), reversed);
  return RunTask(std::move(task));
}

// The model: everything merged in memory, and then selected.
std::vector<Partition> MergeModel(const std::vector<std::vector<Partition>>& versions,
                                  const Selection& selection) {
  std::map<DecoratedKey, Partition> merged;
  for (const auto& partitions : versions) {
    for (const Partition& partition : partitions) {
      const auto [it, inserted] = merged.try_emplace(partition.key, partition);
      if (!inserted) MergeInto(&it->second, partition);
    }
  }
  std::vector<Partition> result;
  for (auto& [key, partition] : merged) {
    if (!selection.Selects(key)) continue;
    std::erase_if(partition.rows,
                  [&](const Row& row) { return !selection.Selects(key, row.clustering); });
    partition.range_tombstones =
        ClipRanges(partition.range_tombstones, selection.SlicesOf(partition.key));
    if (selection.reversed) std::reverse(partition.rows.begin(), partition.rows.end());
    result.push_back(std::move(partition));
  }
  return result;
}

TEST(MergeSource, AgreesWithTheModel) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    const Selection selection = RandomSelection(random);
    std::vector<std::vector<Partition>> versions(random.Below(6));
    Sources sources;
    for (auto& partitions : versions) {
      partitions = RandomPartitions(random);
      sources.push_back(VectorSource(partitions, selection));
      if (random.Chance(0.5)) {
        sources.back() = HesitatingSource(std::move(sources.back()), random.Next());
      }
    }
    const auto merged =
        ReadAllNow(MergeSources(std::move(sources), selection.reversed), selection.reversed);
    ASSERT_TRUE(merged.ok()) << merged.status();
    ASSERT_EQ(*merged, MergeModel(versions, selection));
  }
}

TEST(MergeSource, AnswersAtOnceIfItsSourcesDo) {
  base::RandomStream random(1);
  Sources sources;
  for (int i = 0; i < 3; ++i) sources.push_back(VectorSource(RandomPartitions(random), {}));
  const auto merged = MergeSources(std::move(sources), false);
  int rows = 0;
  while (**merged->NextPartition().TakeReady()) {
    while (**merged->NextItem().TakeReady() != Item::kEnd) ++rows;
  }
  EXPECT_GT(rows, 0);
}

TEST(MergeSource, SkipsWhatIsLeftOfAPartition) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    base::RandomStream random(seed);
    Sources sources;
    std::vector<std::vector<Partition>> versions;
    for (int i = 0; i < 3; ++i) {
      versions.push_back(RandomPartitions(random));
      sources.push_back(HesitatingSource(VectorSource(versions.back(), {}), random.Next()));
    }
    const auto merged = MergeSources(std::move(sources), false);
    std::vector<DecoratedKey> seen;
    RunTask([&]() -> base::Task<void> {
      while (*co_await merged->NextPartition()) {
        seen.push_back(merged->partition().key);
        for (uint64_t rows = random.Below(4); rows > 0; --rows) {
          if (*co_await merged->NextItem() == Item::kEnd) break;
        }
      }
    });
    std::vector<DecoratedKey> expected;
    for (const Partition& partition : MergeModel(versions, {})) expected.push_back(partition.key);
    ASSERT_EQ(seen, expected) << "seed " << seed;
  }
}

TEST(MergeSource, GivesTheErrorOfASource) {
  for (int good_answers = 0; good_answers < 12; ++good_answers) {
    base::RandomStream random(7);
    const std::vector<Partition> partitions = RandomPartitions(random);
    Sources sources;
    sources.push_back(HesitatingSource(VectorSource(partitions, {}), 1));
    sources.push_back(FailingSource(VectorSource(partitions, {}), good_answers,
                                    absl::DataLossError("bad block")));
    sources.push_back(VectorSource(partitions, {}));
    const auto merged = ReadAllNow(MergeSources(std::move(sources), false));
    EXPECT_EQ(merged.status(), absl::DataLossError("bad block")) << good_answers;
  }
}

TEST(MergeSource, OfNothingIsEmpty) {
  EXPECT_THAT(*ReadAllNow(MergeSources({}, false)), testing::IsEmpty());
}

}  // namespace
}  // namespace tholos::data
