#include "data/counter.h"

#include <algorithm>
#include <map>

#include "base/random.h"
#include "data/codec.h"
#include "data/read.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::data {
namespace {

constexpr ColumnId kColumn = 3;

base::Uuid Host(uint8_t n) {
  base::Uuid host;
  host.bytes[0] = n;
  return host;
}

Row RowOf(std::vector<CounterShard> shards) {
  Row row{.clustering = "c"};
  for (const CounterShard& shard : shards) row.cells.push_back(EncodeCounterShard(kColumn, shard));
  return row;
}

std::optional<int64_t> ValueOf(const Row& row) {
  auto value = CounterValue(row.CellsOf(kColumn));
  EXPECT_TRUE(value.ok()) << value.status();
  return *value;
}

TEST(Counter, AShardByteByByte) {
  const Cell cell = EncodeCounterShard(kColumn, {Host(0xAB), 30, -2});
  EXPECT_EQ(cell.path, std::string("\xAB\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(cell.value, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE");
  EXPECT_EQ(cell.timestamp, 30);
  EXPECT_EQ(*DecodeCounterShard(cell), (CounterShard{Host(0xAB), 30, -2}));
}

TEST(Counter, WhatIsNoShardIsRefused) {
  const Cell good = EncodeCounterShard(kColumn, {Host(1), 30, 5});
  Cell bad = good;
  bad.path.pop_back();
  EXPECT_EQ(DecodeCounterShard(bad).status().code(), absl::StatusCode::kDataLoss);
  bad = good;
  bad.value += 'x';
  EXPECT_EQ(DecodeCounterShard(bad).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CounterValue(std::vector<Cell>{good, bad}).status().code(),
            absl::StatusCode::kDataLoss);
  bad = good;
  bad.ttl_seconds = 1;
  EXPECT_EQ(DecodeCounterShard(bad).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Counter, ShowsTheSumOfItsShards) {
  EXPECT_EQ(ValueOf(RowOf({})), std::nullopt);
  EXPECT_EQ(ValueOf(RowOf({{Host(1), 30, 7}, {Host(2), 12, -2}})), 5);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(ValueOf(RowOf({{Host(1), 30, kMax}, {Host(2), 12, 1}})),
            std::numeric_limits<int64_t>::min());
}

TEST(Counter, OfEachHostTheHighestClockWins) {
  Row row = RowOf({{Host(1), 30, 7}, {Host(2), 12, -2}});
  MergeInto(&row, RowOf({{Host(1), 29, 100}, {Host(2), 13, 4}, {Host(3), 1, 1}}));
  EXPECT_EQ(row, RowOf({{Host(1), 30, 7}, {Host(2), 13, 4}, {Host(3), 1, 1}}));
  EXPECT_EQ(ValueOf(row), 12);
}

TEST(Counter, ADeletionTakesTheShardsThatItCovers) {
  Row row = RowOf({{Host(1), 30, 7}, {Host(2), 12, -2}});
  MergeInto(&row, {.clustering = "c", .complex_deletions = {{kColumn, {12, 1}}}});
  EXPECT_EQ(ValueOf(row), 7);
  MergeInto(&row, {.clustering = "c", .deletion = {30, 1}});
  EXPECT_EQ(ValueOf(row), std::nullopt);
  // What was counted before, and comes late, stays away.
  MergeInto(&row, RowOf({{Host(1), 30, 7}}));
  EXPECT_EQ(ValueOf(row), std::nullopt);
}

TEST(Counter, AHostCountsOnFromWhatItHas) {
  Row row = RowOf({{Host(1), 30, 7}, {Host(2), 12, -2}});
  EXPECT_EQ(*NextShard(row, kColumn, {}, Host(1), 3, 100), (CounterShard{Host(1), 100, 10}));
  // Its clock was set back.
  EXPECT_EQ(*NextShard(row, kColumn, {}, Host(1), 3, 5), (CounterShard{Host(1), 31, 10}));
  EXPECT_EQ(*NextShard(row, kColumn, {}, Host(9), -1, 5), (CounterShard{Host(9), 5, -1}));
  // Beyond every deletion.
  EXPECT_EQ(*NextShard(row, kColumn, {200, 1}, Host(9), 1, 5), (CounterShard{Host(9), 201, 1}));
  row.deletion = {40, 1};
  row.complex_deletions = {{kColumn, {50, 1}}};
  row.cells.clear();
  EXPECT_EQ(*NextShard(row, kColumn, {}, Host(1), 1, 5), (CounterShard{Host(1), 51, 1}));
  row.cells = {Cell::Tombstone(kColumn, 60, 1).At(std::string(Host(1).AsBytes()))};
  EXPECT_EQ(*NextShard(row, kColumn, {}, Host(1), 1, 5), (CounterShard{Host(1), 61, 1}));
}

// Versions of shards spread over replicas in any order, some lost, some twice: once each replica
// has the last version of every host, all show the same sum and the same digest.
TEST(Counter, ReplicasThatHaveSeenTheSameAgree) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    base::RandomStream random(seed);
    std::map<uint8_t, CounterShard> last;
    std::vector<CounterShard> versions;
    int64_t total = 0;
    for (int i = 0; i < 30; ++i) {
      const auto host = static_cast<uint8_t>(1 + random.Below(3));
      const int64_t delta = random.Between(-5, 9);
      const Row have = last.contains(host) ? RowOf({last[host]}) : RowOf({});
      last[host] = *NextShard(have, kColumn, {}, Host(host), delta, random.Between(1, 40));
      total += delta;
      versions.push_back(last[host]);
    }
    std::vector<Partition> replicas;
    for (int replica = 0; replica < 2; ++replica) {
      std::vector<CounterShard> seen;
      for (const CounterShard& version : versions) {
        for (uint64_t times = random.Below(3); times > 0; --times) seen.push_back(version);
      }
      for (const auto& [host, shard] : last) seen.push_back(shard);
      for (size_t i = seen.size(); i > 1; --i) std::swap(seen[i - 1], seen[random.Below(i)]);
      Partition partition{.key = DecoratedKey::Of("k")};
      for (const CounterShard& shard : seen) {
        MergeInto(&partition, {.key = partition.key, .rows = {RowOf({shard})}});
      }
      replicas.push_back(partition);
    }
    EXPECT_EQ(ValueOf(replicas[0].rows[0]), total) << seed;
    EXPECT_EQ(EncodePartitions({replicas[0]}), EncodePartitions({replicas[1]})) << seed;
    const auto decoded = DecodePartitions(EncodePartitions({replicas[0]}));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->front(), replicas[0]);
    EXPECT_EQ(Difference(replicas[0], replicas[1]), std::nullopt);
  }
}

}  // namespace
}  // namespace tholos::data
