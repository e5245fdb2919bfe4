#include "coordinator/read/read.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using base::RequestErrorKind;
using enum ConsistencyLevel;
using Rows = std::vector<std::string>;

std::string Outcome(const absl::StatusOr<ReadPage>& page) {
  if (page.ok()) return "ok";
  const auto error = base::GetRequestError(page.status());
  if (!error.has_value()) return page.status().ToString();
  EXPECT_FALSE(error->write);
  switch (error->kind) {
    case RequestErrorKind::kUnavailable:
      return absl::StrCat("unavailable ", error->alive, "/", error->required);
    case RequestErrorKind::kTimeout:
      return absl::StrCat("timeout ", error->received, "/", error->required);
    case RequestErrorKind::kFailure:
      return absl::StrCat("failure ", error->received, "/", error->required);
    default:
      return std::string(base::RequestErrorKindName(error->kind));
  }
}

struct LevelRow {
  ConsistencyLevel level;
  const char* all_alive;
  const char* one_dead;     // node 2
  const char* two_dead;     // nodes 1 and 2
  const char* one_corrupt;  // node 0, the one that is asked for data
  const char* two_corrupt;  // nodes 0 and 1
  const char* one_silent;   // node 1, believed alive
  const char* two_silent;   // nodes 1 and 2
};

constexpr LevelRow kLevels[] = {
    {kAny, "invalid", "invalid", "invalid", "invalid", "invalid", "invalid", "invalid"},
    {kOne, "ok", "ok", "ok", "ok", "ok", "ok", "ok"},
    {kLocalOne, "ok", "ok", "ok", "ok", "ok", "ok", "ok"},
    {kTwo, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2", "ok", "timeout 1/2"},
    {kThree, "ok", "unavailable 2/3", "unavailable 1/3", "failure", "failure", "timeout 2/3",
     "timeout 1/3"},
    {kQuorum, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2", "ok", "timeout 1/2"},
    {kLocalQuorum, "ok", "ok", "unavailable 1/2", "ok", "failure 1/2", "ok", "timeout 1/2"},
    {kAll, "ok", "unavailable 2/3", "unavailable 1/3", "failure", "failure", "timeout 2/3",
     "timeout 1/3"},
};

TEST(ReadTest, EveryLevelWithEveryTrouble) {
  for (const LevelRow& row : kLevels) {
    SCOPED_TRACE(std::string(ConsistencyName(row.level)));
    TestCluster cluster;
    ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 10, "v"), kAll).ok());
    const auto read = [&] {
      const auto page = cluster.Read(0, ReadAll("p"), row.level);
      if (page.ok()) EXPECT_EQ(Show(page), Rows{"p/c=v"});
      return Outcome(page);
    };
    EXPECT_EQ(read(), row.all_alive);
    cluster.SetAlive({0, 1});
    EXPECT_EQ(read(), row.one_dead);
    cluster.SetAlive({0});
    EXPECT_EQ(read(), row.two_dead);
    cluster.SetAlive({0, 1, 2});
    cluster.faults(0).read_error = absl::DataLossError("block 3 of 7.sst is corrupt");
    EXPECT_EQ(read().substr(0, std::string(row.one_corrupt).size()), row.one_corrupt);
    cluster.faults(1).read_error = absl::DataLossError("block 4 of 8.sst is corrupt");
    EXPECT_EQ(read().substr(0, std::string(row.two_corrupt).size()), row.two_corrupt);
    cluster.faults(0) = cluster.faults(1) = {};
    cluster.network().Isolate(cluster.Name(1));
    EXPECT_EQ(read(), row.one_silent);
    cluster.network().Isolate(cluster.Name(2));
    EXPECT_EQ(read(), row.two_silent);
  }
}

// A row by its whole key: the replica that coordinates may answer alone, at once.
TEST(ReadTest, ARowByItsKey) {
  for (const ConsistencyLevel level : {kOne, kLocalOne, kQuorum, kAll}) {
    SCOPED_TRACE(std::string(ConsistencyName(level)));
    TestCluster cluster;
    data::ReadCommand command = ReadAll("p");
    command.slices = {{"c", data::Behind("c")}};
    EXPECT_EQ(Show(cluster.Read(0, command, level)), Rows{});
    ASSERT_TRUE(cluster.Write(0, PutRow("p", "b", 10, "other"), kAll).ok());
    ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 10, "v"), kAll).ok());
    EXPECT_EQ(Show(cluster.Read(0, command, level)), Rows{"p/c=v"});
    ASSERT_TRUE(cluster.Write(0, PutStatic("p", 11, "s"), kAll).ok());
    EXPECT_EQ(Show(cluster.Read(0, command, level)), (Rows{"p/*=s", "p/c=v"}));
    ASSERT_TRUE(cluster.Write(0, DeleteRow("p", "c", 12), kAll).ok());
    EXPECT_EQ(Show(cluster.Read(0, command, level)), Rows{"p/*=s"});
    // Its own copy cannot be read: another's can, where one is enough.
    cluster.faults(0).read_error = absl::DataLossError("corrupt");
    EXPECT_TRUE(
        Outcome(cluster.Read(0, command, level)).starts_with(level == kAll ? "failure" : "ok"));
  }
}

TEST(ReadTest, TheErrorNamesTheCorruption) {
  TestCluster cluster;
  cluster.faults(0).read_error = absl::DataLossError("block 3 of 7.sst is corrupt");
  const absl::Status status = cluster.Read(0, ReadAll("p"), kAll).status();
  EXPECT_NE(status.message().find("block 3 of 7.sst is corrupt"), absl::string_view::npos)
      << status;
}

TEST(ReadTest, AStaleReplicaIsRepairedBeforeTheAnswer) {
  TestCluster cluster;
  cluster.Apply(0, PutRow("p", "c", 1, "old"));
  cluster.Apply(1, PutRow("p", "c", 2, "new"));
  cluster.Apply(1, PutRow("p", "d", 2, "only here"));
  EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kQuorum)), (Rows{"p/c=new", "p/d=only here"}));
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_digest_mismatches_total"), 1);
  EXPECT_EQ(Show(cluster.ReadReplica(0, ReadAll("p")).partitions),
            (Rows{"p/c=new", "p/d=only here"}));
  // Any two replicas show it now.
  cluster.SetAlive({0, 2});
  EXPECT_EQ(Show(cluster.Read(2, ReadAll("p"), kQuorum)), (Rows{"p/c=new", "p/d=only here"}));
  cluster.SetAlive({0, 1, 2});
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_digest_mismatches_total"), 1);
  EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kAll)), (Rows{"p/c=new", "p/d=only here"}));
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_digest_mismatches_total"), 0 + 1)
      << "node 2 was repaired as well";
}

TEST(ReadTest, ADeleteIsNotUndoneByAStaleReplica) {
  TestCluster cluster;
  for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", "c", 1, "v"));
  cluster.Apply(2, DeleteRow("p", "c", 2));
  EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kAll)), Rows{});
  for (int node = 0; node < 3; ++node) EXPECT_FALSE(cluster.HasRow(node, "p", "c"));
}

// The repair of the stale replica cannot be carried out: another replica stands in, or the read
// says so.
TEST(ReadTest, WithoutTheRepairThereIsNoAnswer) {
  TestCluster cluster;
  cluster.Apply(1, PutRow("p", "c", 2, "new"));
  cluster.faults(0).apply_error = absl::InternalError("broken");
  EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kQuorum)), Rows{"p/c=new"});
  EXPECT_TRUE(cluster.HasRow(2, "p", "c")) << "the third replica was brought up to date instead";
  cluster.Apply(1, PutRow("p", "d", 3, "newer"));
  cluster.SetAlive({0, 1});
  EXPECT_EQ(Outcome(cluster.Read(0, ReadAll("p"), kQuorum)), "failure 1/2");
}

// One value written to a minority; once a quorum read has shown it, every later one does, whoever
// is asked.
TEST(ReadTest, QuorumReadsAreMonotonic) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    TestCluster cluster({.seed = seed});
    base::RandomStream random(seed);
    data::Timestamp shown = 0;
    for (int step = 0; step < 30; ++step) {
      if (random.Chance(0.4)) {
        cluster.Apply(static_cast<int>(random.Below(3)),
                      PutRow("p", "c", step + 1, absl::StrCat(step + 1)));
        continue;
      }
      std::vector<int> alive = {0, 1, 2};
      if (random.Chance(0.5))
        alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(random.Below(3)));
      cluster.SetAlive(alive);
      const auto page = cluster.Read(alive[random.Below(alive.size())], ReadAll("p"), kQuorum);
      ASSERT_TRUE(page.ok()) << page.status();
      if (page->partitions.empty()) {
        ASSERT_EQ(shown, 0);
        continue;
      }
      const data::Timestamp seen = page->partitions[0].rows.at(0).cells.at(0).timestamp;
      ASSERT_GE(seen, shown);
      shown = seen;
    }
  }
}

TEST(ReadTest, TheMutantDigestHidesADifference) {
  for (const bool mutant : {false, true}) {
    TestCluster cluster({.coordinator = {.faults = {.digest_ignores_column = mutant}}});
    for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", "c", 1, "old"));
    // The same row by the same liveness, one column newer.
    data::Mutation newer = PutRow("p", "c", 1, "new");
    newer.update.rows[0].cells[0].timestamp = 2;
    cluster.Apply(1, newer);
    EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kAll)), Rows{mutant ? "p/c=old" : "p/c=new"});
  }
}

TEST(ReadTest, APageOfTombstonesEndsAndSaysSo) {
  TestCluster cluster({.coordinator = {.page_tombstones_max = 20}});
  for (int i = 100; i < 200; ++i)
    ASSERT_TRUE(cluster.Write(0, DeleteRow("p", absl::StrCat("c", i), 1), kAll).ok());
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kAll).ok());
  data::ReadCommand command = ReadAll("p");
  command.bytes_limit = 100;
  Rows seen;
  int empty_pages = 0;
  uint64_t tombstones = 0;
  while (true) {
    const auto page = cluster.Read(0, command, kQuorum);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->tombstones, 50u);
    tombstones += page->tombstones;
    empty_pages += page->partitions.empty() ? 1 : 0;
    for (const std::string& row : Show(page->partitions)) seen.push_back(row);
    if (!page->next.has_value()) break;
    command.after = page->next;
  }
  EXPECT_EQ(seen, Rows{"p/d=v"});
  EXPECT_EQ(tombstones, 100u);
  EXPECT_GE(empty_pages, 2);
}

TEST(ReadTest, ASlowReplicaIsReplacedBeforeTheDeadline) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  cluster.faults(1).read_delay = absl::Seconds(30);
  const auto start = cluster.simulation().now();
  EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kQuorum, absl::Seconds(10))), Rows{"p/c=v"});
  const absl::Duration took = cluster.simulation().now() - start;
  EXPECT_GE(took, absl::Milliseconds(50));
  EXPECT_LT(took, absl::Milliseconds(200));
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_speculative_reads_total"), 1);
}

TEST(ReadTest, SpeculationHasABudgetAndHalfOfTheTimeDoesNot) {
  TestCluster cluster;
  for (int i = 0; i < 15; ++i)
    ASSERT_TRUE(cluster.Write(0, PutRow(absl::StrCat("p", i), "c", 1, "v"), kAll).ok());
  cluster.faults(1).read_delay = absl::Seconds(30);
  // Side by side: one after another they would learn that the replica is slow.
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(4);
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<ReadPage>>>> pages(15);
  for (size_t i = 0; i < pages.size(); ++i) {
    pages[i] = std::make_shared<std::optional<absl::StatusOr<ReadPage>>>();
    shard.Post([&cluster, &shard, page = pages[i], deadline, i] {
      auto read = cluster.coordinator(0).Read(ReadAll(absl::StrCat("p", i)), {kQuorum, deadline});
      base::SpawnDetached(shard, internal::AwaitInto(std::move(read), page));
    });
  }
  const auto count = [&] {
    return std::count_if(pages.begin(), pages.end(),
                         [](const auto& page) { return page->has_value(); });
  };
  cluster.RunFor(absl::Seconds(1));
  EXPECT_EQ(count(), 10);
  cluster.RunFor(absl::Milliseconds(900));
  EXPECT_EQ(count(), 10);
  cluster.RunFor(absl::Milliseconds(200));
  ASSERT_EQ(count(), 15);
  for (size_t i = 0; i < pages.size(); ++i)
    EXPECT_EQ(Show(**pages[i]), Rows{absl::StrCat("p", i, "/c=v")});
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_speculative_reads_total"), 10);
}

TEST(ReadTest, AReplicaThatWasSlowIsAskedLastForAWhile) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  const auto took = [&] {
    const auto start = cluster.simulation().now();
    EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kTwo)), Rows{"p/c=v"});
    return cluster.simulation().now() - start;
  };
  cluster.faults(1).read_delay = absl::Milliseconds(40);  // not slow enough to speculate
  EXPECT_GE(took(), absl::Milliseconds(40));
  EXPECT_LT(took(), absl::Milliseconds(10)) << "node 2 answers instead";
  cluster.RunFor(absl::Seconds(6));
  EXPECT_GE(took(), absl::Milliseconds(40)) << "it may have become faster";
}

// A connection that breaks after the read was sent says nothing of the replica.
TEST(ReadTest, BrokenConnectionsAreATimeoutAtOnce) {
  TestCluster cluster;
  cluster.faults(1).read_delay = cluster.faults(2).read_delay = absl::Seconds(5);
  cluster.simulation().After(absl::Milliseconds(100), "break", [&] {
    cluster.network().Reset("n0", "n1");
    cluster.network().Reset("n0", "n2");
  });
  const auto start = cluster.simulation().now();
  const auto error =
      base::GetRequestError(cluster.Read(0, ReadAll("p"), kAll, absl::Seconds(20)).status());
  EXPECT_LT(cluster.simulation().now() - start, absl::Milliseconds(200));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kTimeout);
  EXPECT_EQ(error->required, 3u);
  EXPECT_EQ(error->received, 1u);
  EXPECT_EQ(error->failures, 0u);
}

TEST(ReadTest, ShortDeadlines) {
  TestCluster cluster;
  cluster.network().Isolate("n1");
  cluster.network().Isolate("n2");
  const auto start = cluster.simulation().now();
  EXPECT_EQ(Outcome(cluster.Read(0, ReadAll("p"), kQuorum, absl::Milliseconds(20))), "timeout 1/2");
  EXPECT_NEAR(absl::ToDoubleMilliseconds(cluster.simulation().now() - start), 20, 2);
}

// Every row of the page is dead on one replica: the read goes on until it finds what is alive.
TEST(ReadTest, ShortReadsGoOn) {
  TestCluster cluster;
  for (int i = 0; i < 40; ++i) {
    const std::string clustering = absl::StrCat("c", 100 + i);
    for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", clustering, 1, "v"));
    if (i < 35) cluster.Apply(1, DeleteRow("p", clustering, 2));
  }
  data::ReadCommand command = ReadAll("p");
  command.row_limit = 3;
  EXPECT_EQ(Show(cluster.Read(0, command, kAll)), (Rows{"p/c135=v", "more"}));
}

// A replica that leaves a partition at its limit would not tell of the tombstone behind it.
TEST(ReadTest, ALimitPerPartitionHidesNoTombstone) {
  TestCluster cluster;
  for (const char* clustering : {"a", "b", "c"}) {
    for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", clustering, 1, "v"));
  }
  cluster.Apply(0, DeleteRow("p", "c", 2));
  cluster.Apply(1, DeleteRow("p", "a", 2));
  data::ReadCommand command = ReadAll("p");
  command.per_partition_limit = 2;
  EXPECT_EQ(Show(cluster.Read(0, command, kAll)), Rows{"p/b=v"});
  for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", "d", 1, "v"));
  for (int node = 0; node < 3; ++node) cluster.Apply(node, PutRow("p", "e", 1, "v"));
  EXPECT_EQ(Show(cluster.Read(0, command, kAll)), (Rows{"p/b=v", "p/d=v"}));
}

// Behind the page's last row the replica with the newer static row has no row; the other has.
TEST(ReadTest, AStaticRowIsNotStaleOnALaterPage) {
  TestCluster cluster;
  const auto on = [&](std::vector<int> nodes, const data::Mutation& mutation) {
    for (const int node : nodes) cluster.Apply(node, mutation);
  };
  on({0, 1, 2}, PutStatic("k", 1, "old"));
  on({0, 1, 2}, PutRow("k", "a", 1, "v"));
  on({0, 1}, PutStatic("k", 2, "new"));
  on({1, 2}, PutRow("k", "b", 2, "v"));
  data::ReadCommand command = ReadAll("k");
  command.row_limit = 1;
  const auto first = cluster.Read(0, command, kQuorum);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Show(first->partitions), (Rows{"k/*=new", "k/a=v"}));
  ASSERT_TRUE(first->next.has_value());
  cluster.SetAlive({0, 2});
  command.after = first->next;
  const auto second = cluster.Read(2, command, kQuorum);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Show(second->partitions), (Rows{"k/*=new", "k/b=v"}));
}

TEST(ReadTest, AStaticRowCountsOnceItsPartitionIsKnown) {
  for (const bool with_row : {true, false}) {
    TestCluster cluster;
    for (int node = 0; node < 3; ++node) {
      cluster.Apply(node, PutStatic("p", 1, "s"));
      for (int i = 0; i < 6; ++i) cluster.Apply(node, PutRow("p", absl::StrCat("c", i), 1, "v"));
    }
    for (int i = 0; i < (with_row ? 5 : 6); ++i)
      cluster.Apply(1, DeleteRow("p", absl::StrCat("c", i), 2));
    data::ReadCommand command = ReadAll("p");
    command.row_limit = 2;
    const Rows expected = with_row ? Rows{"p/*=s", "p/c5=v"} : Rows{"p/*=s"};
    for (const char* when : {"before", "after"}) {
      const auto page = cluster.Read(0, command, kAll);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(Show(page->partitions), expected) << when << " the repair";
    }
  }
}

TEST(ReadTest, InvalidCommands) {
  TestCluster cluster;
  data::ReadCommand command = ReadAll("p");
  command.table.bytes[3] ^= 1;
  EXPECT_EQ(Outcome(cluster.Read(0, command, kOne)), "invalid");
  command = ReadAll("p");
  command.row_limit = 0;
  EXPECT_EQ(Outcome(cluster.Read(0, command, kOne)), "invalid");
}

}  // namespace
}  // namespace tholos::coordinator
