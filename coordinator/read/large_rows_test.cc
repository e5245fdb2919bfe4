// Reads of rows of many MiB: right, and within the memory that read_memory.h states.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

constexpr uint64_t kRowBytes = 16 << 20;
constexpr int64_t kPageBytes = 1 << 20;
// A row with what is counted beside its value.
constexpr int64_t kRowBytesCounted = kRowBytes + 4096;
constexpr char kHeldMax[] = "tholos_coordinator_read_bytes_max";

// 2 R max(P, W), and where the replicas disagree what repairs them: at most the merged page for each
// of them, and once more for one that stands in.
int64_t Bound(int replicas, bool disagree) {
  return disagree ? (2 * replicas + replicas + 1) * kRowBytesCounted
                  : 2 * (kRowBytesCounted + kRowBytesCounted / 8);
}

TestClusterOptions Large() {
  return {.shards = 1,
          .even_slices = true,
          .commitlog_segment_bytes = 64 << 20,
          .mutation_bytes_max = 17 << 20};
}

std::string Value(int key) { return std::string(kRowBytes, static_cast<char>('a' + key % 26)); }

void CheckRow(const data::Partition& partition) {
  ASSERT_EQ(partition.rows.size(), 1u);
  ASSERT_EQ(partition.rows[0].cells.size(), 1u);
  const std::string& value = partition.rows[0].cells[0].value;
  ASSERT_EQ(value.size(), kRowBytes);
  EXPECT_EQ(value, Value(std::stoi(partition.key.key.substr(1))));
}

class LargeRowsTest : public testing::TestWithParam<bool> {
 protected:
  static constexpr int kKeys = 12;
  // All replicas have every row, or each row is missing on one of them.
  void Fill() {
    for (int key = 0; key < kKeys; ++key) {
      for (int node = 0; node < 3; ++node) {
        if (GetParam() && key % 3 == node) continue;
        cluster_.Apply(node, PutRow(absl::StrCat("p", key), "c", 1, Value(key)));
      }
    }
  }
  TestCluster cluster_{Large()};
};

TEST_P(LargeRowsTest, ARangeScanHasOneOfThemAtATime) {
  Fill();
  std::set<std::string> seen;
  data::ReadCommand command = ReadEverything();
  for (int pages = 0; pages < 3 * kKeys; ++pages) {
    const auto page = cluster_.Read(0, command, kAll, absl::Seconds(20));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->partitions.size(), 1u);
    for (const data::Partition& partition : page->partitions) {
      CheckRow(partition);
      EXPECT_TRUE(seen.insert(partition.key.key).second);
    }
    if (!page->next.has_value()) break;
    command.after = page->next;
  }
  EXPECT_EQ(seen.size(), size_t{kKeys});
  EXPECT_LE(cluster_.Metric(0, kHeldMax), Bound(3, GetParam()));
  EXPECT_GT(cluster_.Metric(0, kHeldMax), kRowBytes);
  cluster_.RunFor(absl::Seconds(30));
  EXPECT_EQ(cluster_.Metric(0, "tholos_coordinator_read_bytes"), 0);
  if (!GetParam()) return;
  for (int node = 0; node < 3; ++node) {
    for (int key = 0; key < kKeys; ++key)
      EXPECT_TRUE(cluster_.HasRow(node, absl::StrCat("p", key), "c")) << node << " " << key;
  }
}

// As an IN list does: side by side within a share each, then those that do not fit alone.
TEST_P(LargeRowsTest, PartitionsSideBySide) {
  Fill();
  const base::Deadline deadline = cluster_.sim_node(0).clock().Now() + absl::Seconds(20);
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<ReadPage>>>> pages(kKeys);
  base::Loop& shard = cluster_.sim_node(0).executor().shard(0);
  for (int key = 0; key < kKeys; ++key) {
    pages[key] = std::make_shared<std::optional<absl::StatusOr<ReadPage>>>();
    shard.Post([&, key, page = pages[key]] {
      data::ReadCommand command = ReadAll(absl::StrCat("p", key));
      command.bytes_limit = command.bytes_max = kPageBytes / kKeys;
      auto read = cluster_.coordinator(0).Read(
          command, {.consistency = kAll, .deadline = deadline, .ahead = true});
      base::SpawnDetached(shard, internal::AwaitInto(std::move(read), page));
    });
  }
  ASSERT_TRUE(cluster_.RunUntil(
      [&] {
        return std::all_of(pages.begin(), pages.end(),
                           [](const auto& page) { return page->has_value(); });
      },
      absl::Minutes(1)));
  for (const auto& page : pages) {
    ASSERT_TRUE((*page)->ok()) << (*page)->status();
    EXPECT_GT((**page)->needed, kRowBytes);
    EXPECT_TRUE((**page)->partitions.empty());
  }
  pages.clear();
  EXPECT_LE(cluster_.Metric(0, kHeldMax), 3 * 2 * kPageBytes)
      << "none of the rows was brought here";
  for (int key = 0; key < kKeys; ++key) {
    const auto page = cluster_.Read(0, ReadAll(absl::StrCat("p", key)), kAll, absl::Seconds(20));
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->partitions.size(), 1u);
    CheckRow(page->partitions[0]);
  }
  EXPECT_LE(cluster_.Metric(0, kHeldMax), Bound(3, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Replicas, LargeRowsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Disagree" : "Agree"; });

// Many at once: all that have room go on, the others wait for their turn; nobody is refused in vain.
TEST(LargeRowsOfManyTest, AShardHoldsNoMoreThanItHas) {
  TestCluster cluster(Large());
  for (int key = 0; key < 4; ++key) {
    for (int node = 0; node < 3; ++node)
      cluster.Apply(node, PutRow(absl::StrCat("p", key), "c", 1, Value(key)));
  }
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(20);
  constexpr int kReads = 24;
  int ended = 0;
  int right = 0;
  const auto read = [&](int key) -> base::Task<void> {
    const auto page =
        co_await cluster.coordinator(0).Read(ReadAll(absl::StrCat("p", key)), {kQuorum, deadline});
    ++ended;
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok() || page->partitions.size() != 1) co_return;
    right += page->partitions[0].rows.at(0).cells.at(0).value == Value(key) ? 1 : 0;
  };
  shard.Post([&] {
    for (int i = 0; i < kReads; ++i) base::SpawnDetached(shard, read(i % 4));
  });
  ASSERT_TRUE(cluster.RunUntil([&] { return ended == kReads; }, absl::Minutes(1)));
  EXPECT_EQ(right, kReads);
  EXPECT_LE(cluster.Metric(0, kHeldMax), 64 << 20);
  EXPECT_GT(cluster.Metric(0, "tholos_coordinator_read_waits_total"), 0);
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_read_bytes"), 0);
}

TEST(LargeRowsOfManyTest, WithoutRoomInTimeARequestIsRefused) {
  TestClusterOptions options = Large();
  TestCluster cluster(options);
  cluster.Apply(0, PutRow("p1", "c", 1, Value(1)));
  cluster.Apply(1, PutRow("p1", "c", 1, Value(1)));
  cluster.Apply(2, PutRow("p1", "c", 1, Value(1)));
  // The first holds the room while its replicas are slow.
  std::shared_ptr<const void> room;
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  std::vector<std::string> outcomes;
  const auto read = [&](absl::Duration patience) -> base::Task<void> {
    const base::Deadline deadline = cluster.sim_node(0).clock().Now() + patience;
    const auto page = co_await cluster.coordinator(0).Read(ReadAll("p1"), {kQuorum, deadline});
    const auto error = base::GetRequestError(page.status());
    outcomes.push_back(page.ok() ? "ok" : std::string(base::RequestErrorKindName(error->kind)));
  };
  ASSERT_TRUE(cluster.Read(0, ReadAll("p1"), kQuorum).ok());  // now their size is known
  for (int node = 0; node < 3; ++node) cluster.faults(node).read_delay = absl::Seconds(5);
  shard.Post([&] {
    base::SpawnDetached(shard, read(absl::Seconds(20)));
    base::SpawnDetached(shard, read(absl::Seconds(2)));
  });
  cluster.RunFor(absl::Seconds(3));
  EXPECT_EQ(outcomes, std::vector<std::string>{"overloaded"});
  ASSERT_TRUE(cluster.RunUntil([&] { return outcomes.size() == 2; }, absl::Minutes(1)));
  EXPECT_EQ(outcomes.back(), "ok");
}

// Each replica has another part of one row: the merged row is larger than a mutation may be. All of
// them get what they lack, in several; and the row can be read afterwards.
TEST(LargeRowsOfManyTest, ARowThatIsLargerThanAMutation) {
  TestCluster cluster(Large());
  const auto part = [](data::ColumnId column) {
    data::Mutation mutation = PutRow("p1", "c", 1, "");
    mutation.update.rows[0].cells = {
        data::Cell::Value(column, 5, std::string(kRowBytes, static_cast<char>('a' + column)))};
    return mutation;
  };
  for (int node = 0; node < 3; ++node)
    cluster.Apply(node, part(static_cast<data::ColumnId>(10 + node)));
  for (const char* when : {"before", "after"}) {
    const auto page = cluster.Read(0, ReadAll("p1"), kAll, absl::Seconds(20));
    ASSERT_TRUE(page.ok()) << when << " the repair: " << page.status();
    ASSERT_EQ(page->partitions.at(0).rows.at(0).cells.size(), 3u) << when;
  }
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_digest_mismatches_total"), 1);
  // Beyond what one message between nodes holds: an error that says so.
  for (int node = 0; node < 3; ++node) cluster.Apply(node, part(13));
  const absl::Status status = cluster.Read(0, ReadAll("p1"), kAll, absl::Seconds(20)).status();
  EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kInvalid);
  EXPECT_NE(status.message().find("can be read"), absl::string_view::npos) << status;
}

// A page of small rows beside a large one: the repair is more than a mutation's maximum.
TEST(LargeRowsOfManyTest, ARepairOfAFullPageAndALargeRow) {
  TestCluster cluster(Large());
  for (int i = 0; i < 900; ++i)
    cluster.Apply(1, PutRow("p1", absl::StrCat("a", 1000 + i), 1, std::string(900, 'v')));
  cluster.Apply(1, PutRow("p1", "b", 1, std::string((17 << 20) - 200, 'w')));
  data::ReadCommand command = ReadAll("p1");
  size_t rows = 0;
  do {
    const auto page = cluster.Read(0, command, kAll, absl::Seconds(20));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const data::Partition& partition : page->partitions) rows += partition.rows.size();
    command.after = page->next;
  } while (command.after.has_value());
  EXPECT_EQ(rows, 901u);
  for (int node = 0; node < 3; ++node) {
    EXPECT_TRUE(cluster.HasRow(node, "p1", "a1899"));
    EXPECT_TRUE(cluster.HasRow(node, "p1", "b"));
  }
}

// Pieces of a range that have more than their share, and less: everything once, in order.
TEST(RangeSharesTest, WhatIsReadAheadIsKept) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    base::RandomStream random(seed);
    const bool disagree = seed % 2 == 0;
    TestCluster cluster({.seed = seed,
                         .nodes = 6,
                         .replication_factor = static_cast<int>(1 + random.Below(3)),
                         .even_slices = true});
    std::map<data::DecoratedKey, std::vector<std::string>> expected;
    for (int key = 0; key < 60; ++key) {
      const std::string name = absl::StrCat("p", key);
      const auto token = data::DecoratedKey::Of(name);
      const auto replicas = *cluster.state()->ReplicasOf(TestCluster::kKeyspace, token.token);
      for (uint64_t row = random.Below(6); row > 0; --row) {
        const std::string clustering = absl::StrCat("c", 9 - row);
        const size_t bytes = random.Chance(0.1) ? 5000 : random.Below(300);
        bool anywhere = false;
        for (const ring::NodeId& replica : replicas) {
          if (disagree && anywhere && random.Chance(0.2)) continue;
          anywhere = true;
          cluster.Apply(replica.bytes[15] - 1,
                        PutRow(name, clustering, 1, std::string(bytes, 'v')));
        }
        expected[token].push_back(absl::StrCat(name, "/", clustering));
      }
    }
    std::vector<std::string> all;
    for (const auto& [key, rows] : expected) all.insert(all.end(), rows.begin(), rows.end());
    for (const uint64_t bytes_limit : {500, 3000, 20'000, 1 << 20}) {
      std::vector<std::string> seen;
      data::ReadCommand command = ReadEverything();
      command.bytes_limit = bytes_limit;
      for (int pages = 0; pages < 1000; ++pages) {
        const auto page = cluster.Read(static_cast<int>(random.Below(6)), command, kAll);
        ASSERT_TRUE(page.ok()) << page.status();
        // And the row that passes it; merged from answers that differ, up to two shares a piece.
        EXPECT_LE(page->answer_bytes, bytes_limit * (disagree ? 2 : 1) + 8000);
        for (const data::Partition& partition : page->partitions) {
          for (const data::Row& row : partition.rows)
            seen.push_back(absl::StrCat(partition.key.key, "/", row.clustering));
        }
        command.after = page->next;
        if (!page->next.has_value()) break;
      }
      EXPECT_EQ(seen, all) << "pages of " << bytes_limit;
    }
  }
}

}  // namespace
}  // namespace tholos::coordinator
