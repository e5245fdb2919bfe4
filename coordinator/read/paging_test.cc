// Pages over replicas that differ, of partitions and of the ring.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/errors.h"
#include "coordinator/read/resolve.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;
using Rows = std::vector<std::string>;

// Replicas with different parts of one history, pages of any size, forwards and backwards, by
// partition and over the ring: what comes out is the merge of all of it, once.
class PagingTest : public testing::TestWithParam<int> {
 protected:
  static Rows ReadAllPages(TestCluster& cluster, base::RandomStream& random,
                           data::ReadCommand command, ConsistencyLevel level = kAll) {
    Rows rows;
    for (int page_number = 0;; ++page_number) {
      EXPECT_LT(page_number, 300) << "no progress";
      if (page_number >= 300) return rows;
      command.row_limit = static_cast<uint32_t>(1 + random.Below(6));
      command.bytes_limit = random.Chance(0.3) ? 1 + random.Below(300) : 1 << 20;
      const auto page =
          cluster.Read(static_cast<int>(random.Below(3)), command, level, absl::Seconds(20));
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return rows;
      const auto& given = page->partitions;
      EXPECT_EQ(
          std::adjacent_find(given.begin(), given.end(),
                             [](const auto& one, const auto& next) { return one.key == next.key; }),
          given.end())
          << "a partition twice in a page: limits and groups would count its rows anew";
      for (const data::Partition& partition : given) {
        for (std::string& row : Show(std::vector<data::Partition>{partition})) {
          // A partition's static row comes with every page of it.
          if (row.find("/*") != std::string::npos &&
              std::find(rows.begin(), rows.end(), row) != rows.end())
            continue;
          rows.push_back(std::move(row));
        }
      }
      if (!page->next.has_value()) return rows;
      command.after = page->next;
    }
  }
};

TEST_P(PagingTest, EqualsTheMergeOfAllReplicas) {
  const uint64_t seed =
      base::sim::SeedFromEnvironment(0) * 1000 + static_cast<uint64_t>(GetParam());
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  base::RandomStream random(seed);
  TestClusterOptions options{.seed = seed,
                             .replication_factor = static_cast<int>(1 + random.Below(3)),
                             .even_slices = random.Chance(0.5)};
  TestCluster cluster(options);
  std::map<std::string, data::Partition> everything;
  const ring::ClusterState::Ptr state = cluster.state();
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat("p", random.Below(6));
    const std::string clustering = absl::StrCat("c", random.Below(12));
    const auto timestamp = static_cast<data::Timestamp>(1 + random.Below(30));
    data::Mutation mutation = random.Chance(0.3) ? DeleteRow(key, clustering, timestamp)
                              : random.Chance(0.1)
                                  ? PutStatic(key, timestamp, absl::StrCat("s", timestamp))
                                  : PutRow(key, clustering, timestamp, absl::StrCat("v", i));
    if (random.Chance(0.05)) {
      mutation.update.rows.clear();
      mutation.update.deletion = {timestamp, 5};
    }
    const auto replicas = *state->ReplicasOf(TestCluster::kKeyspace, mutation.update.key.token);
    bool anywhere = false;
    for (const ring::NodeId& replica : replicas) {
      if (!random.Chance(0.6)) continue;
      cluster.Apply(replica.bytes[15] - 1, mutation);
      anywhere = true;
    }
    if (!anywhere) continue;
    auto [at, fresh] =
        everything.try_emplace(key, data::Partition{.key = data::DecoratedKey::Of(key)});
    data::MergeInto(&at->second, mutation.update);
  }

  for (const bool reversed : {false, true}) {
    const auto expected_of = [&](data::Partition partition) {
      if (reversed) std::reverse(partition.rows.begin(), partition.rows.end());
      data::ReadCommand command = ReadEverything();
      command.now_seconds = cluster.now_seconds(0);
      return Show(LiveOnly(command, {std::move(partition)}, false));
    };
    std::map<data::DecoratedKey, Rows> by_token;
    for (const auto& [key, partition] : everything) {
      by_token[partition.key] = expected_of(partition);
      data::ReadCommand command = ReadAll(key);
      command.reversed = reversed;
      if (random.Chance(0.3))
        EXPECT_EQ(ReadAllPages(cluster, random, command), by_token[partition.key]) << key;
    }
    Rows all;
    for (const auto& [key, rows] : by_token) all.insert(all.end(), rows.begin(), rows.end());
    data::ReadCommand command = ReadEverything();
    command.reversed = reversed;
    EXPECT_EQ(ReadAllPages(cluster, random, command), all) << (reversed ? "reversed" : "forwards");
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PagingTest, testing::Range(1, 25));

// A write that two of three replicas have is seen at QUORUM, whatever the third one lacks: rows,
// ranges and partitions deleted, static rows, values that have expired; in slices, in either order,
// page by page, with a limit per partition.
class QuorumPagingTest : public PagingTest {
 protected:
  explicit QuorumPagingTest()
      : seed_(base::sim::SeedFromEnvironment(0) * 1000 + static_cast<uint64_t>(GetParam())),
        random_(seed_),
        cluster_({.seed = seed_,
                  .even_slices = true,
                  .table_options = {{"speculative_retry", random_.Chance(0.3) ? "ALWAYS" : "99p"},
                                    {"read_repair", random_.Chance(0.3) ? "NONE" : "BLOCKING"}}}) {}

  std::string AnyClustering() { return absl::StrCat("c", 10 + random_.Below(kRows)); }

  data::Slice AnySlice() {
    data::Slice slice{AnyClustering(), AnyClustering()};
    if (slice.lower > slice.upper) std::swap(slice.lower, slice.upper);
    slice.upper = data::Behind(slice.upper);
    return slice;
  }

  data::Mutation AnyMutation(const std::string& key, int number) {
    const auto timestamp = static_cast<data::Timestamp>(1 + random_.Below(40));
    const int64_t now = cluster_.now_seconds(0);
    const std::string value = absl::StrCat("v", number);
    data::Mutation mutation{.table = TestCluster::kTable,
                            .update = {.key = data::DecoratedKey::Of(key)}};
    switch (random_.Below(10)) {
      case 0:
        return DeleteRow(key, AnyClustering(), timestamp);
      case 1:
        return PutStatic(key, timestamp, value);
      case 2: {
        data::Row row;
        row.cells.push_back(data::Cell::Tombstone(1, timestamp, now));
        mutation.update.static_row = row;
        return mutation;
      }
      case 3:
        mutation.update.range_tombstones.push_back({AnySlice(), {timestamp, now}});
        return mutation;
      case 4: {
        data::Row row{.clustering = AnyClustering()};
        row.cells.push_back(data::Cell::Expiring(0, timestamp, value, 10, now - 20));
        mutation.update.rows.push_back(row);
        return mutation;
      }
      case 5:
        if (random_.Chance(0.3)) {
          mutation.update.deletion = {timestamp, now};
          return mutation;
        }
        [[fallthrough]];
      default:
        return PutRow(key, AnyClustering(), timestamp, value);
    }
  }

  Rows ExpectedOf(const data::Partition& partition, const data::ReadCommand& command) {
    data::Partition live = partition;
    std::erase_if(live.rows, [&](const data::Row& row) {
      return !row.LiveAt(cluster_.now_seconds(0)) ||
             (!command.slices.empty() && !command.slices[0].Contains(row.clustering));
    });
    if (command.reversed) std::reverse(live.rows.begin(), live.rows.end());
    if (live.rows.size() > command.per_partition_limit)
      live.rows.resize(command.per_partition_limit);
    data::ReadCommand now = command;
    now.now_seconds = cluster_.now_seconds(0);
    return Show(LiveOnly(now, {std::move(live)}, false));
  }

  static constexpr int kRows = 20;
  const uint64_t seed_;
  base::RandomStream random_;
  TestCluster cluster_;
};

TEST_P(QuorumPagingTest, ShowsWhatTwoReplicasHave) {
  SCOPED_TRACE(absl::StrCat("seed ", seed_));
  std::map<std::string, data::Partition> everything;
  for (int i = 0; i < 150; ++i) {
    const std::string key = absl::StrCat("p", random_.Below(4));
    const data::Mutation mutation = AnyMutation(key, i);
    const auto lacks = static_cast<int>(random_.Below(4));  // 3: nobody
    for (int node = 0; node < 3; ++node) {
      if (node != lacks) cluster_.Apply(node, mutation);
    }
    auto [at, fresh] =
        everything.try_emplace(key, data::Partition{.key = data::DecoratedKey::Of(key)});
    data::MergeInto(&at->second, mutation.update);
  }
  for (auto& [key, partition] : everything)
    data::ExpirePartition(&partition, cluster_.now_seconds(0));

  for (int round = 0; round < 6; ++round) {
    data::ReadCommand command = ReadEverything();
    command.reversed = random_.Chance(0.5);
    if (random_.Chance(0.5)) command.slices.push_back(AnySlice());
    const bool one_page = random_.Chance(0.4);
    if (one_page) command.per_partition_limit = 1 + static_cast<uint32_t>(random_.Below(4));
    std::map<data::DecoratedKey, Rows> by_token;
    for (const auto& [key, partition] : everything)
      by_token[partition.key] = ExpectedOf(partition, command);
    const auto read = [&](const data::ReadCommand& asked) {
      if (!one_page) return ReadAllPages(cluster_, random_, asked, kQuorum);
      return Show(cluster_.Read(static_cast<int>(random_.Below(3)), asked, kQuorum));
    };
    Rows all;
    for (const auto& [key, rows] : by_token) {
      all.insert(all.end(), rows.begin(), rows.end());
      if (!random_.Chance(0.5)) continue;
      data::ReadCommand one = command;
      one.key = key;
      EXPECT_EQ(read(one), rows) << key.key << " round " << round;
    }
    EXPECT_EQ(read(command), all) << " round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuorumPagingTest, testing::Range(1, 60));

// Whatever comes before the dead node's part is shown, then the error.
TEST(ReadRangeTest, UnavailableOnlyWhereItIs) {
  int some_before = 0;
  for (int dead = 0; dead < 3; ++dead) {
    SCOPED_TRACE(dead);
    TestCluster cluster({.replication_factor = 1, .even_slices = true});
    const int reader = (dead + 1) % 3;
    for (int i = 0; i < 40; ++i)
      ASSERT_TRUE(cluster.Write(0, PutRow(absl::StrCat("p", i), "c", 1, "v"), kOne).ok());
    data::Token lost_from = std::numeric_limits<data::Token>::max();
    const auto ranges = *cluster.state()->Ranges(TestCluster::kKeyspace);
    for (const ring::RangeReplicas& range : ranges) {
      if (range.replicas.front() == TestCluster::Id(dead))
        lost_from = std::min(lost_from, range.range.start);
    }
    Rows before;
    const auto everything = cluster.Read(reader, ReadEverything(), kOne);
    for (const data::Partition& partition : everything->partitions) {
      if (partition.key.token > lost_from) break;
      before.push_back(Show(std::vector<data::Partition>{partition}).front());
    }
    some_before += before.empty() ? 0 : 1;
    cluster.SetAlive({reader, (dead + 2) % 3});
    for (const uint32_t rows : {1000u, 3u, 1u}) {
      data::ReadCommand command = ReadEverything();
      command.row_limit = rows;
      Rows shown;
      while (true) {
        const auto page = cluster.Read(reader, command, kOne);
        if (!page.ok()) {
          EXPECT_EQ(base::GetRequestError(page.status())->kind,
                    base::RequestErrorKind::kUnavailable);
          break;
        }
        for (std::string& row : Show(page->partitions)) shown.push_back(std::move(row));
        ASSERT_TRUE(page->next.has_value()) << "the dead node's part is missing";
        command.after = page->next;
      }
      EXPECT_EQ(shown, before) << rows;
    }
  }
  EXPECT_GE(some_before, 1);
}

// All pages of everything.
struct Pages {
  Rows rows;
  int count = 0;
  uint64_t tombstones = 0;
  uint64_t most_tombstones = 0;
};
Pages ReadPages(TestCluster& cluster, absl::Duration timeout) {
  Pages pages;
  data::ReadCommand command = ReadEverything();
  do {
    const auto page = cluster.Read(0, command, kOne, timeout);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return pages;
    for (std::string& row : Show(page->partitions)) pages.rows.push_back(std::move(row));
    pages.tombstones += page->tombstones;
    pages.most_tombstones = std::max(pages.most_tombstones, page->tombstones);
    command.after = page->next;
  } while (command.after.has_value() && ++pages.count < 1000);
  return pages;
}

// The pieces of the ring have tombstones alone, but for one row in the middle.
TEST(ReadRangeTest, APageEndsBetweenPiecesWithoutARow) {
  TestCluster cluster({.nodes = 10,
                       .replication_factor = 1,
                       .even_slices = true,
                       .coordinator = {.page_tombstones_max = 20}});
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(cluster.Write(0, DeleteRow(absl::StrCat("p", i), "c", 1), kOne).ok());
  ASSERT_TRUE(cluster.Write(0, PutRow("live", "c", 1, "v"), kOne).ok());
  Pages pages = ReadPages(cluster, absl::Seconds(2));
  EXPECT_EQ(pages.rows, Rows{"live/c=v"});
  EXPECT_EQ(pages.tombstones, 200u) << "each is read once";
  EXPECT_GE(pages.count, 2);

  // Five rounds of 600 ms are more than one page has time for.
  for (int node = 0; node < 10; ++node) cluster.faults(node).read_delay = absl::Milliseconds(600);
  pages = ReadPages(cluster, absl::Seconds(2));
  EXPECT_EQ(pages.rows, Rows{"live/c=v"});
  EXPECT_EQ(pages.tombstones, 200u);
}

TEST(ReadRangeTest, TombstonesOfStaticRowsAndCollectionsCount) {
  data::Mutation mutation = PutRow("p", "c", 1, "v");
  data::Row row;
  row.cells.push_back(data::Cell::Tombstone(1, 1, 1'767'225'600));
  row.complex_deletions.push_back({5, {1, 1'767'225'600}});
  mutation.update.static_row = row;
  mutation.update.rows[0].complex_deletions.push_back({6, {1, 1'767'225'600}});
  data::ReadCommand command = ReadEverything();
  command.now_seconds = 1'767'225'601;
  EXPECT_EQ(CountTombstones(command, {mutation.update}), 3u);
}

TEST(ReadRangeTest, PagesKeepTheirLimit) {
  TestCluster cluster({.nodes = 5, .replication_factor = 1, .even_slices = true});
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(cluster.Write(0, PutRow(absl::StrCat("p", i), "c", 1, "v"), kOne).ok());
  }
  for (uint32_t limit = 1; limit < 45; limit += 3) {
    data::ReadCommand command = ReadEverything();
    command.row_limit = limit;
    size_t rows = 0;
    do {
      const auto page = cluster.Read(0, command, kOne);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->partitions.size(), limit);
      rows += page->partitions.size();
      command.after = page->next;
    } while (command.after.has_value());
    EXPECT_EQ(rows, 40u) << "limit " << limit;
  }
}

TEST(ReadRangeTest, OneTokenRange) {
  TestCluster cluster;
  std::map<data::Token, std::string> by_token;
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat("p", i);
    ASSERT_TRUE(cluster.Write(0, PutRow(key, "c", 1, "v"), kOne).ok());
    by_token[data::TokenOf(key)] = key + "/c=v";
  }
  cluster.RunFor(absl::Seconds(1));
  auto first = std::next(by_token.begin(), 4);
  auto last = std::next(by_token.begin(), 9);
  data::ReadCommand command = ReadEverything();
  command.range = {first->first, last->first};
  Rows expected;
  for (auto it = std::next(first); it != std::next(last); ++it) expected.push_back(it->second);
  EXPECT_EQ(Show(cluster.Read(0, command, kQuorum)), expected);
}

}  // namespace
}  // namespace tholos::coordinator
