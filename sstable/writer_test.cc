#include "sstable/writer.h"

#include <algorithm>
#include <utility>

#include "base/sim/test_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/testing/tables.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

using base::Task;
using base::sim::DiskOp;
using base::sim::TestWorld;
using data::Partition;

TEST(SSTableWriter, AfterACrashAnywhereThereIsNoTableOrAWholeOne) {
  int visible = 0;
  int absent = 0;
  for (const bool power_loss : {true, false}) {
    bool ended = false;
    for (uint64_t operation = 1; !ended; ++operation) {
      SCOPED_TRACE(testing::Message() << "operation " << operation << ", power " << power_loss);
      base::RandomStream random(1);  // every crash point of one table
      TestWorld world(operation);
      const std::vector<Partition> partitions = RandomTable(random);
      WriterOptions options = TinyBlocks(1, random);
      options.write_bytes = 300;
      ASSERT_TRUE(world.Run(MakeTestDirectory(world.files())).ok());
      world.files().CrashAtOperation(world.files().operations() + operation, power_loss);
      bool acknowledged = false;
      ended = world.RunOrCrash([&]() -> Task<void> {
        acknowledged = (co_await WriteTable(world.files(), options, partitions)).ok();
      });
      world.files().CancelCrash();
      ASSERT_EQ(ended, acknowledged);
      if (power_loss) {
        world.PowerLossAndBoot();
      } else {
        world.KillAndBoot();
      }
      const std::vector<uint64_t> tables = world.Run(VisibleTables(world.files()));
      if (acknowledged) ASSERT_EQ(tables.size(), 1u);
      ++(tables.empty() ? absent : visible);
      if (tables.empty()) {
        // A left-over of the same name is no obstacle.
        ASSERT_TRUE(world.Run(WriteTable(world.files(), options, partitions)).ok());
      }
      ASSERT_THAT(world.Run(VisibleTables(world.files())), testing::ElementsAre(1));
      ASSERT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(1))), partitions);
      ASSERT_TRUE(world.Run(VerifyTable(world.files(), kTestDirectory, 1, TestTable()))->ok());
    }
  }
  EXPECT_GT(visible, 2);
  EXPECT_GT(absent, 10);
}

TEST(SSTableWriter, EveryFailingOperationIsReportedAndLeavesNothing) {
  for (const DiskOp op : {DiskOp::kOpen, DiskOp::kTruncate, DiskOp::kWrite, DiskOp::kSync,
                          DiskOp::kClose, DiskOp::kRename, DiskOp::kSyncDirectory}) {
    SCOPED_TRACE(base::sim::DiskOpName(op));
    base::RandomStream random(3);
    TestWorld world;
    const std::vector<Partition> partitions = RandomTable(random);
    ASSERT_TRUE(world.Run(MakeTestDirectory(world.files())).ok());
    world.files().FailNext({.op = op});
    EXPECT_FALSE(world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions)).ok());
    // A failed truncation leaves the file that Create opened; the next one writes over it.
    if (op != DiskOp::kTruncate) EXPECT_THAT(world.Run(FilesOf(world.files())), testing::IsEmpty());
    EXPECT_TRUE(world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions)).ok());
    EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(1))), partitions);
  }
}

TEST(SSTableWriter, AFullDiskIsReported) {
  base::RandomStream random(3);
  TestWorld world;
  world.files().SetCapacity(500);
  const absl::Status status =
      world.Run(WriteTable(world.files(), TestWriterOptions(1), RandomTable(random))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(world.Run(FilesOf(world.files())), testing::IsEmpty());
}

TEST(SSTableWriter, WhatHoldsNothingLeavesNoTrace) {
  TestWorld world;
  std::vector<Partition> partitions(3);
  for (size_t i = 0; i < 3; ++i) {
    partitions[i].key = {static_cast<data::Token>(i), "k" + std::to_string(i)};
  }
  partitions[1].rows = {data::Row{.clustering = "a"}};
  partitions[2].static_row.emplace();
  partitions[2].rows = {data::Row{.clustering = "a"},
                        data::Row{.clustering = "b", .liveness = {.timestamp = 1}}};
  const auto table = world.Run(WriteTable(world.files(), TestWriterOptions(1), partitions));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->statistics.partitions, 1u);
  EXPECT_EQ(table->statistics.rows, 1u);
  partitions[2].static_row.reset();
  partitions[2].rows.erase(partitions[2].rows.begin());
  EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(1))),
            std::vector<Partition>{partitions[2]});
}

TEST(SSTableWriterDeathTest, OrderIsChecked) {
  const auto write = [](std::vector<Partition> partitions) {
    TestWorld world;
    (void)world.Run(WriteTable(world.files(), TestWriterOptions(1), std::move(partitions)));
  };
  const Partition a{.key = {1, "a"}, .deletion = {.timestamp = 1}};
  const Partition b{.key = {2, "b"}, .deletion = {.timestamp = 1}};
  EXPECT_DEATH(write({b, a}), "partitions out of order");
  EXPECT_DEATH(write({a, a}), "partitions out of order");
  Partition rows = a;
  rows.rows = {data::Row{.clustering = "b", .liveness = {.timestamp = 1}},
               data::Row{.clustering = "a", .liveness = {.timestamp = 1}}};
  EXPECT_DEATH(write({rows}), "rows out of order");
}

}  // namespace
}  // namespace tholos::sstable
