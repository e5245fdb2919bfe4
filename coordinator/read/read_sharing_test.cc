#include "coordinator/read/read_sharing.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;
using Outcome = std::shared_ptr<std::optional<absl::StatusOr<ReadPage>>>;

Outcome StartRead(TestCluster& cluster, const std::string& key,
                  absl::Duration timeout = absl::Seconds(5), RequestOptions options = {}) {
  auto page = std::make_shared<std::optional<absl::StatusOr<ReadPage>>>();
  base::Loop& shard = cluster.sim_node(0).executor().shard(0);
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + timeout;
  options.consistency = kQuorum;
  options.deadline = deadline;
  shard.Post([&cluster, &shard, page, options, key] {
    base::SpawnDetached(
        shard, internal::AwaitInto(cluster.coordinator(0).Read(ReadAll(key), options), page));
  });
  return page;
}

TEST(ReadSharingTest, ManyEqualReadsBecomeFew) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  for (int node = 0; node < 3; ++node) cluster.faults(node).read_delay = absl::Milliseconds(10);
  std::vector<Outcome> pages;
  for (int i = 0; i < 100; ++i) pages.push_back(StartRead(cluster, "p"));
  const Outcome other = StartRead(cluster, "q");
  cluster.RunFor(absl::Milliseconds(15));
  EXPECT_TRUE(other->has_value()) << "another key waits for nobody";
  cluster.RunFor(absl::Milliseconds(85));
  for (const Outcome& page : pages) {
    ASSERT_TRUE(page->has_value());
    EXPECT_EQ(Show(**page), std::vector<std::string>{"p/c=v"});
  }
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_shared_reads_total"), 95);
}

// A read that came after a write was acknowledged sees it, whatever was under way.
TEST(ReadSharingTest, NobodySharesWhatBeganBefore) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "old"), kAll).ok());
  for (int node = 0; node < 3; ++node) cluster.faults(node).read_delay = absl::Milliseconds(20);
  std::vector<Outcome> before;
  for (int i = 0; i < 20; ++i) before.push_back(StartRead(cluster, "p"));
  cluster.RunFor(absl::Milliseconds(10));
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 2, "new"), kQuorum).ok());
  std::vector<Outcome> after;
  for (int i = 0; i < 20; ++i) after.push_back(StartRead(cluster, "p"));
  cluster.RunFor(absl::Milliseconds(200));
  for (const Outcome& page : after) {
    ASSERT_TRUE(page->has_value());
    EXPECT_EQ(Show(**page), std::vector<std::string>{"p/c=new"});
  }
  for (const Outcome& page : before) EXPECT_TRUE(page->has_value() && (*page)->ok());
}

// The first of those that wait is the one that reads for them.
TEST(ReadSharingTest, NobodySharesTheTimeoutOfAnother) {
  // Its time is up before it may begin, and while it reads.
  for (const absl::Duration patience : {absl::Milliseconds(100), absl::Milliseconds(400)}) {
    TestCluster cluster;
    ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
    for (int node = 0; node < 3; ++node) cluster.faults(node).read_delay = absl::Milliseconds(300);
    for (int i = 0; i < ReadSharing::kAlone; ++i) StartRead(cluster, "p");
    cluster.RunFor(absl::Milliseconds(1));
    const Outcome impatient = StartRead(cluster, "p", patience);
    cluster.RunFor(absl::Milliseconds(1));
    std::vector<Outcome> patient;
    for (int i = 0; i < 20; ++i) patient.push_back(StartRead(cluster, "p"));
    cluster.RunFor(absl::Seconds(2));
    ASSERT_TRUE(impatient->has_value());
    EXPECT_FALSE((*impatient)->ok());
    for (const Outcome& page : patient) {
      ASSERT_TRUE(page->has_value());
      EXPECT_EQ(Show(**page), std::vector<std::string>{"p/c=v"});
    }
  }
}

TEST(ReadSharingTest, ReadsThatMendShareWithTheirEqualsAlone) {
  for (const RequestOptions& options :
       {RequestOptions{.repair = true}, RequestOptions{.background = true}}) {
    TestCluster cluster;
    for (int node = 0; node < 3; ++node) cluster.faults(node).read_delay = absl::Milliseconds(50);
    for (int i = 0; i < ReadSharing::kAlone + 1; ++i) StartRead(cluster, "p");
    cluster.RunFor(absl::Milliseconds(1));
    const Outcome other = StartRead(cluster, "p", absl::Seconds(5), options);
    cluster.RunFor(absl::Milliseconds(70));
    EXPECT_TRUE(other->has_value()) << "it waits for nobody";
    cluster.RunFor(absl::Seconds(1));
  }
}

TEST(ReadSharingTest, ErrorsAreSharedAndWaitingEnds) {
  TestCluster cluster;
  cluster.network().Isolate("n1");
  cluster.network().Isolate("n2");
  std::vector<Outcome> pages;
  for (int i = 0; i < 10; ++i) pages.push_back(StartRead(cluster, "p"));
  cluster.RunFor(absl::Seconds(6));
  for (const Outcome& page : pages) {
    ASSERT_TRUE(page->has_value());
    const auto error = base::GetRequestError((*page)->status());
    ASSERT_TRUE(error.has_value()) << (*page)->status();
    EXPECT_EQ(error->kind, base::RequestErrorKind::kTimeout);
  }
}

}  // namespace
}  // namespace tholos::coordinator
