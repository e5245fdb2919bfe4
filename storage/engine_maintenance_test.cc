// Truncation, snapshots, backups, dropped tables, and which compactions run by themselves.
#include <algorithm>

#include "base/async/when_all.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/compaction/strategy.h"
#include "storage/directories.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using absl::StatusCode;
using base::Task;
using base::sim::DiskOp;
using data::Cell;
using data::Mutation;
using data::Row;
using testing::HasSubstr;

Mutation Put(std::string key, data::Timestamp timestamp, uint8_t table = 0) {
  Mutation mutation{.table = TestTableId(table)};
  mutation.update.key = data::DecoratedKey::Of(std::move(key));
  mutation.update.rows.push_back(Row{.clustering = "c",
                                     .liveness = data::Liveness::At(timestamp),
                                     .cells = {Cell::Value(0, timestamp, std::string(200, 'v'))}});
  return mutation;
}

void PutKeys(EngineWorld& w, std::string_view prefix, int count, data::Timestamp timestamp) {
  for (int i = 0; i < count; ++i) {
    const absl::Status put = w.world.Run(w.Apply(Put(base::StrCat(prefix, i), timestamp)));
    ASSERT_TRUE(put.ok()) << put;
  }
}

size_t Partitions(EngineWorld& w) {
  auto visible = w.world.Run(w.Scan(TestTableId(0)));
  EXPECT_TRUE(visible.ok()) << visible.status();
  return visible.ok() ? visible->size() : 0;
}

absl::Status FlushAll(EngineWorld& w) { return w.world.Run(w.engine->Flush(std::nullopt)); }

TEST(EngineTruncate, RemovesAllAndKeepsASnapshotThatCanBeRestored) {
  EngineWorld w(1, 3);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "flushed", 30, 10);
  ASSERT_TRUE(FlushAll(w).ok());
  PutKeys(w, "in memory", 20, 10);
  const data::TableId table = TestTableId(0);
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(table, "before")).ok());
  EXPECT_EQ(Partitions(w), 0u);
  EXPECT_EQ(w.world.Run(w.engine->Stats(table))->sstables, 0u);
  PutKeys(w, "after", 5, 5);  // older timestamps: truncation is about time of arrival
  EXPECT_EQ(Partitions(w), 5u);

  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(Partitions(w), 5u);
  const auto snapshots = w.world.Run(w.engine->ListSnapshots());
  ASSERT_EQ(snapshots->size(), 1u);
  EXPECT_EQ((*snapshots)[0].table, table);
  EXPECT_EQ((*snapshots)[0].snapshot.name, "before");
  EXPECT_GE((*snapshots)[0].snapshot.sstables, 3u);
  EXPECT_GT((*snapshots)[0].snapshot.bytes, 1000u);

  ASSERT_TRUE(w.world.Run(w.engine->RestoreSnapshot(table, "before")).ok());
  EXPECT_EQ(Partitions(w), 55u);
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(table)).ok());
  EXPECT_EQ(Partitions(w), 55u);
  // Again, beside what is there, and with another number of shards.
  ASSERT_TRUE(w.world.Run(w.engine->RestoreSnapshot(table, "before")).ok());
  w.world.node().Kill();
  w.world.node().Boot(2);
  w.world.KillAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(table, std::nullopt)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->RestoreSnapshot(table, "before")).ok());
  EXPECT_EQ(Partitions(w), 50u);
  ASSERT_TRUE(w.world.Run(w.engine->RemoveSnapshot(table, "before")).ok());
  EXPECT_EQ(Partitions(w), 50u);
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(Partitions(w), 50u);
  EXPECT_TRUE(w.world.Run(w.engine->ListSnapshots())->empty());
  w.StopNow();
  EXPECT_EQ(w.Orphans(), std::vector<std::string>());
}

TEST(EngineTruncate, WritesMeanwhileStay) {
  EngineWorld w(2, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "old", 40, 10);
  const auto truncate_and_write = [](EngineWorld* world) -> Task<void> {
    std::vector<Task<absl::Status>> tasks;
    tasks.push_back(world->engine->Truncate(TestTableId(0), std::nullopt));
    for (int i = 0; i < 40; ++i) tasks.push_back(world->Apply(Put(base::StrCat("new", i), 20)));
    for (const auto& status : co_await base::WhenAll(std::move(tasks))) EXPECT_TRUE(status.ok());
    // Everything that is acknowledged after the end stays.
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE((co_await world->Apply(Put(base::StrCat("newer", i), 20))).ok());
    }
  };
  w.world.Run(truncate_and_write(&w));
  const auto before = *w.world.Run(w.Scan(TestTableId(0)));
  EXPECT_EQ(before.count("old1"), 0u);
  EXPECT_GE(before.size(), 10u);
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_TRUE(before == *w.world.Run(w.Scan(TestTableId(0))));
}

TEST(EngineTruncate, RemovesDamageToo) {
  for (const bool gone : {false, true}) {
    EngineWorld w(4, 2);
    ASSERT_TRUE(w.OpenNow().ok());
    PutKeys(w, "k", 40, 10);
    ASSERT_TRUE(FlushAll(w).ok());
    PutKeys(w, "k", 40, 11);
    w.StopNow();
    w.world.KillAndBoot();
    for (const std::string& path : w.Files()) {
      if (!path.ends_with(".sst")) continue;
      if (gone) {
        ASSERT_TRUE(w.world.Run(w.world.files().Remove(path)).ok());
      } else {
        ASSERT_TRUE(w.world.files().FlipBit(path, w.world.files().Peek(path)->size() - 20, 3));
      }
    }
    ASSERT_TRUE(w.OpenNow().ok());
    EXPECT_EQ(w.world.Run(w.Scan(TestTableId(0))).status().code(), StatusCode::kDataLoss);
    const absl::Status truncated = w.world.Run(w.engine->Truncate(TestTableId(0), std::nullopt));
    ASSERT_TRUE(truncated.ok()) << truncated;
    EXPECT_EQ(Partitions(w), 0u);
    PutKeys(w, "k", 7, 12);
    ASSERT_TRUE(FlushAll(w).ok());
    w.world.PowerLossAndBoot();
    ASSERT_TRUE(w.OpenNow().ok());
    EXPECT_EQ(Partitions(w), 7u);
    w.StopNow();
    EXPECT_EQ(w.Orphans(), std::vector<std::string>());
  }
}

TEST(EngineTruncate, WorksOnAFullDisk) {
  EngineWorld w(3, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 40, 10);
  ASSERT_TRUE(FlushAll(w).ok());
  PutKeys(w, "more", 40, 10);
  // With a snapshot there is something to write first.
  w.world.files().FailNext({.op = DiskOp::kWrite, .path_contains = ".tmp", .error = ENOSPC});
  EXPECT_EQ(w.world.Run(w.engine->Truncate(TestTableId(0), "s")).code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(Partitions(w), 80u);
  PutKeys(w, "k", 3, 11);
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(TestTableId(0), std::nullopt)).ok());
  EXPECT_EQ(Partitions(w), 0u);
}

TEST(EngineSnapshot, NamesWhatIsWrong) {
  EngineWorld w(4, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 10, 10);
  const data::TableId table = TestTableId(0);
  ASSERT_TRUE(w.world.Run(w.engine->Snapshot(table, "a")).ok());
  EXPECT_EQ(w.world.Run(w.engine->Snapshot(table, "a")).status().code(),
            StatusCode::kAlreadyExists);
  for (const char* name : {"", "a/b", "..", "x.tmp", "a b"}) {
    EXPECT_EQ(w.world.Run(w.engine->Snapshot(table, name)).status().code(),
              StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(w.world.Run(w.engine->RestoreSnapshot(table, "b")).code(), StatusCode::kNotFound);
  EXPECT_EQ(w.world.Run(w.engine->RemoveSnapshot(table, "b")).code(), StatusCode::kNotFound);
  EXPECT_EQ(w.world.Run(w.engine->Truncate(TestTableId(9), "x")).code(), StatusCode::kNotFound);
  w.StopNow();
  EXPECT_EQ(w.world.Run(w.engine->Snapshot(table, "c")).status().code(), StatusCode::kUnavailable);
}

TEST(EngineSnapshot, ADamagedOneAddsNothing) {
  EngineWorld w(5, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 40, 10);
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(TestTableId(0), "s")).ok());
  for (const std::string& path : w.Files()) {
    if (path.find("/snapshots/") == std::string::npos || !path.ends_with(".sst")) continue;
    const uint64_t size = w.world.files().Peek(path)->size();
    ASSERT_TRUE(w.world.files().FlipBit(path, size - 60, 1));
    break;
  }
  const absl::Status restored = w.world.Run(w.engine->RestoreSnapshot(TestTableId(0), "s"));
  EXPECT_EQ(restored.code(), StatusCode::kDataLoss) << restored;
  EXPECT_THAT(std::string(restored.message()), HasSubstr("footer"));
  EXPECT_EQ(Partitions(w), 0u);
  w.StopNow();
  EXPECT_EQ(w.Orphans(), std::vector<std::string>());
}

TEST(EngineSnapshot, OutlivesCompaction) {
  EngineWorld w(6, 2);
  w.options.incremental_backups = true;
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 40, 10);
  ASSERT_TRUE(w.world.Run(w.engine->Snapshot(TestTableId(0), "s")).ok());
  for (data::Timestamp t = 11; t < 20; ++t) {
    PutKeys(w, "k", 40, t);
    ASSERT_TRUE(FlushAll(w).ok());
  }
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  const auto files = w.Files();
  EXPECT_EQ(std::ranges::count_if(files, [](auto& f) { return f.find("/backups/") != f.npos; }),
            20);
  ASSERT_TRUE(w.world.Run(w.engine->Truncate(TestTableId(0), std::nullopt)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->RestoreSnapshot(TestTableId(0), "s")).ok());
  EXPECT_EQ(Partitions(w), 40u);
}

TEST(EngineDrop, WhatTheSchemaKnowsToBeDroppedGoesAtTheNextStart) {
  EngineWorld w(7, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 10, 10);
  ASSERT_TRUE(w.world.Run(w.Apply(Put("k", 10, 1))).ok());
  ASSERT_TRUE(FlushAll(w).ok());
  // The node saved the new schema and died before the engine heard of it.
  w.schema = std::make_shared<const data::Schema>(w.schema->WithoutTable("ks", "t0", 100).value());
  w.world.KillAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  const auto has_directory = [&w](std::string_view name) {
    const auto files = w.Files();
    return std::ranges::any_of(files, [&](auto& f) { return f.find(name) != f.npos; });
  };
  EXPECT_FALSE(has_directory("ks.t0"));
  EXPECT_TRUE(has_directory("ks.t1"));
  // What it has never heard of stays.
  w.schema = std::make_shared<const data::Schema>();
  w.world.KillAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_TRUE(has_directory("ks.t1"));
}

TEST(EngineDrop, AFailedRemovalIsTriedAgain) {
  EngineWorld w(8, 2);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 10, 10);
  ASSERT_TRUE(FlushAll(w).ok());
  const auto without =
      std::make_shared<const data::Schema>(w.schema->WithoutTable("ks", "t0", 100).value());
  w.world.files().FailNext({.op = DiskOp::kRename, .path_contains = "ks.t0", .error = EIO});
  EXPECT_FALSE(w.world.Run(w.engine->SetSchema(without)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->SetSchema(without)).ok());
  for (const std::string& path : w.Files()) EXPECT_EQ(path.find("ks.t0"), path.npos) << path;
}

data::Schema::Ptr WithCompaction(const char* options) {
  const data::Schema::Ptr plain = TestSchema(1, /*gc_grace_seconds=*/100);
  data::TableSchema table = *plain->tables()[0];
  table.options.compaction = sstable::ParseOptionMap(options).value();
  const data::Schema without = plain->WithoutTable("ks", "t0", 10).value();
  return std::make_shared<const data::Schema>(without.WithTable(table, 20).value());
}

TEST(EngineCompaction, TheTableOptionChoosesTheStrategy) {
  const struct {
    const char* options;
    size_t sstables;
  } kCases[] = {
      {"{'class': 'UnifiedCompactionStrategy'}", 3},
      {"{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 7}", 6},
      {"{'class': 'LeveledCompactionStrategy'}", 1},
      {"{'class': 'UnifiedCompactionStrategy', 'enabled': 'false'}", 6},
      // What the schema takes and the engine does not: its default.
      {"{'class': 'UnifiedCompactionStrategy', 'base_shard_count': '1000000'}", 3},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.options);
    EngineWorld w(9, 1);
    w.schema = WithCompaction(c.options);
    ASSERT_TRUE(w.OpenNow().ok());
    for (int flush = 0; flush < 6; ++flush) {
      PutKeys(w, "k", 10, 10 + flush);
      ASSERT_TRUE(FlushAll(w).ok());
      w.world.Run(base::SleepFor(absl::Seconds(5)));
    }
    EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, c.sstables);
    EXPECT_EQ(Partitions(w), 10u);
  }
}

// The first SSTable of the table.
std::string FirstOf(EngineWorld& w, std::string_view table) {
  for (const std::string& path : w.Files()) {
    if (path.find(table) != path.npos && path.ends_with(".sst")) return path;
  }
  return "";
}

TEST(EngineCompaction, OneThatCannotReadIsTriedAgainEverLater) {
  EngineWorld w(12, 1);
  w.schema = TestSchema(2);
  ASSERT_TRUE(w.OpenNow().ok());
  const auto flush = [&w](uint8_t table, data::Timestamp timestamp) {
    for (int i = 0; i < 10; ++i) {
      const absl::Status put = w.world.Run(w.Apply(Put(base::StrCat("k", i), timestamp, table)));
      ASSERT_TRUE(put.ok()) << put;
    }
    ASSERT_TRUE(FlushAll(w).ok());
  };
  const auto failures = [&w](int count) {
    return w.metrics.RenderText().find(base::StrCat("tholos_failed_compactions_total{shard=\"0\"} ",
                                                    count)) != std::string::npos;
  };
  const auto sstables = [&w](uint8_t table) {
    return w.world.Run(w.engine->Stats(TestTableId(table)))->sstables;
  };
  flush(0, 10);
  const std::string bad = FirstOf(w, "ks.t0");
  for (int i = 0; i < 3; ++i) w.world.files().FailNext({.op = DiskOp::kRead, .path_contains = bad});
  for (int i = 1; i < 4; ++i) flush(0, 10 + i);
  w.world.Run(base::SleepFor(absl::Seconds(5)));
  ASSERT_TRUE(failures(1));
  EXPECT_EQ(sstables(0), 4u);
  EXPECT_TRUE(w.LogHas("compaction of ks.t0, tried again in 30s"));
  EXPECT_TRUE(w.LogHas(bad));
  // What comes later is compacted meanwhile, of this table and of others.
  for (int i = 0; i < 4; ++i) flush(0, 20 + i);
  for (int i = 0; i < 4; ++i) flush(1, 10 + i);
  w.world.Run(base::SleepFor(absl::Seconds(5)));
  EXPECT_EQ(sstables(0), 5u);
  EXPECT_EQ(sstables(1), 1u);
  ASSERT_TRUE(failures(1));
  // After 30 s, 90 s and 210 s.
  w.world.Run(base::SleepFor(absl::Seconds(30)));
  ASSERT_TRUE(failures(2));
  EXPECT_TRUE(w.LogHas("tried again in 1m"));
  w.world.Run(base::SleepFor(absl::Seconds(40)));
  ASSERT_TRUE(failures(2));
  w.world.Run(base::SleepFor(absl::Seconds(30)));
  ASSERT_TRUE(failures(3));
  EXPECT_TRUE(w.LogHas("tried again in 2m"));
  w.world.Run(base::SleepFor(absl::Seconds(80)));
  EXPECT_EQ(sstables(0), 5u);
  w.world.Run(base::SleepFor(absl::Seconds(60)));
  EXPECT_LT(sstables(0), 5u);
  EXPECT_TRUE(failures(3));
  EXPECT_EQ(Partitions(w), 10u);
}

// It may be less full at any moment.
TEST(EngineCompaction, AFullDiskIsTriedAgainEveryThirtySeconds) {
  EngineWorld w(13, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 3; ++i) {
    PutKeys(w, "k", 10, 10 + i);
    ASSERT_TRUE(FlushAll(w).ok());
  }
  PutKeys(w, "k", 10, 20);
  // The flush writes the fourth, attempts to compact the next ones.
  for (int generation = 5; generation <= 8; ++generation) {
    w.world.files().FailNext({.op = DiskOp::kOpen,
                              .path_contains = base::StrCat("000", generation, ".tmp"),
                              .error = ENOSPC});
  }
  ASSERT_TRUE(FlushAll(w).ok());
  w.world.Run(base::SleepFor(absl::Seconds(100)));
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 4u);
  w.world.Run(base::SleepFor(absl::Seconds(30)));
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 1u);
  EXPECT_THAT(w.metrics.RenderText(), HasSubstr("tholos_failed_compactions_total{shard=\"0\"} 4"));
}

struct Horizon final : public ReconciledHorizon {
  int64_t ReconciledUpTo(const data::TableId&, data::Token, data::Token) const override {
    return seconds;
  }
  int64_t seconds = 0;
};

TEST(EngineCompaction, TombstonesWaitForWhatIsReconciled) {
  EngineWorld w(10, 1);
  Horizon horizon;
  w.reconciled = &horizon;
  w.schema = TestSchema(1, /*gc_grace_seconds=*/100);
  ASSERT_TRUE(w.OpenNow().ok());
  PutKeys(w, "k", 10, 10);
  for (int i = 0; i < 10; ++i) {
    Mutation deletion{.table = TestTableId(0)};
    deletion.update.key = data::DecoratedKey::Of(base::StrCat("k", i));
    deletion.update.deletion = {20, w.now_seconds()};
    ASSERT_TRUE(w.world.Run(w.Apply(deletion)).ok());
  }
  ASSERT_TRUE(FlushAll(w).ok());
  const int64_t deleted = w.now_seconds();
  w.world.Run(base::SleepFor(absl::Seconds(200)));
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 1u);
  horizon.seconds = deleted + 1;
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 0u);
}

TEST(EngineCompaction, ExpiredTablesAreDroppedUnread) {
  EngineWorld w(11, 1);
  w.schema = TestSchema(1, /*gc_grace_seconds=*/100);
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 10; ++i) {
    Mutation mutation{.table = TestTableId(0)};
    mutation.update.key = data::DecoratedKey::Of(base::StrCat("k", i));
    mutation.update.rows.push_back(
        Row{.clustering = "c", .cells = {Cell::Expiring(0, 10, "v", 50, w.now_seconds())}});
    ASSERT_TRUE(w.world.Run(w.Apply(mutation)).ok());
  }
  ASSERT_TRUE(FlushAll(w).ok());
  w.world.Run(base::SleepFor(absl::Seconds(300)));
  PutKeys(w, "other", 1, 50);
  ASSERT_TRUE(FlushAll(w).ok());
  w.world.Run(base::SleepFor(absl::Seconds(5)));
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 1u);
  EXPECT_THAT(w.metrics.RenderText(), HasSubstr("tholos_expired_sstables_total{shard=\"0\"} 1"));
}

}  // namespace
}  // namespace tholos::storage
