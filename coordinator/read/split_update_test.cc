#include "coordinator/read/split_update.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "data/codec.h"
#include "data/testing/random_data.h"

namespace tholos::coordinator {
namespace {

using data::Partition;

data::Row WideRow(const std::string& clustering, int cells, size_t bytes) {
  data::Row row{.clustering = clustering, .liveness = data::Liveness::At(1)};
  for (int i = 0; i < cells; ++i) {
    row.cells.push_back(
        data::Cell::Value(static_cast<data::ColumnId>(i), 1, std::string(bytes, 'v')));
  }
  return row;
}

TEST(SplitUpdateTest, WhatFitsStaysWhole) {
  Partition update{.key = data::DecoratedKey::Of("p")};
  for (const char* clustering : {"a", "b"}) update.rows.push_back(WideRow(clustering, 3, 1000));
  EXPECT_EQ(SplitUpdate(update, data::ApproximateBytes(update)), std::vector<Partition>{update});
  EXPECT_EQ(SplitUpdate(update, data::ApproximateBytes(update) - 1).size(), 2u);
}

// Three cells of 16 MiB in one row, each of which came in a mutation of 17 MiB at most.
TEST(SplitUpdateTest, ARowLargerThanAMutationIsSharedOut) {
  constexpr uint64_t kMax = 17 << 20;
  Partition update{.key = data::DecoratedKey::Of("p")};
  update.rows.push_back(WideRow("a", 3, 16 << 20));
  const std::vector<Partition> parts = SplitUpdate(update, kMax);
  EXPECT_EQ(parts.size(), 3u);
  Partition merged{.key = update.key};
  for (const Partition& part : parts) {
    EXPECT_LE(data::EncodeMutation({{}, part}).size(), kMax);
    data::MergeInto(&merged, part);
  }
  EXPECT_TRUE(merged == update);
}

TEST(SplitUpdateTest, PartsMergeToTheWholeInAnyOrder) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    base::RandomStream random(seed);
    Partition update = data::RandomPartition(random, "p", {.rows_max = 8});
    data::ApplyDeletions(&update);
    const uint64_t bytes_max = 1 + random.Below(2000);
    std::vector<Partition> parts = SplitUpdate(update, bytes_max);
    for (const Partition& part : parts) {
      size_t atoms = part.range_tombstones.size();
      for (const data::Row& row : part.rows) atoms += std::max<size_t>(1, row.cells.size());
      if (part.static_row.has_value()) atoms += std::max<size_t>(1, part.static_row->cells.size());
      if (atoms > 1) EXPECT_LE(data::ApproximateBytes(part), bytes_max);
    }
    for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random.Below(i)]);
    Partition merged{.key = update.key};
    for (Partition& part : parts) data::MergeInto(&merged, std::move(part));
    EXPECT_EQ(merged, update);
  }
}

}  // namespace
}  // namespace tholos::coordinator
