#include "storage/engine.h"

#include "base/async/when_all.h"
#include "base/strings.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
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

Mutation Put(std::string key, std::string clustering, std::string value, data::Timestamp timestamp,
             uint8_t table = 0) {
  Mutation mutation{.table = TestTableId(table)};
  mutation.update.key = data::DecoratedKey::Of(std::move(key));
  mutation.update.rows.push_back(Row{.clustering = std::move(clustering),
                                     .liveness = data::Liveness::At(timestamp),
                                     .cells = {Cell::Value(0, timestamp, std::move(value))}});
  return mutation;
}

// Puts `count` rows of ~100 bytes over 20 partitions.
Task<void> PutMany(EngineWorld* w, int count, data::Timestamp timestamp, uint8_t table = 0) {
  std::vector<Task<absl::Status>> puts;
  for (int i = 0; i < count; ++i) {
    puts.push_back(w->Apply(Put(base::StrCat("p", i % 20), base::StrCat("c", 1000 + i / 20),
                                std::string(100, 'x'), timestamp, table)));
  }
  for (const absl::Status& status : co_await base::WhenAll(std::move(puts))) {
    EXPECT_TRUE(status.ok()) << status;
  }
}

size_t RowsOf(const VisibleTable& table) {
  size_t rows = 0;
  for (const auto& [key, partition] : table) rows += partition.rows.size();
  return rows;
}

size_t ScanRows(EngineWorld& w, uint8_t table = 0) {
  auto visible = w.world.Run(w.Scan(TestTableId(table)));
  EXPECT_TRUE(visible.ok()) << visible.status();
  return visible.ok() ? RowsOf(*visible) : 0;
}

TEST(Engine, ReadsItsWritesFromMemorySSTablesAndLog) {
  EngineWorld w(1);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 200, 10));
  EXPECT_EQ(ScanRows(w), 200u);
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  auto stats = w.world.Run(w.engine->Stats(TestTableId(0)));
  EXPECT_EQ(stats->sstables, 2u);  // one a shard
  EXPECT_EQ(stats->memtable_bytes, 0u);
  EXPECT_GT(w.engine->LiveBytes(), 1000u);
  EXPECT_EQ(ScanRows(w), 200u);
  w.world.Run(PutMany(&w, 100, 20));
  const absl::Status put = w.world.Run(w.Apply(Put("p1", "new", "value", 30)));
  EXPECT_TRUE(put.ok());
  EXPECT_EQ(ScanRows(w), 201u);
  w.StopNow();
  w.world.KillAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w), 201u);
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w), 201u);
}

TEST(Engine, NamesWhatIsWrong) {
  EngineWorld w(2);
  ASSERT_TRUE(w.OpenNow().ok());
  Mutation unknown = Put("k", "c", "v", 1);
  unknown.table = TestTableId(77);
  EXPECT_EQ(w.world.Run(w.Apply(unknown)).code(), StatusCode::kNotFound);
  EXPECT_EQ(w.world.Run(w.engine->Apply("rubbish", w.Soon())).code(), StatusCode::kDataLoss);
  EXPECT_EQ(w.world.Run(w.Apply(Put("k", "c", std::string(9000, 'v'), 1))).code(),
            StatusCode::kInvalidArgument);
  const std::string good = data::EncodeMutation(Put("k", "c", "v", 1));
  EXPECT_EQ(w.world.Run(w.engine->Apply(good, w.world.clock().Now())).code(),
            StatusCode::kDeadlineExceeded);
  data::ReadCommand command{.table = TestTableId(77)};
  EXPECT_EQ(w.world.Run(w.engine->Read(command, w.Soon())).status().code(), StatusCode::kNotFound);
  command.table = TestTableId(0);
  EXPECT_EQ(w.world.Run(w.engine->Read(command, w.world.clock().Now())).status().code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ScanRows(w), 0u);
  w.StopNow();
  EXPECT_EQ(w.world.Run(w.engine->Apply(good, w.Soon())).code(), StatusCode::kUnavailable);
}

TEST(Engine, TheDirectoryIsLocked) {
  EngineWorld w(3, /*shards=*/3);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 100, 10));
  Engine* first = w.engine;
  const absl::Status second = w.OpenNow();
  EXPECT_EQ(second.code(), StatusCode::kFailedPrecondition) << second;
  w.world.Run(first->Stop());
}

// Reboots with another number of shards.
void BootWith(EngineWorld& w, int shards) {
  w.world.node().Kill();
  w.world.node().Boot(shards);
  w.world.KillAndBoot();
}

TEST(Engine, AnyNumberOfShardsReadsWhatAnotherWrote) {
  EngineWorld w(3, /*shards=*/3);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 100, 10));
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  size_t rows = 100;
  data::Timestamp timestamp = 20;
  for (const int shards : {5, 2, 1, 7, 3, 3}) {
    SCOPED_TRACE(testing::Message() << shards << " shards");
    // What the log holds, too.
    const std::string row = base::StrCat("of ", timestamp);
    for (int p = 0; p < 20; ++p) {
      ASSERT_TRUE(w.world.Run(w.Apply(Put(base::StrCat("p", p), row, "v", timestamp))).ok());
    }
    rows += 20;
    timestamp += 10;
    BootWith(w, shards);
    const absl::Status opened = w.OpenNow();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ(ScanRows(w), rows);
    for (int p = 0; p < 20; ++p) {
      auto read = w.world.Run(w.ReadPartition(TestTableId(0), base::StrCat("p", p)));
      ASSERT_TRUE(read.ok());
      EXPECT_EQ(read->rows.size(), rows / 20) << p;
    }
  }
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 3u);
  EXPECT_EQ(ScanRows(w), rows);
  w.StopNow();
  EXPECT_EQ(w.Orphans(), std::vector<std::string>());
  for (const std::string& path : w.Files()) {
    if (path.find("/commitlog/") != std::string::npos) {
      EXPECT_THAT(path, HasSubstr("/commitlog/6-"));
    }
  }
}

TEST(Engine, PagesDoNotDependOnTheNumberOfShards) {
  std::vector<std::vector<data::ReadResult>> pages_of;
  for (int shards : {1, 3, 8}) {
    EngineWorld w(4, shards);
    ASSERT_TRUE(w.OpenNow().ok());
    w.world.Run(PutMany(&w, 300, 10));
    std::vector<data::ReadResult> pages;
    for (const uint32_t row_limit : {1, 7, 15, 30, 299, 300, 301}) {
      for (const uint64_t bytes_limit : {1, 5000, 1 << 20, 1 << 21}) {
        data::ReadCommand command{
            .table = TestTableId(0), .row_limit = row_limit, .bytes_limit = bytes_limit};
        if (bytes_limit > 1 << 20) command.bytes_max = 2000;
        size_t rows = 0;
        while (true) {
          auto page = w.world.Run(w.engine->Read(command, w.Soon()));
          ASSERT_TRUE(page.ok());
          rows += data::CountLiveRows(*page, 0);
          pages.push_back(*page);
          if (!page->more) break;
          command.after = data::LastPosition(*page);
        }
        EXPECT_EQ(rows, 300u);
      }
    }
    pages_of.push_back(std::move(pages));
    w.StopNow();
  }
  EXPECT_TRUE(pages_of[0] == pages_of[1]);
  EXPECT_TRUE(pages_of[0] == pages_of[2]);
}

// 200 partitions: enough for every range and every shard to have some.
TEST(Engine, ATokenRangeVisitsOnlyItsPart) {
  EngineWorld w(5, 4);
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(w.world.Run(w.Apply(Put(base::StrCat("key", i), "c", "v", 10))).ok());
  }
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  size_t rows = 0;
  const data::Token cuts[] = {data::kMinToken, -6000000000000000000, -1, 4611686018427387904,
                              data::kMinToken};
  for (int i = 0; i < 4; ++i) {
    const data::ReadCommand command{.table = TestTableId(0), .range = {cuts[i], cuts[i + 1]}};
    auto part = w.world.Run(w.engine->Read(command, w.Soon()));
    ASSERT_TRUE(part.ok());
    EXPECT_GT(part->partitions.size(), 10u);
    for (const auto& p : part->partitions) EXPECT_TRUE(command.range.Contains(p.key.token));
    rows += data::CountLiveRows(*part, 0);
  }
  EXPECT_EQ(rows, 200u);
  w.StopNow();
}

TEST(Engine, FlushesWhenMemoryOrLogIsFull) {
  EngineWorld w(6);
  w.options.memtable_bytes_max = 64 << 10;
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 20; ++i) w.world.Run(PutMany(&w, 400, 10 + i));
  w.world.RunFor(absl::Seconds(2));
  auto stats = w.world.Run(w.engine->Stats(TestTableId(0)));
  EXPECT_GT(stats->sstables, 0u);
  EXPECT_LT(stats->memtable_bytes, 64u << 10);
  EXPECT_THAT(w.metrics.RenderText(), HasSubstr("tholos_flushes_total"));
  // The log: a table that is hardly written to must not hold it back.
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "once", 1, 1))).ok());
  for (int i = 0; i < 20; ++i) w.world.Run(PutMany(&w, 400, 100 + i));
  w.world.RunFor(absl::Seconds(2));
  uint64_t segments = 0;
  for (const std::string& path : w.Files()) segments += path.ends_with(".log");
  EXPECT_LE(segments, 2 * (128 / 16 + 3u));
  EXPECT_EQ(ScanRows(w), 400u);
  EXPECT_EQ(ScanRows(w, 1), 1u);
  w.StopNow();
  EXPECT_EQ(w.Orphans(), std::vector<std::string>{});
}

TEST(Engine, CompactsAndRemovesWhatWasReplaced) {
  EngineWorld w(7);
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 10; ++i) {
    w.world.Run(PutMany(&w, 100, 10 + i));
    ASSERT_TRUE(w.world.Run(w.engine->Flush(TestTableId(0))).ok());
  }
  w.world.RunFor(absl::Seconds(2));
  auto stats = w.world.Run(w.engine->Stats(TestTableId(0)));
  EXPECT_LT(stats->sstables, 2 * 4u);  // size-tiered compaction went on by itself
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  stats = w.world.Run(w.engine->Stats(TestTableId(0)));
  EXPECT_EQ(stats->sstables, 2u);
  EXPECT_EQ(ScanRows(w), 100u);
  w.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(w.Orphans(), std::vector<std::string>{});
  w.StopNow();
}

Task<void> ScanSlowly(EngineWorld* w, size_t* rows) {
  auto visible = co_await w->Scan(TestTableId(0), 7);
  EXPECT_TRUE(visible.ok()) << visible.status();
  if (visible.ok()) *rows = RowsOf(*visible);
}

TEST(Engine, ReadersSurviveFlushAndCompaction) {
  EngineWorld w(8);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 400, 10));
  w.world.Run([&]() -> Task<void> {
    std::vector<size_t> rows(8);
    base::Scope scope;
    for (size_t& each : rows) scope.Spawn(ScanSlowly(&w, &each));
    for (int i = 0; i < 6; ++i) {
      co_await PutMany(&w, 400, 20 + i);
      EXPECT_TRUE((co_await w.engine->Flush(std::nullopt)).ok());
      EXPECT_TRUE((co_await w.engine->CompactAll(TestTableId(0))).ok());
    }
    co_await scope.Stop();
    for (const size_t each : rows) EXPECT_EQ(each, 400u);
  });
  w.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(w.Orphans(), std::vector<std::string>{});
  w.StopNow();
}

TEST(Engine, PurgesTombstonesAndDoesNotBringBackWhatTheyShadowed) {
  EngineWorld w(9);
  w.schema = TestSchema(2, /*gc_grace_seconds=*/0);
  ASSERT_TRUE(w.OpenNow().ok());
  // Another table keeps the log of both the write and the deletion alive.
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "other", 1, 1))).ok());
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "old", 10))).ok());
  ASSERT_TRUE(w.world.Run(w.engine->Flush(TestTableId(0))).ok());
  Mutation deletion{.table = TestTableId(0)};
  deletion.update.key = data::DecoratedKey::Of("p1");
  deletion.update.deletion = {20, w.now_seconds()};
  EXPECT_TRUE(w.world.Run(w.Apply(deletion)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->Flush(TestTableId(0))).ok());
  w.world.RunFor(absl::Seconds(3));
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  auto stats = w.world.Run(w.engine->Stats(TestTableId(0)));
  EXPECT_EQ(stats->sstables, 0u);  // nothing is left of either
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w), 0u);
  EXPECT_EQ(ScanRows(w, 1), 1u);
  w.StopNow();
}

// A late write stands behind the deletion that covers it in the log. Once a compaction has purged
// both, and the log has discarded the deletion alone, a replay of the write would bring it back.
TEST(Engine, ReplaySkipsWhatWasFlushed) {
  EngineWorld w(18, 1);
  w.schema = TestSchema(2, /*gc_grace_seconds=*/0);
  ASSERT_TRUE(w.OpenNow().ok());
  Mutation deletion{.table = TestTableId(0)};
  deletion.update.key = data::DecoratedKey::Of("p1");
  deletion.update.deletion = {20, w.now_seconds()};
  EXPECT_TRUE(w.world.Run(w.Apply(deletion)).ok());
  w.world.Run(PutMany(&w, 300, 1, 1));  // more than a segment
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "late", 10))).ok());
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "keeps the log", 1, 1))).ok());
  ASSERT_TRUE(w.world.Run(w.engine->Flush(TestTableId(0))).ok());
  w.world.RunFor(absl::Seconds(3));
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 0u);
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w), 0u);
  EXPECT_EQ(ScanRows(w, 1), 301u);
  w.StopNow();
}

TEST(Engine, TombstonesStayWhileOlderDataIsInMemory) {
  EngineWorld w(17);
  w.schema = TestSchema(1, /*gc_grace_seconds=*/1);
  ASSERT_TRUE(w.OpenNow().ok());
  Mutation deletion{.table = TestTableId(0)};
  deletion.update.key = data::DecoratedKey::Of("p1");
  deletion.update.deletion = {20, w.now_seconds()};
  EXPECT_TRUE(w.world.Run(w.Apply(deletion)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "late", 10))).ok());
  w.world.RunFor(absl::Seconds(5));
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(ScanRows(w), 0u);
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(ScanRows(w), 0u);
  EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, 0u);
  w.StopNow();
}

TEST(Engine, DroppedTablesAreGoneWithTheirFiles) {
  EngineWorld w(10);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 100, 10, 0));
  w.world.Run(PutMany(&w, 100, 10, 1));
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  w.world.Run(PutMany(&w, 100, 20, 1));
  const data::Schema::Ptr both = w.schema;
  w.schema = TestSchema(1);
  ASSERT_TRUE(w.world.Run(w.engine->SetSchema(w.schema)).ok());
  EXPECT_EQ(w.world.Run(w.Scan(TestTableId(1))).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ScanRows(w, 0), 100u);
  for (const std::string& path : w.Files()) EXPECT_THAT(path, Not(HasSubstr("ks.t1")));
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w, 0), 100u);
  w.schema = both;
  ASSERT_TRUE(w.world.Run(w.engine->SetSchema(w.schema)).ok());
  EXPECT_EQ(ScanRows(w, 1), 0u);
  w.world.Run(PutMany(&w, 40, 30, 1));
  EXPECT_EQ(ScanRows(w, 1), 40u);
  w.StopNow();
}

TEST(Engine, ACorruptBlockIsNamedAndTheRestGoesOn) {
  EngineWorld w(11, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 100, 10, 0));
  w.world.Run(PutMany(&w, 100, 10, 1));
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  w.StopNow();
  w.world.KillAndBoot();
  std::string damaged;
  for (const std::string& path : w.Files()) {
    if (path.ends_with(".sst") && path.find("ks.t0") != std::string::npos) damaged = path;
  }
  ASSERT_TRUE(w.world.files().FlipBit(damaged, 100, 2));
  ASSERT_TRUE(w.OpenNow().ok());
  auto scan = w.world.Run(w.Scan(TestTableId(0)));
  ASSERT_EQ(scan.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(scan.status().message()), HasSubstr(damaged));
  EXPECT_TRUE(w.LogHas(damaged));
  EXPECT_EQ(ScanRows(w, 1), 100u);
  EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "v", 50))).ok());
  EXPECT_EQ(w.world.Run(w.engine->CompactAll(TestTableId(0))).code(), StatusCode::kOk);
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  EXPECT_EQ(w.world.Run(w.engine->CompactAll(TestTableId(0))).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(w.world.files().Peek(damaged).ok());  // it stays for whoever wants to save from it
  w.StopNow();
}

TEST(Engine, AnSSTableThatCannotBeOpenedStopsReadsOfItsTableOnly) {
  for (const bool missing : {false, true}) {
    EngineWorld w(12, 1);
    ASSERT_TRUE(w.OpenNow().ok());
    w.world.Run(PutMany(&w, 100, 10, 0));
    w.world.Run(PutMany(&w, 100, 10, 1));
    ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
    w.StopNow();
    w.world.KillAndBoot();
    for (const std::string& path : w.Files()) {
      if (!path.ends_with(".sst") || path.find("ks.t0") == std::string::npos) continue;
      if (missing) {
        EXPECT_TRUE(w.world.Run(w.world.files().Remove(path)).ok());
      } else {
        const size_t size = w.world.files().Peek(path)->size();
        EXPECT_TRUE(w.world.files().FlipBit(path, size - 60, 2));
      }
    }
    for (int restart = 0; restart < 2; ++restart) {
      const absl::Status opened = w.OpenNow();
      ASSERT_TRUE(opened.ok()) << opened;
      auto scan = w.world.Run(w.Scan(TestTableId(0)));
      EXPECT_EQ(scan.status().code(), StatusCode::kDataLoss);
      EXPECT_THAT(std::string(scan.status().message()), HasSubstr(".sst"));
      EXPECT_TRUE(w.LogHas("is damaged"));
      EXPECT_EQ(ScanRows(w, 1), 100u);
      EXPECT_TRUE(w.world.Run(w.Apply(Put("p1", "c", "v", 50 + restart))).ok());
      EXPECT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
      w.world.PowerLossAndBoot();
    }
  }
}

TEST(Engine, AnSSTableThatCanBeOpenedLaterNeedsNoRestart) {
  EngineWorld w(14, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 100, 10, 0));
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  w.StopNow();
  w.world.KillAndBoot();
  const auto flip = [&] {
    for (const std::string& path : w.Files()) {
      if (!path.ends_with(".sst") || path.find("ks.t0") == std::string::npos) continue;
      EXPECT_TRUE(w.world.files().FlipBit(path, w.world.files().Peek(path)->size() - 60, 2));
    }
  };
  flip();
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.RunFor(absl::Seconds(11));
  EXPECT_EQ(w.world.Run(w.Scan(TestTableId(0))).status().code(), StatusCode::kDataLoss);
  flip();
  EXPECT_TRUE(w.world.Run(w.Apply(Put("new", "c", "v", 50))).ok());
  w.world.RunFor(absl::Seconds(11));
  EXPECT_TRUE(w.LogHas("can be read again"));
  EXPECT_EQ(ScanRows(w, 0), 101u);
  EXPECT_EQ(w.world.Run(w.engine->CompactAll(TestTableId(0))).code(), StatusCode::kOk);
  EXPECT_EQ(ScanRows(w, 0), 101u);
  w.StopNow();
}

TEST(Engine, ADamagedManifestRefusesToOpen) {
  EngineWorld w(13, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 10, 10));
  ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
  w.StopNow();
  w.world.KillAndBoot();
  for (const std::string& path : w.Files()) {
    if (path.ends_with("manifest")) EXPECT_TRUE(w.world.files().FlipBit(path, 40, 1));
  }
  const absl::Status opened = w.OpenNow();
  EXPECT_EQ(opened.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.message()), HasSubstr("manifest"));
}

TEST(Engine, ADamagedLogRefusesToOpen) {
  EngineWorld w(14, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  for (int i = 0; i < 5; ++i) w.world.Run(PutMany(&w, 10, 10));
  w.world.KillAndBoot();
  for (const std::string& path : w.Files()) {
    if (path.ends_with("1.log")) EXPECT_TRUE(w.world.files().FlipBit(path, 100, 1));
  }
  const absl::Status opened = w.OpenNow();
  EXPECT_EQ(opened.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.message()), HasSubstr("1.log is damaged at offset 40"));
}

TEST(Engine, WhatALongReplayBroughtBackIsFlushed) {
  for (const bool is_long : {true, false}) {
    EngineWorld w(16, 1);
    w.options.commitlog_bytes_max = is_long ? 64 << 10 : 64 << 20;
    ASSERT_TRUE(w.OpenNow().ok());
    w.world.Run(PutMany(&w, 300, 10));
    w.world.PowerLossAndBoot();
    ASSERT_TRUE(w.OpenNow().ok());
    w.world.Run(base::SleepFor(absl::Seconds(1)));
    EXPECT_EQ(w.world.Run(w.engine->Stats(TestTableId(0)))->sstables, is_long ? 1u : 0u);
    EXPECT_EQ(ScanRows(w, 0), 300u);
    w.StopNow();
  }
}

TEST(Engine, AFullDiskRefusesWritesAndRecovers) {
  EngineWorld w(15);
  w.options.memtable_bytes_max = 64 << 10;
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 400, 1));
  w.world.files().SetCapacity(200 << 10);
  int accepted = 0;
  absl::Status refused;
  base::RandomStream random(1);
  for (int i = 0; i < 2000 && refused.ok(); ++i) {
    std::string value(1000, '\0');
    for (char& c : value) c = static_cast<char>(random.Next());
    refused = w.world.Run(w.Apply(Put("full", base::StrCat("c", i), value, 5)));
    accepted += refused.ok();
  }
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted) << refused;
  EXPECT_EQ(ScanRows(w), 400u + accepted);
  // A restart on the full disk still serves.
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  EXPECT_EQ(ScanRows(w), 400u + accepted);
  w.world.files().SetCapacity(1 << 30);
  w.world.RunFor(absl::Seconds(3));
  w.world.Run(PutMany(&w, 400, 30, 1));
  EXPECT_EQ(ScanRows(w), 400u + accepted);
  EXPECT_EQ(ScanRows(w, 1), 400u);
  w.StopNow();
}

TEST(Engine, AFailedSyncStopsAcknowledging) {
  EngineWorld w(16, 1);
  ASSERT_TRUE(w.OpenNow().ok());
  w.world.Run(PutMany(&w, 10, 1));
  w.world.files().FailNext({.op = DiskOp::kSync, .path_contains = ".log"});
  EXPECT_EQ(w.world.Run(w.Apply(Put("a", "c", "v", 5))).code(), StatusCode::kAborted);
  EXPECT_EQ(w.world.Run(w.Apply(Put("b", "c", "v", 5))).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(ScanRows(w), 10u);
  w.StopNow();
  w.world.PowerLossAndBoot();
  ASSERT_TRUE(w.OpenNow().ok());
  auto visible = w.world.Run(w.Scan(TestTableId(0)));
  EXPECT_GE(RowsOf(*visible), 10u);
  EXPECT_FALSE(visible->contains("b"));
  EXPECT_TRUE(w.world.Run(w.Apply(Put("b", "c", "v", 5))).ok());
  w.StopNow();
}

}  // namespace
}  // namespace tholos::storage
