#include "data/read.h"

#include <algorithm>
#include <functional>

#include "base/coding.h"
#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

ReadResult RandomResult(base::RandomStream& random) {
  ReadResult result;
  const bool reversed = random.Chance(0.3);
  PartitionShape shape{
      .rows_max = random.Below(5), .cells_max = 3, .realistic_times = random.Chance(0.5)};
  for (uint64_t n = random.Below(4); n > 0; --n) {
    Partition partition = RandomPartition(random, std::to_string(n), shape);
    if (reversed) std::reverse(partition.rows.begin(), partition.rows.end());
    result.partitions.push_back(std::move(partition));
  }
  std::sort(result.partitions.begin(), result.partitions.end(),
            [](const Partition& a, const Partition& b) { return a.key < b.key; });
  result.more = random.Chance(0.5);
  if (!result.partitions.empty() && random.Chance(0.3)) {
    result.end = Position{result.partitions.back().key, std::nullopt};
    if (random.Chance(0.5)) result.end->clustering = std::string(random.Below(3), 'c');
  }
  if (result.partitions.empty() && result.more)
    result.needed = random.Below(3) * random.Below(1000);
  return result;
}

ReadCommand RandomCommand(base::RandomStream& random) {
  ReadCommand command;
  command.table = base::Uuid::Random(random);
  if (random.Chance(0.5)) {
    command.key = DecoratedKey::Of(std::to_string(random.Next()));
  } else if (random.Chance(0.7)) {
    const Token a = random.Between(-1000, 1000);
    command.range = {a, random.Chance(0.3) ? kMinToken : a + random.Between(1, 10)};
  }
  const uint64_t slices = random.Below(4);
  for (uint64_t i = 0; i < slices; ++i) {
    command.slices.push_back(
        {"@" + std::to_string(100 + 2 * i), "@" + std::to_string(101 + 2 * i)});
  }
  if (slices > 0 && random.Chance(0.3)) command.slices.front().lower.clear();
  if (slices > 0 && random.Chance(0.3)) command.slices.back().upper.clear();
  command.reversed = random.Chance(0.5);
  if (random.Chance(0.5)) {
    command.after = Position{DecoratedKey::Of(std::to_string(random.Next())), std::nullopt};
    if (random.Chance(0.5)) command.after->clustering = std::string(random.Below(10), 'c');
  }
  command.row_limit = static_cast<uint32_t>(random.Next());
  command.per_partition_limit = static_cast<uint32_t>(random.Next());
  command.bytes_limit = random.Next();
  if (random.Chance(0.5)) command.bytes_max = random.Next();
  command.now_seconds = static_cast<int64_t>(random.Next());
  return command;
}

TEST(Slice, Contains) {
  const Slice all;
  EXPECT_TRUE(all.Contains(""));
  EXPECT_TRUE(all.Contains("\xFF"));
  const Slice some{"b", "d"};
  EXPECT_FALSE(some.Contains("a\xFF"));
  EXPECT_TRUE(some.Contains("b"));
  EXPECT_TRUE(some.Contains("c\xFF"));
  EXPECT_FALSE(some.Contains("d"));
}

TEST(TokenRange, Contains) {
  constexpr Token kMax = std::numeric_limits<Token>::max();
  EXPECT_TRUE(TokenRange{}.Contains(kMinToken + 1));
  EXPECT_TRUE(TokenRange{}.Contains(kMax));
  const TokenRange some{-5, 5};
  EXPECT_FALSE(some.Contains(-5));
  EXPECT_TRUE(some.Contains(-4));
  EXPECT_TRUE(some.Contains(5));
  EXPECT_FALSE(some.Contains(6));
  EXPECT_TRUE((TokenRange{5, kMinToken}.Contains(kMax)));
}

TEST(ReadCommand, RoutingTokenIsOneThatIsRead) {
  ReadCommand command;
  EXPECT_TRUE(command.range.Contains(command.RoutingToken()));
  command.range = {41, 42};
  EXPECT_EQ(command.RoutingToken(), 42);
  command.key = DecoratedKey::Of("123");
  EXPECT_EQ(command.RoutingToken(), -7468325962851647638);
}

TEST(CountLiveRows, CountsRowsAndLoneStaticRows) {
  const auto partition = [](std::optional<Row> static_row, std::vector<Row> rows) {
    return Partition{
        .key = DecoratedKey::Of("k"), .static_row = std::move(static_row), .rows = std::move(rows)};
  };
  const Row live{.clustering = "a", .liveness = Liveness::At(1)};
  const Row by_cell{.clustering = "b", .cells = {Cell::Value(0, 1, "x")}};
  const Row dead{.clustering = "c", .deletion = {1, 1}, .cells = {Cell::Tombstone(0, 2, 1)}};
  const Row expiring{.clustering = "d", .liveness = Liveness::Expiring(1, 10, 100)};
  const Row static_row{.cells = {Cell::Value(9, 1, "s")}};
  ReadResult result;
  result.partitions = {partition(std::nullopt, {live, by_cell, dead, expiring}),
                       partition(static_row, {live}), partition(static_row, {dead}),
                       partition(std::nullopt, {dead}), partition(static_row, {})};
  EXPECT_EQ(CountLiveRows(result, 109), 6u);
  EXPECT_EQ(CountLiveRows(result, 110), 5u);
  EXPECT_EQ(CountLiveRows({}, 110), 0u);
}

TEST(LastPosition, IsTheLastRowOrPartition) {
  EXPECT_EQ(LastPosition({}), std::nullopt);
  const DecoratedKey key = DecoratedKey::Of("k");
  ReadResult result;
  result.partitions = {
      Partition{.key = key, .rows = {Row{.clustering = "a"}, Row{.clustering = "b"}}}};
  EXPECT_EQ(LastPosition(result), (Position{key, "b"}));
  result.partitions[0].rows.clear();
  EXPECT_EQ(LastPosition(result), (Position{key, std::nullopt}));
  result.end = Position{key, "x"};
  EXPECT_EQ(LastPosition(result), (Position{key, "x"}));
}

TEST(ReadCodec, CommandsRoundTrip) {
  base::RandomStream random(3);
  for (int i = 0; i < 3000; ++i) {
    const ReadCommand command = RandomCommand(random);
    const std::string bytes = EncodeReadCommand(command);
    const auto back = DecodeReadCommand(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(*back, command);
    ASSERT_FALSE(DecodeReadCommand(bytes + "x").ok());
    ASSERT_EQ(DecodeReadCommand(std::string_view(bytes).substr(0, random.Below(bytes.size())))
                  .status()
                  .message(),
              "malformed read command");
  }
}

TEST(ReadCodec, CommandsThatContradictThemselvesAreMalformed) {
  const auto refused = [](const std::function<void(ReadCommand*)>& change) {
    ReadCommand command;
    change(&command);
    return !DecodeReadCommand(EncodeReadCommand(command)).ok();
  };
  EXPECT_FALSE(refused([](ReadCommand*) {}));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->range = {5, 5}; }));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->range = {6, 5}; }));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->slices = {{"b", "b"}}; }));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->slices = {{"b", "a"}}; }));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->slices = {{"a", "c"}, {"b", "d"}}; }));
  EXPECT_TRUE(refused([](ReadCommand* c) { c->slices = {{"a", ""}, {"b", "d"}}; }));
  EXPECT_FALSE(refused([](ReadCommand* c) { c->slices = {{"", "b"}, {"b", ""}}; }));
  EXPECT_TRUE(refused(
      [](ReadCommand* c) { c->key = DecoratedKey::Of(std::string(kKeyBytesMax + 1, 'k')); }));
  EXPECT_FALSE(
      refused([](ReadCommand* c) { c->slices = {{std::string(kKeyBytesMax, 'k') + "\xFF", ""}}; }));
  EXPECT_TRUE(
      refused([](ReadCommand* c) { c->slices = {{std::string(kBoundBytesMax + 1, 'k'), ""}}; }));
}

TEST(ReadCodec, ResultsRoundTrip) {
  base::RandomStream random(4);
  for (int i = 0; i < 3000; ++i) {
    const ReadResult result = RandomResult(random);
    const std::string bytes = EncodeReadResult(result);
    const auto back = DecodeReadResult(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(*back, result);
    ASSERT_FALSE(DecodeReadResult(bytes + "x").ok());
    ASSERT_EQ(DecodeReadResult(std::string_view(bytes).substr(0, random.Below(bytes.size())))
                  .status()
                  .message(),
              "malformed read result");
  }
}

TEST(ReadCodec, ResultsOutOfOrderAreMalformed) {
  ReadResult result;
  result.partitions = {Partition{.key = DecoratedKey::Of("a")},
                       Partition{.key = DecoratedKey::Of("b")}};
  std::sort(result.partitions.begin(), result.partitions.end(),
            [](const Partition& a, const Partition& b) { return b.key < a.key; });
  EXPECT_FALSE(DecodeReadResult(EncodeReadResult(result)).ok());
  result.partitions[0] = result.partitions[1];
  EXPECT_FALSE(DecodeReadResult(EncodeReadResult(result)).ok());
  result.partitions.resize(1);
  result.partitions[0].rows = {Row{.clustering = "c"}, Row{.clustering = "a"},
                               Row{.clustering = "b"}};
  EXPECT_FALSE(DecodeReadResult(EncodeReadResult(result)).ok());
}

TEST(ReadCodec, DamagedBytesNeverCrash) {
  const uint64_t seed = 5;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 10000; ++i) {
    std::string command = EncodeReadCommand(RandomCommand(random));
    command[random.Below(command.size())] = static_cast<char>(random.Next());
    if (const auto decoded = DecodeReadCommand(command); decoded.ok()) {
      ASSERT_EQ(DecodeReadCommand(EncodeReadCommand(*decoded)).value(), *decoded);
    }
    std::string result = EncodeReadResult(RandomResult(random));
    result[random.Below(result.size())] = static_cast<char>(random.Next());
    if (const auto decoded = DecodeReadResult(result); decoded.ok()) {
      ASSERT_EQ(DecodeReadResult(EncodeReadResult(*decoded)).value(), *decoded);
    }
  }
}

// --- digests ----------------------------------------------------------------------------------

ReadResult SampleResult() {
  Partition partition{.key = DecoratedKey::Of("k"), .deletion = {5, 50}};
  partition.static_row = Row{.cells = {Cell::Value(9, 10, "static")}};
  partition.rows = {
      Row{.clustering = "a",
          .liveness = Liveness::Expiring(10, 60, 100),
          .deletion = {7, 70},
          .complex_deletions = {{5, {8, 80}}},
          .cells = {Cell::Value(0, 10, "zero"), Cell::Expiring(1, 10, "one", 60, 100),
                    Cell::Tombstone(2, 11, 90), Cell::Expiring(3, 12, "three", 30, 100)}},
      Row{.clustering = "b",
          .liveness = Liveness::At(10),
          .cells = {Cell::Value(5, 10, "x").At("p"), Cell::Value(5, 10, "y").At("q")}}};
  partition.range_tombstones = {{{"A", "C"}, {6, 60}}};
  return {.partitions = {std::move(partition)}, .more = false};
}

TEST(Digest, EveryFieldCounts) {
  const struct {
    std::string field;
    std::function<void(ReadResult*)> flip;
  } flips[] = {
      {"more", [](ReadResult* r) { r->more = true; }},
      {"a partition", [](ReadResult* r) { r->partitions.clear(); }},
      {"partition key", [](ReadResult* r) { r->partitions[0].key = DecoratedKey::Of("l"); }},
      {"partition tombstone", [](ReadResult* r) { r->partitions[0].deletion = {}; }},
      {"its timestamp", [](ReadResult* r) { r->partitions[0].deletion.timestamp ^= 1; }},
      {"its local time", [](ReadResult* r) { r->partitions[0].deletion.local_seconds ^= 1; }},
      {"static row", [](ReadResult* r) { r->partitions[0].static_row.reset(); }},
      {"static value", [](ReadResult* r) { r->partitions[0].static_row->cells[0].value[0] ^= 1; }},
      {"static timestamp",
       [](ReadResult* r) { r->partitions[0].static_row->cells[0].timestamp ^= 1; }},
      {"a row", [](ReadResult* r) { r->partitions[0].rows.pop_back(); }},
      {"clustering", [](ReadResult* r) { r->partitions[0].rows[1].clustering = "c"; }},
      {"row order",
       [](ReadResult* r) { std::swap(r->partitions[0].rows[0], r->partitions[0].rows[1]); }},
      {"liveness", [](ReadResult* r) { r->partitions[0].rows[0].liveness = {}; }},
      {"liveness timestamp",
       [](ReadResult* r) { r->partitions[0].rows[0].liveness.timestamp ^= 1; }},
      {"liveness TTL", [](ReadResult* r) { r->partitions[0].rows[0].liveness.ttl_seconds ^= 1; }},
      {"liveness expiry", [](ReadResult* r) { r->partitions[0].rows[0].liveness.expires_at ^= 1; }},
      {"row tombstone", [](ReadResult* r) { r->partitions[0].rows[0].deletion = {}; }},
      {"its timestamp", [](ReadResult* r) { r->partitions[0].rows[0].deletion.timestamp ^= 1; }},
      {"its local time",
       [](ReadResult* r) { r->partitions[0].rows[0].deletion.local_seconds ^= 1; }},
      {"path", [](ReadResult* r) { r->partitions[0].rows[1].cells[0].path = "o"; }},
      {"element", [](ReadResult* r) { r->partitions[0].rows[1].cells.pop_back(); }},
      {"complex deletion",
       [](ReadResult* r) { r->partitions[0].rows[0].complex_deletions.clear(); }},
      {"its column",
       [](ReadResult* r) { r->partitions[0].rows[0].complex_deletions[0].column = 6; }},
      {"its timestamp",
       [](ReadResult* r) {
         r->partitions[0].rows[0].complex_deletions[0].deletion.timestamp ^= 1;
       }},
      {"range tombstone", [](ReadResult* r) { r->partitions[0].range_tombstones.clear(); }},
      {"its lower bound",
       [](ReadResult* r) { r->partitions[0].range_tombstones[0].range.lower = "B"; }},
      {"its upper bound",
       [](ReadResult* r) { r->partitions[0].range_tombstones[0].range.upper = ""; }},
      {"its timestamp",
       [](ReadResult* r) { r->partitions[0].range_tombstones[0].deletion.timestamp ^= 1; }},
      {"end", [](ReadResult* r) { r->end = Position{r->partitions[0].key, std::nullopt}; }},
      {"tombstone or value",
       [](ReadResult* r) { r->partitions[0].rows[0].cells[2] = Cell::Value(2, 11, ""); }},
      {"time of a cell's deletion",
       [](ReadResult* r) { r->partitions[0].rows[0].cells[2].local_seconds ^= 1; }},
  };
  const base::Hash128 digest = DigestOf(SampleResult());
  for (const auto& flip : flips) {
    ReadResult result = SampleResult();
    flip.flip(&result);
    EXPECT_NE(DigestOf(result), digest) << flip.field;
  }
  // Of every column each field.
  for (size_t i = 0; i < SampleResult().partitions[0].rows[0].cells.size(); ++i) {
    const auto flipped = [i](const std::function<void(Cell*)>& flip) {
      ReadResult result = SampleResult();
      flip(&result.partitions[0].rows[0].cells[i]);
      return DigestOf(result);
    };
    EXPECT_NE(flipped([](Cell* c) { c->timestamp ^= 64; }), digest) << i;
    if (i == 3) EXPECT_NE(flipped([](Cell* c) { c->column = 4; }), digest);
    if (i == 2) continue;  // the tombstone
    EXPECT_NE(flipped([](Cell* c) { c->value += '\0'; }), digest) << i;
    EXPECT_NE(flipped([](Cell* c) { c->value.back() ^= 1; }), digest) << i;
    if (i == 0) continue;  // does not expire
    EXPECT_NE(flipped([](Cell* c) { c->ttl_seconds ^= 1; }), digest) << i;
    EXPECT_NE(flipped([](Cell* c) { c->local_seconds ^= 1; }), digest) << i;
  }
}

TEST(Digest, EqualExactlyWhereResultsAre) {
  const uint64_t seed = 6;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 3000; ++i) {
    const ReadResult a = RandomResult(random);
    const ReadResult b = RandomResult(random);
    ASSERT_EQ(DigestOf(a) == DigestOf(b), a == b);
    ASSERT_EQ(DigestOf(DecodeReadResult(EncodeReadResult(a)).value()), DigestOf(a));
  }
}

// Two replicas that saw the same writes in other orders, and one that expired some before others
// came.
TEST(Digest, EqualHistoriesHaveEqualDigests) {
  const uint64_t seed = 7;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 1000; ++i) {
    std::vector<Partition> writes;
    for (int n = 0; n < 5; ++n) writes.push_back(RandomPartition(random, "k"));
    const int64_t now = RandomSeconds(random);
    const auto digest = [&](bool expire_early) {
      ReadResult result;
      Partition& partition =
          result.partitions.emplace_back(Partition{.key = DecoratedKey::Of("k")});
      for (const Partition& write : writes) {
        MergeInto(&partition, write);
        if (expire_early && random.Chance(0.3)) ExpirePartition(&partition, now);
      }
      ExpirePartition(&partition, now);
      return DigestOf(result);
    };
    const base::Hash128 expected = digest(false);
    for (size_t n = writes.size() - 1; n > 0; --n)
      std::swap(writes[n], writes[random.Below(n + 1)]);
    ASSERT_EQ(digest(false), expected);
    ASSERT_EQ(digest(true), expected);
  }
}

}  // namespace
}  // namespace tholos::data
