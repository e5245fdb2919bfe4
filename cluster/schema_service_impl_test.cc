#include "cluster/schema_service_impl.h"

#include "base/errors.h"
#include "cluster/testing_cluster.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cluster {
namespace {

using base::sim::SeedFromEnvironment;
using testing::HasSubstr;

// `count` nodes that have agreed.
std::unique_ptr<TestingCluster> Booted(int count, uint64_t seed = SeedFromEnvironment()) {
  auto cluster = std::make_unique<TestingCluster>(seed);
  for (int n = 1; n <= count; ++n) cluster->Boot(n);
  EXPECT_LE(cluster->Agree(static_cast<size_t>(count)), absl::Minutes(1)) << "seed " << seed;
  return cluster;
}

bool HasTable(TestingCluster& cluster, int n, const std::string& name) {
  return cluster[n].holder.Get()->schema().FindTable("ks", name) != nullptr &&
         cluster[n].installed->FindTable("ks", name) != nullptr;
}

TEST(SchemaService, AChangeIsInForceEverywhereWhenItReturns) {
  auto cluster = Booted(3);
  const uint64_t epoch = (*cluster)[2].holder.Get()->epoch();
  EXPECT_TRUE(cluster->Change(1, CreateKeyspace("ks", 3)).ok());
  EXPECT_TRUE(cluster->Change(2, CreateTable("ks", "t", 1)).ok());
  for (int n = 1; n <= 3; ++n) EXPECT_TRUE(HasTable(*cluster, n, "t")) << n;
  EXPECT_GE((*cluster)[2].holder.Get()->epoch(), epoch + 2);
}

// Drivers ask any node what schema the others have, and wait while they differ.
TEST(SchemaService, EveryNodeSeesTheAgreementWhenAChangeReturns) {
  auto cluster = Booted(5);
  for (int change = 1; change <= 5; ++change) {
    ASSERT_TRUE(cluster->Change(change, CreateKeyspace(base::StrCat("ks", change))).ok());
    for (int n = 1; n <= 5; ++n) {
      const ring::ClusterState::Ptr state = (*cluster)[n].holder.Get();
      for (const auto& [id, node] : state->nodes()) {
        EXPECT_EQ(node.schema_digest, state->schema().digest())
            << "change " << change << ", " << node.internode.ToString() << " as seen by n" << n;
      }
    }
  }
}

TEST(SchemaService, ErrorsOfTheChangeAreReturnedAsTheyAre) {
  auto cluster = Booted(1);
  ASSERT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok());
  const auto error = base::GetRequestError(cluster->Change(1, CreateKeyspace("ks")));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kAlreadyExists);
}

TEST(SchemaService, SurvivesAPowerLoss) {
  auto cluster = Booted(3);
  ASSERT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok());
  ASSERT_TRUE(cluster->Change(1, CreateTable("ks", "t", 1)).ok());
  for (int n = 1; n <= 3; ++n) cluster->Kill(n, /*power_loss=*/true);
  for (int n = 1; n <= 3; ++n) cluster->Boot(n);
  ASSERT_LE(cluster->Agree(3), absl::Minutes(1));
  for (int n = 1; n <= 3; ++n) EXPECT_TRUE(HasTable(*cluster, n, "t")) << n;
}

TEST(SchemaService, ANodeThatWasDownCatchesUp) {
  auto cluster = Booted(3);
  cluster->Stop(3);
  ASSERT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok()) << "only live nodes are waited for";
  ASSERT_TRUE(cluster->Change(1, CreateTable("ks", "t", 1)).ok());
  cluster->Boot(3);
  EXPECT_LE(cluster->Agree(3), absl::Seconds(5));
  EXPECT_TRUE(HasTable(*cluster, 3, "t"));
}

TEST(SchemaService, AnUnreachableNodeMakesATimeoutThatSaysWhatHolds) {
  auto cluster = Booted(3);
  cluster->network.Cut("n1", "n3");
  const absl::Status status = cluster->Change(1, CreateKeyspace("ks"), absl::Seconds(2));
  const auto error = base::GetRequestError(status);
  ASSERT_TRUE(error.has_value()) << status;
  EXPECT_EQ(error->kind, base::RequestErrorKind::kTimeout);
  EXPECT_THAT(status.ToString(), HasSubstr("at 1 of 2 other live nodes"));
  // By way of n2.
  EXPECT_EQ(cluster->simulation.RunUntil(
                [&] { return (*cluster)[3].installed->FindKeyspace("ks") != nullptr; },
                absl::Seconds(20)),
            base::sim::Simulation::Outcome::kReached);
}

TEST(SchemaService, AFailedWriteOrInstallChangesNothingThatIsVisible) {
  auto cluster = Booted(1);
  cluster->Node(1).files().FailNext(
      {.op = base::sim::DiskOp::kWrite, .path_contains = "schema.bin", .error = ENOSPC});
  EXPECT_EQ(cluster->Change(1, CreateKeyspace("ks")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*cluster)[1].holder.Get()->schema().FindKeyspace("ks"), nullptr);
  (*cluster)[1].install_error = absl::ResourceExhaustedError("no space");
  EXPECT_FALSE(cluster->Change(1, CreateKeyspace("ks")).ok());
  EXPECT_EQ((*cluster)[1].holder.Get()->schema().FindKeyspace("ks"), nullptr);
  (*cluster)[1].install_error = absl::OkStatus();
  EXPECT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok());
  EXPECT_NE((*cluster)[1].installed->FindKeyspace("ks"), nullptr);
}

// A power loss at every disk operation of a change: afterwards the schema is the old or the new
// one, and the new one if the change had returned.
TEST(SchemaService, AChangeSurvivesAPowerLossAtEveryOperation) {
  int crashes = 0;
  for (uint64_t n = 1; n < 100; ++n) {
    auto cluster = Booted(1, n);
    base::sim::SimFileSystem& files = cluster->Node(1).files();
    files.CrashAtOperation(files.operations() + n);
    std::optional<absl::Status> returned;
    cluster->StartChange(1, CreateKeyspace("ks"), absl::Seconds(5), &returned);
    cluster->simulation.RunFor(absl::Seconds(2));
    if (cluster->Node(1).running()) break;
    ++crashes;
    files.CancelCrash();
    cluster->processes.erase(1);
    cluster->Boot(1);
    ASSERT_LE(cluster->Agree(1), absl::Minutes(1)) << n << ": " << (*cluster)[1].started;
    if (returned.has_value() && returned->ok()) {
      EXPECT_NE((*cluster)[1].installed->FindKeyspace("ks"), nullptr) << n;
    }
  }
  EXPECT_GT(crashes, 4);
}

// Conflicting creations of one table on all nodes at once, under loss and partitions that come and
// go: all nodes end with one schema, with one of the tables.
TEST(SchemaService, ConcurrentConflictsConverge) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    auto cluster = Booted(5, seed);
    ASSERT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok());
    base::RandomStream random(seed);
    cluster->network.defaults().loss = 0.2;
    std::vector<std::optional<absl::Status>> results(25);
    for (size_t i = 0; i < results.size(); ++i) {
      const int n = static_cast<int>(random.Between(1, 5));
      // Few names: creations conflict with each other and with drops.
      const std::string name(1, static_cast<char>('a' + random.Below(3)));
      SchemaService::Change change = CreateTable("ks", name, static_cast<uint8_t>(i + 1));
      if (random.Chance(0.3)) {
        change = [name](const data::Schema& schema, int64_t now) {
          return schema.WithoutTable("ks", name, now);
        };
      }
      cluster->StartChange(n, std::move(change), absl::Seconds(2), &results[i]);
      if (random.Chance(0.3)) cluster->network.Isolate(base::StrCat("n", random.Between(1, 5)));
      if (random.Chance(0.3)) cluster->network.HealAll();
      cluster->simulation.RunFor(absl::Milliseconds(random.Between(0, 500)));
    }
    cluster->network.HealAll();
    cluster->network.defaults().loss = 0;
    const absl::Duration took = cluster->Agree(5);
    EXPECT_LE(took, absl::Minutes(1)) << "seed " << seed;
    cluster->simulation.RunFor(absl::Seconds(5));
    for (const auto& result : results) EXPECT_TRUE(result.has_value()) << "seed " << seed;
    EXPECT_TRUE(cluster->Agreed(5)) << "seed " << seed;
  }
}

base::Task<void> Ensure(TestingCluster::Process* process, data::TableId table, base::Endpoint peer,
                        std::vector<absl::Status>* out) {
  co_await base::SwitchTo(process->node.executor().shard(1));
  absl::Status status = co_await process->service->EnsureTable(
      table, std::move(peer), base::Loop::Current().clock().Now() + absl::Seconds(5));
  co_await base::SwitchTo(process->node.executor().shard(0));
  out->push_back(std::move(status));
}

TEST(SchemaService, AnUnknownTableIsFetchedFromTheSender) {
  auto cluster = Booted(2);
  ASSERT_TRUE(cluster->Change(1, CreateKeyspace("ks")).ok());
  // n2 misses the push, and gossip is not waited for.
  cluster->network.Cut("n1", "n2");
  std::optional<absl::Status> unused;
  cluster->StartChange(1, CreateTable("ks", "t", 9), absl::Milliseconds(100), &unused);
  cluster->simulation.RunFor(absl::Milliseconds(200));
  ASSERT_FALSE(HasTable(*cluster, 2, "t"));
  cluster->network.HealAll();
  std::vector<absl::Status> results;
  const data::TableId table = TableNamed("ks", "t", 9).id;
  const uint64_t sent = cluster->network.counts().sent;
  for (int i = 0; i < 100; ++i) {
    cluster->Node(2).Spawn(Ensure(&(*cluster)[2], table, TestingCluster::Address(1), &results));
  }
  cluster->simulation.RunUntil([&] { return results.size() == 100; }, absl::Seconds(10));
  ASSERT_EQ(results.size(), 100u);
  for (const absl::Status& status : results) EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(HasTable(*cluster, 2, "t"));
  EXPECT_LT(cluster->network.counts().sent - sent, 20u) << "they share a pull";
  // A table that nobody knows.
  results.clear();
  cluster->Node(2).Spawn(
      Ensure(&(*cluster)[2], TableNamed("ks", "u", 10).id, TestingCluster::Address(1), &results));
  cluster->simulation.RunUntil([&] { return !results.empty(); }, absl::Seconds(10));
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tholos::cluster
