#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/compaction.h"

namespace tholos::sstable {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kMiB = 1 << 20;

// Generations 1, 2, ... of these sizes.
std::vector<uint64_t> Pick(std::vector<uint64_t> mebibytes, const SizeTieredOptions& options = {}) {
  std::vector<CompactionCandidate> tables;
  for (const uint64_t size : mebibytes) tables.push_back({tables.size() + 1, size * kMiB});
  return PickSizeTiered(std::move(tables), options).generations;
}

TEST(SizeTiered, Picks) {
  EXPECT_THAT(Pick({}), IsEmpty());
  EXPECT_THAT(Pick({100}), IsEmpty());
  EXPECT_THAT(Pick({100, 100, 100}), IsEmpty());
  EXPECT_THAT(Pick({100, 100, 100, 100}), ElementsAre(1, 2, 3, 4));
  // Similar, not equal.
  EXPECT_THAT(Pick({100, 110, 90, 130}), ElementsAre(1, 2, 3, 4));
  // A table of another size stays out, wherever it stands.
  EXPECT_THAT(Pick({1000, 100, 110, 90, 130, 20}), ElementsAre(2, 3, 4, 5));
  // Each of another size.
  EXPECT_THAT(Pick({20, 50, 120, 300, 800, 2000}), IsEmpty());
  // The smallest bucket that is full comes first.
  EXPECT_THAT(Pick({400, 400, 400, 400, 100, 100, 100, 100}), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(Pick({400, 400, 400, 400, 100, 100, 100}), ElementsAre(1, 2, 3, 4));
}

TEST(SizeTiered, SmallTablesAreOneBucket) {
  EXPECT_THAT(Pick({0, 1, 5, 15}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Pick({0, 1, 5, 40}), IsEmpty());
}

TEST(SizeTiered, TakesTheSmallestOfManyTables) {
  std::vector<uint64_t> sizes(40, 100);
  sizes[7] = 90;
  const std::vector<uint64_t> picked = Pick(sizes);
  EXPECT_EQ(picked.size(), 32u);
  EXPECT_THAT(picked, testing::Contains(8));
  EXPECT_TRUE(std::is_sorted(picked.begin(), picked.end()));
}

TEST(SizeTiered, Options) {
  EXPECT_THAT(Pick({100, 100}, {.tables_min = 2}), ElementsAre(1, 2));
  EXPECT_THAT(Pick({100, 100, 100}, {.tables_min = 2, .tables_max = 2}), ElementsAre(1, 2));
  EXPECT_THAT(Pick({100, 190}, {.tables_min = 2}), IsEmpty());
  EXPECT_THAT(Pick({100, 190}, {.tables_min = 2, .bucket_high = 2}), ElementsAre(1, 2));
}

}  // namespace
}  // namespace tholos::sstable
