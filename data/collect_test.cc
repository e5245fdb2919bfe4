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

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

ReadResult CollectFrom(const std::vector<Partition>& partitions, const ReadCommand& command) {
  auto result = base::sim::RunTask(
      Collect(HesitatingSource(VectorSource(partitions, Selection::Of(command)), 1), command));
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

Row LiveRow(std::string clustering, Timestamp timestamp = 1) {
  return {.clustering = std::move(clustering), .liveness = {.timestamp = timestamp}};
}
Row DeletedRow(std::string clustering) {
  return {.clustering = std::move(clustering), .deletion = {.timestamp = 5, .local_seconds = 5}};
}

Partition PartitionOf(std::string key, std::vector<Row> rows) {
  return {.key = DecoratedKey::Of(std::move(key)), .rows = std::move(rows)};
}

std::vector<std::string> RowsOf(const ReadResult& result) {
  std::vector<std::string> rows;
  for (const Partition& partition : result.partitions) {
    for (const Row& row : partition.rows) rows.push_back(row.clustering);
  }
  return rows;
}

TEST(Collect, StopsAtTheRowLimitCountingLiveRows) {
  const std::vector<Partition> partitions = {PartitionOf(
      "k", {DeletedRow("a"), LiveRow("b"), DeletedRow("c"), LiveRow("d"), LiveRow("e")})};
  const ReadResult two = CollectFrom(partitions, {.row_limit = 2});
  EXPECT_THAT(RowsOf(two), ElementsAre("a", "b", "c", "d"));
  EXPECT_TRUE(two.more);
  const ReadResult all = CollectFrom(partitions, {.row_limit = 4});
  EXPECT_THAT(RowsOf(all), SizeIs(5));
  EXPECT_FALSE(all.more);
}

TEST(Collect, PerPartitionLimitGoesOnWithTheNextPartition) {
  std::vector<Partition> partitions;
  for (const char* key : {"k", "l"}) {
    partitions.push_back(PartitionOf(key, {LiveRow("a"), LiveRow("b"), LiveRow("c")}));
  }
  std::sort(partitions.begin(), partitions.end(),
            [](const Partition& a, const Partition& b) { return a.key < b.key; });
  const ReadResult result = CollectFrom(partitions, {.per_partition_limit = 2});
  EXPECT_THAT(RowsOf(result), ElementsAre("a", "b", "a", "b"));
  EXPECT_FALSE(result.more);
}

TEST(Collect, StopsAtTheByteLimitAfterOneRow) {
  const std::vector<Partition> partitions = {PartitionOf("k", {LiveRow("a"), LiveRow("b")})};
  const ReadResult result = CollectFrom(partitions, {.bytes_limit = 1});
  EXPECT_THAT(RowsOf(result), ElementsAre("a"));
  EXPECT_TRUE(result.more);
}

TEST(Collect, ExpiresValues) {
  Row row = LiveRow("a");
  row.liveness.ttl_seconds = 10;
  row.liveness.expires_at = 100;
  row.cells = {
      {.column = 1, .timestamp = 1, .ttl_seconds = 10, .local_seconds = 100, .value = "v"}};
  const std::vector<Partition> partitions = {PartitionOf("k", {row})};
  const ReadResult before = CollectFrom(partitions, {.row_limit = 1, .now_seconds = 99});
  EXPECT_TRUE(before.more);
  EXPECT_FALSE(before.partitions[0].rows[0].cells[0].tombstone);
  const ReadResult after = CollectFrom(partitions, {.row_limit = 1, .now_seconds = 100});
  EXPECT_FALSE(after.more);
  EXPECT_TRUE(after.partitions[0].rows[0].cells[0].tombstone);
}

TEST(Collect, AStaticRowAloneIsOneRow) {
  Partition partition = PartitionOf("k", {DeletedRow("a")});
  partition.static_row = Row{.cells = {{.column = 1, .timestamp = 1, .value = "s"}}};
  const ReadResult result = CollectFrom({partition}, {.row_limit = 1});
  EXPECT_TRUE(result.more);
  EXPECT_TRUE(result.partitions[0].static_row.has_value());
}

TEST(Collect, ResumedBehindAllRowsShowsTheStaticRow) {
  Partition partition = PartitionOf("k", {LiveRow("a")});
  partition.static_row = Row{.cells = {{.column = 1, .timestamp = 1, .value = "s"}}};
  const ReadResult result =
      CollectFrom({partition}, {.after = Position{partition.key, "a"}, .row_limit = 1});
  ASSERT_THAT(result.partitions, testing::SizeIs(1));
  EXPECT_EQ(result.partitions[0].static_row, partition.static_row);
  // It goes on behind the partition.
  EXPECT_EQ(LastPosition(result), (Position{partition.key, std::nullopt}));
}

TEST(Collect, RangeTombstonesEndWhereThePageDoes) {
  Partition partition = PartitionOf("k", {LiveRow("b", 9), LiveRow("d", 9)});
  partition.range_tombstones = {{{"a", "z"}, {5, 5}}};
  ReadResult page = CollectFrom({partition}, {.row_limit = 1});
  EXPECT_THAT(page.partitions.at(0).range_tombstones,
              ElementsAre(RangeTombstone{{"a", Behind("b")}, {5, 5}}));
  EXPECT_EQ(LastPosition(page), (Position{partition.key, "b"}));
  page = CollectFrom({partition}, {.after = LastPosition(page), .row_limit = 9});
  EXPECT_THAT(page.partitions.at(0).range_tombstones,
              ElementsAre(RangeTombstone{{Behind("b"), "z"}, {5, 5}}));
  page = CollectFrom({partition}, {.reversed = true, .row_limit = 1});
  EXPECT_THAT(page.partitions.at(0).range_tombstones,
              ElementsAre(RangeTombstone{{"d", "z"}, {5, 5}}));
}

TEST(Collect, BytesLimitEndsAPageBetweenRangeTombstones) {
  Partition partition = PartitionOf("k", {LiveRow("c", 9)});
  for (int i = 0; i < 26; ++i) {
    const std::string lower(1, static_cast<char>('a' + i));
    partition.range_tombstones.push_back({{lower, lower + "m"}, {5, i}});
  }
  for (const bool reversed : {false, true}) {
    ReadCommand command{.reversed = reversed, .bytes_limit = 1};
    std::vector<RangeTombstone> seen;
    std::vector<std::string> rows;
    int pages = 0;
    for (bool more = true; more;) {
      ASSERT_LT(++pages, 60);
      const ReadResult page = CollectFrom({partition}, command);
      for (const std::string& row : RowsOf(page)) rows.push_back(row);
      for (const Partition& part : page.partitions) {
        ASSERT_LE(part.range_tombstones.size(), 2u);
        seen = MergeRanges(seen, part.range_tombstones);
      }
      more = page.more;
      command.after = LastPosition(page);
    }
    EXPECT_EQ(seen, partition.range_tombstones);
    EXPECT_THAT(rows, ElementsAre("c"));
    EXPECT_GE(pages, 25);
  }
}

TEST(Collect, GivesTheErrorOfItsSource) {
  base::RandomStream random(1);
  const std::vector<Partition> partitions = RandomPartitions(random);
  for (int good_answers = 0; good_answers < 8; ++good_answers) {
    auto source =
        FailingSource(VectorSource(partitions, {}), good_answers, absl::DataLossError("bad block"));
    const auto result = base::sim::RunTask(Collect(std::move(source), {}));
    EXPECT_EQ(result.status(), absl::DataLossError("bad block"));
  }
}

void Append(const ReadResult& page, ReadResult* all) {
  for (const Partition& partition : page.partitions) {
    if (all->partitions.empty() || all->partitions.back().key != partition.key) {
      all->partitions.push_back(partition);
      continue;
    }
    Partition& into = all->partitions.back();
    EXPECT_EQ(into.deletion, partition.deletion);
    if (!into.static_row.has_value()) into.static_row = partition.static_row;
    into.range_tombstones = MergeRanges(into.range_tombstones, partition.range_tombstones);
    into.rows.insert(into.rows.end(), partition.rows.begin(), partition.rows.end());
  }
}

// As row_limit counts: the static row goes with a live row, or alone.
uint32_t LiveRows(const ReadResult& result, int64_t now_seconds) {
  uint32_t live = 0;
  for (const Partition& partition : result.partitions) {
    uint32_t rows = 0;
    for (const Row& row : partition.rows) rows += row.LiveAt(now_seconds) ? 1 : 0;
    if (rows == 0 && partition.static_row.has_value()) {
      rows += partition.static_row->LiveAt(now_seconds) ? 1 : 0;
    }
    live += rows;
  }
  return live;
}

// As clients count: not a static row alone whose partition's rows an earlier page had.
uint32_t LiveRowsGiven(const ReadResult& page, const ReadCommand& command) {
  ReadResult given = page;
  const bool resumed = command.after.has_value() && !given.partitions.empty() &&
                       given.partitions[0].key == command.after->key;
  if (resumed) given.partitions[0].static_row.reset();
  return LiveRows(given, command.now_seconds);
}

// All of a random selection.
ReadCommand RandomCommand(base::RandomStream& random) {
  const Selection selection = RandomSelection(random);
  return {.key = selection.key,
          .range = selection.range,
          .slices = selection.slices,
          .reversed = selection.reversed,
          .row_limit = 1'000'000,
          .bytes_limit = 1 << 30,
          .now_seconds = static_cast<int64_t>(random.Below(12))};
}

TEST(Collect, PagingThroughGivesTheSameAsOneRead) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    const std::vector<Partition> partitions = RandomPartitions(random);
    ReadCommand command = RandomCommand(random);
    const ReadResult whole = CollectFrom(partitions, command);
    ASSERT_FALSE(whole.more);

    if (random.Chance(0.7)) command.row_limit = static_cast<uint32_t>(1 + random.Below(5));
    if (random.Chance(0.7)) command.bytes_limit = 1 + random.Below(1000);
    ReadResult paged;
    uint32_t live = 0;
    for (bool more = true; more;) {
      const ReadResult page = CollectFrom(partitions, command);
      Append(page, &paged);
      ASSERT_LE(LiveRows(page, command.now_seconds), command.row_limit);
      live += LiveRowsGiven(page, command);
      more = page.more;
      if (more) {
        ASSERT_THAT(page.partitions, testing::Not(IsEmpty()));
        command.after = LastPosition(page);
      }
    }
    ASSERT_EQ(paged, whole);
    ASSERT_EQ(live, LiveRows(whole, command.now_seconds));
  }
}

TEST(Collect, WhatDoesNotFitComesWithTheNextPage) {
  Row large = LiveRow("b");
  large.cells = {Cell::Value(1, 1, std::string(5000, 'v'))};
  const std::vector<Partition> partitions = {PartitionOf("k", {LiveRow("a"), large, LiveRow("c")})};
  ReadCommand command{.bytes_max = 2000};
  ReadResult page = CollectFrom(partitions, command);
  EXPECT_THAT(RowsOf(page), ElementsAre("a"));
  EXPECT_TRUE(page.more);
  command.after = LastPosition(page);
  page = CollectFrom(partitions, command);
  EXPECT_TRUE(page.more);
  EXPECT_THAT(page.partitions, IsEmpty());
  EXPECT_EQ(page.needed, partitions[0].key.key.size() + ApproximateBytes(large));
  command.bytes_max = page.needed - 1;
  EXPECT_EQ(CollectFrom(partitions, command), page);
  command.bytes_max = page.needed;
  EXPECT_THAT(RowsOf(CollectFrom(partitions, command)), ElementsAre("b"));
  command.bytes_max += ApproximateBytes(LiveRow("c"));
  EXPECT_THAT(RowsOf(CollectFrom(partitions, command)), ElementsAre("b", "c"));
  command.bytes_limit = 2000;
  EXPECT_THAT(RowsOf(CollectFrom(partitions, command)), ElementsAre("b")) << "bytes_limit holds";
}

TEST(Collect, APartitionWhoseFirstRowDoesNotFitIsLeftOut) {
  Partition first = PartitionOf("k", {LiveRow("a")});
  Partition second = PartitionOf("l", {LiveRow("b")});
  if (second.key < first.key) std::swap(first.key, second.key);
  second.static_row = Row{.cells = {{.column = 1, .timestamp = 1, .value = "s"}}};
  second.range_tombstones = {{{"a", "az"}, {5, 5}}};
  second.rows[0].cells = {Cell::Value(1, 9, std::string(5000, 'v'))};
  ReadCommand command{.bytes_max = 3000};
  const ReadResult page = CollectFrom({first, second}, command);
  EXPECT_EQ(page.partitions, std::vector<Partition>{first});
  EXPECT_TRUE(page.more);
  EXPECT_EQ(LastPosition(page), (Position{first.key, std::nullopt}));
  command.after = LastPosition(page);
  const ReadResult none = CollectFrom({first, second}, command);
  EXPECT_THAT(none.partitions, IsEmpty());
  command.bytes_max = none.needed;
  EXPECT_EQ(CollectFrom({first, second}, command).partitions, std::vector<Partition>{second});
}

// Not even while it is open whether a static row stands alone.
TEST(Collect, BytesMaxEndsAPageInAnyCase) {
  Partition partition = PartitionOf("k", {});
  partition.static_row = Row{.cells = {{.column = 1, .timestamp = 1, .value = "s"}}};
  for (int i = 100; i < 200; ++i) partition.rows.push_back(DeletedRow(std::to_string(i)));
  EXPECT_THAT(RowsOf(CollectFrom({partition}, {.bytes_limit = 1000})), SizeIs(100));
  const ReadResult page = CollectFrom({partition}, {.bytes_max = 3000});
  EXPECT_TRUE(page.more);
  EXPECT_LE(CountBytes(page, false), 3000u);
  EXPECT_EQ(LastPosition(page),
            (Position{partition.key, page.partitions.at(0).rows.back().clustering}));
}

TEST(Collect, PagingUnderBytesMaxGivesTheSameAsOneRead) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    const std::vector<Partition> partitions = RandomPartitions(random);
    ReadCommand command = RandomCommand(random);
    const ReadResult whole = CollectFrom(partitions, command);
    if (random.Chance(0.5)) command.row_limit = static_cast<uint32_t>(1 + random.Below(5));
    if (random.Chance(0.5)) command.bytes_limit = 1 + random.Below(1000);
    const uint64_t bytes_max = 1 + random.Below(1500);
    command.bytes_max = bytes_max;
    ReadResult paged;
    for (bool more = true; more;) {
      const ReadResult page = CollectFrom(partitions, command);
      more = page.more;
      if (page.partitions.empty() && more) {
        ASSERT_GT(page.needed, command.bytes_max);
        command.bytes_max = page.needed;
        continue;
      }
      ASSERT_EQ(page.needed, 0u);
      // Two range tombstones may come on top.
      ASSERT_LE(CountBytes(page, command.reversed),
                command.bytes_max + 2 * CountBytesOfRange(std::string(32, 'k')));
      Append(page, &paged);
      command.bytes_max = bytes_max;
      if (more) command.after = LastPosition(page);
    }
    ASSERT_EQ(paged, whole);
  }
}

}  // namespace
}  // namespace tholos::data
