// Damage of the tables that a node keeps for itself (system_schema.h).
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "coordinator/timestamp_ceiling.h"
#include "coordinator/truncations.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::coordinator {
namespace {

using base::Task;
using base::sim::TestWorld;

class OwnTablesTest : public testing::Test {
 protected:
  void OpenEngine() {
    const absl::Status opened = TryOpenEngine();
    EXPECT_TRUE(opened.ok()) << opened;
  }
  absl::Status TryOpenEngine() {
    return world_.Run([&]() -> Task<absl::Status> {
      const storage::EngineDeps deps{world_.clock(), world_.random(), world_.executor(),
                                     world_.files(), metrics_,        world_.log()};
      auto opened = co_await storage::Engine::Open({.directory = "/data",
                                                    .commitlog_segment_bytes = 1 << 20,
                                                    .mutation_bytes_max = 512 << 10},
                                                   deps, schema_);
      if (!opened.ok()) co_return opened.status();
      engine_ = &world_.node().Own(*std::move(opened));
      co_return absl::OkStatus();
    });
  }
  // What the engine has in memory goes to SSTables; those of the table are damaged in their
  // footers, and the engine is opened again.
  void Damage(const data::TableSchema& table) {
    const std::string directory = world_.Run([&]() -> Task<std::string> {
      EXPECT_TRUE((co_await engine_->Flush(std::nullopt)).ok());
      co_await engine_->Stop();
      const auto entries = co_await world_.files().List("/data/tables");
      for (const auto& entry : *entries) {
        if (entry.name.starts_with(table.keyspace + "." + table.name)) {
          co_return "/data/tables/" + entry.name;
        }
      }
      co_return "";
    });
    const auto files = world_.Run(world_.files().List(directory));
    for (const auto& file : *files) {
      const std::string path = base::StrCat(directory, "/", file.name);
      if (!path.ends_with(".sst")) continue;
      EXPECT_TRUE(world_.files().FlipBit(path, world_.files().Peek(path)->size() - 20, 1));
    }
    world_.KillAndBoot();
    OpenEngine();
  }

  TestWorld world_;
  base::Metrics metrics_;
  data::Schema::Ptr schema_ =
      std::make_shared<const data::Schema>(WithSystemTables(data::Schema()));
  storage::Engine* engine_ = nullptr;
};

struct Life {
  data::Timestamp first = 0;    // that was given
  data::Timestamp covered = 0;  // the largest that could have been
};

// Loads the ceiling, gives a timestamp, and stays until it is below the ceiling.
Task<absl::StatusOr<Life>> LiveOnce(TestWorld* world, storage::Engine* engine) {
  TimestampSource timestamps(world->clock());
  TimestampCeiling ceiling({world->clock(), world->executor(), world->log(), *engine, timestamps});
  const absl::Status loaded = co_await ceiling.Load();
  if (!loaded.ok()) co_return loaded;
  Life life{.first = timestamps.Next()};
  ceiling.Start();
  co_await base::SleepFor(2 * TimestampCeiling::kInterval);
  life.covered = life.first - 1;
  for (data::Timestamp step = 1 << 24; step > 0; step /= 2) {
    while (ceiling.Covers(life.covered + step)) life.covered += step;
  }
  co_await ceiling.Stop();
  co_return life;
}

TEST_F(OwnTablesTest, ADamagedClockIsMadeAnew) {
  OpenEngine();
  const auto first = world_.Run(LiveOnce(&world_, engine_));
  ASSERT_TRUE(first.ok()) << first.status();
  Damage(ClockTable());
  const auto second = world_.Run(LiveOnce(&world_, engine_));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(second->first, first->first);
  EXPECT_GE(second->covered, second->first);
  bool told = false;
  for (const std::string& line : world_.log().lines())
    told |= line.find("ceiling is lost") != line.npos;
  EXPECT_TRUE(told);
  // From then on it is whole.
  world_.Run(engine_->Stop());
  world_.KillAndBoot();
  OpenEngine();
  const auto third = world_.Run(LiveOnce(&world_, engine_));
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_GT(third->first, second->covered);
}

// The disk does not give a block, or the whole file: what is there may be whole.
TEST_F(OwnTablesTest, AClockThatCannotBeReadIsLeftAlone) {
  OpenEngine();
  const auto first = world_.Run(LiveOnce(&world_, engine_));
  ASSERT_TRUE(first.ok()) << first.status();
  world_.Run([&]() -> Task<void> {
    EXPECT_TRUE((co_await engine_->Flush(std::nullopt)).ok());
    co_await engine_->Stop();
  });
  // The clock goes back over the restart: only what is on disk keeps the timestamps from it.
  world_.node().clock().StepWall(-absl::Hours(1));
  const std::string table = base::StrCat("/data/tables/", kLocalKeyspace, ".", ClockTable().name);
  int refused = 0;
  for (int skip = 0;; ++skip) {
    world_.KillAndBoot();
    world_.files().FailNext({.op = base::sim::DiskOp::kRead, .path_contains = table, .skip = skip});
    const absl::Status opened = TryOpenEngine();
    const auto life =
        opened.ok() ? world_.Run(LiveOnce(&world_, engine_)) : absl::StatusOr<Life>(opened);
    if (life.ok()) {
      EXPECT_GT(life->first, first->covered);
      break;
    }
    ++refused;
    EXPECT_EQ(life.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(life.status().message()), testing::HasSubstr(table));
  }
  EXPECT_GT(refused, 2) << "the manifest, what opens the file, and what reads the row";
}

// What waits is held from the first step, and decided by the second or by the time.
TEST_F(OwnTablesTest, ATruncationIsDecidedByItsSecondStep) {
  using Fate = Truncations::Fate;
  OpenEngine();
  Truncations truncations(*engine_);
  const data::TableId table = ClockTable().id;
  const base::MonotonicTime now{1'000'000'000};
  const base::MonotonicTime end = now + absl::Seconds(5);
  const auto complete = [&](base::MonotonicTime at) {
    return world_.Run(truncations.Complete(table, at, base::Deadline::Infinite()));
  };
  EXPECT_EQ(truncations.FateOf(table, 100, now), Fate::kDeliver);
  EXPECT_TRUE(absl::IsFailedPrecondition(complete(now)));
  truncations.Begin(table, 100, end);
  EXPECT_EQ(truncations.FateOf(table, 100, now), Fate::kWait);
  EXPECT_EQ(truncations.FateOf(table, 101, now), Fate::kDeliver);
  EXPECT_EQ(truncations.FateOf(table, 100, end), Fate::kDeliver);
  EXPECT_TRUE(absl::IsFailedPrecondition(complete(end)));
  truncations.Begin(table, 200, end + absl::Seconds(5));
  EXPECT_EQ(truncations.FateOf(table, 200, end), Fate::kWait);
  EXPECT_TRUE(complete(end).ok());
  EXPECT_EQ(truncations.FateOf(table, 200, end), Fate::kDrop);
  EXPECT_EQ(truncations.FateOf(table, 201, end), Fate::kDeliver);
  EXPECT_TRUE(absl::IsFailedPrecondition(complete(end)));
  Truncations again(*engine_);
  ASSERT_TRUE(world_.Run(again.Load()).ok());
  EXPECT_EQ(again.FateOf(table, 200, now), Fate::kDrop);
  EXPECT_EQ(again.FateOf(table, 201, now), Fate::kDeliver);
}

TEST_F(OwnTablesTest, DamagedTruncationsAreNamed) {
  OpenEngine();
  Truncations truncations(*engine_);
  const data::TableId table = ClockTable().id;
  truncations.Begin(table, 5, base::Deadline::Infinite());
  ASSERT_TRUE(world_.Run(truncations.Complete(table, {}, base::Deadline::Infinite())).ok());
  Damage(TruncationsTable());
  Truncations again(*engine_);
  const absl::Status loaded = world_.Run(again.Load());
  EXPECT_EQ(loaded.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(loaded.message()), testing::HasSubstr("system_local.truncations"));
  EXPECT_THAT(std::string(loaded.message()), testing::HasSubstr(".sst"));
}

}  // namespace
}  // namespace tholos::coordinator
