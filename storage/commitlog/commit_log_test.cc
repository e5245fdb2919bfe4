#include "storage/commitlog/commit_log.h"

#include <cstdio>
#include <set>

#include "base/async/when_all.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/directories.h"

namespace tholos::storage {
namespace {

using base::Task;
using base::sim::DiskOp;
using base::sim::TestWorld;
using testing::HasSubstr;

constexpr char kDirectory[] = "/data/commitlog/0";
constexpr uint64_t kSegmentBytes = 16 << 10;

struct Collected final : ReplaySink {
  uint64_t batch_bytes() const override { return batch; }
  absl::Status Replay(std::span<ReplayRecord> replayed) override {
    for (const ReplayRecord& record : replayed) {
      EXPECT_GE(record.position, replayed_before);
      positions.push_back(record.position);
      records.emplace_back(record.bytes);
    }
    ++batches;
    return absl::OkStatus();
  }
  Task<absl::Status> AfterBatch(LogPosition end) override {
    EXPECT_GT(end, positions.back());
    replayed_before = end;
    co_return absl::OkStatus();
  }
  std::set<std::string> Set() const { return {records.begin(), records.end()}; }
  uint64_t batch = 1;
  int batches = 0;
  LogPosition replayed_before;
  std::vector<LogPosition> positions;
  std::vector<std::string> records;
};

class Harness {
 public:
  explicit Harness(uint64_t seed = base::sim::SeedFromEnvironment()) : world(seed) {
    options.directory = kDirectory;
    options.segment_bytes = kSegmentBytes;
    options.bytes_max = 10 * kSegmentBytes;
  }

  Task<absl::StatusOr<std::unique_ptr<CommitLog>>> Open(ReplaySink* sink) {
    absl::Status made = co_await MakeDirectoriesDurably(world.files(), kDirectory);
    if (!made.ok()) co_return made;
    co_return co_await CommitLog::Open(options,
                                       {world.clock(), world.files(), metrics, world.log()}, *sink);
  }

  // Reopens, replays, and stops again.
  absl::StatusOr<Collected> Replayed(uint64_t batch_bytes = 1) {
    return world.Run([&]() -> Task<absl::StatusOr<Collected>> {
      Collected sink;
      sink.batch = batch_bytes;
      auto log = co_await Open(&sink);
      if (!log.ok()) co_return log.status();
      co_await (*log)->Stop();
      co_return sink;
    });
  }

  TestWorld world;
  base::Metrics metrics;
  CommitLogOptions options;
};

Task<absl::Status> Append(CommitLog* log, std::string record,
                          absl::AnyInvocable<void(LogPosition)> on_durable = nullptr) {
  const auto durable = [&](LogPosition position, std::string_view seen) {
    EXPECT_EQ(seen, record);
    if (on_durable != nullptr) on_durable(position);
  };
  co_return co_await log->Append(record, durable);
}

std::string Record(int writer, int i) {
  return base::StrCat("writer ", writer, " record ", i, std::string(200, 'x'));
}

// Appends one after the other until one fails.
Task<void> Write(CommitLog* log, int writer, int count, std::vector<std::string>* acknowledged) {
  for (int i = 0; i < count; ++i) {
    const absl::Status status = co_await Append(log, Record(writer, i));
    if (!status.ok()) co_return;
    acknowledged->push_back(Record(writer, i));
  }
}

Task<void> WriteConcurrently(CommitLog* log, int writers, int count,
                             std::vector<std::string>* acknowledged) {
  std::vector<Task<void>> tasks;
  for (int w = 0; w < writers; ++w) tasks.push_back(Write(log, w, count, acknowledged));
  co_await base::WhenAll(std::move(tasks));
}

TEST(CommitLog, GroupsWritesAndReplaysThemInOrder) {
  Harness h;
  std::vector<std::string> durable_order;
  size_t in_ended_groups = 0;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<Task<absl::Status>> appends;
    LogPosition last;
    (*log)->SetGroupEnded([&](LogPosition position) {
      EXPECT_EQ(position, last);
      in_ended_groups = durable_order.size();
    });
    for (int i = 0; i < 200; ++i) {
      appends.push_back(Append(log->get(), Record(0, i), [&, i](LogPosition position) {
        EXPECT_GE(position, last);
        last = position;
        durable_order.push_back(Record(0, i));
      }));
    }
    for (const absl::Status& status : co_await base::WhenAll(std::move(appends))) {
      EXPECT_TRUE(status.ok()) << status;
    }
    EXPECT_GT((*log)->next_position(), last);
    co_await (*log)->Stop();
  });
  EXPECT_EQ(durable_order.size(), 200u);
  EXPECT_EQ(in_ended_groups, 200u);
  EXPECT_THAT(h.metrics.RenderText(), HasSubstr("tholos_commitlog_records_total{shard=\"0\"} 200"));
  const uint64_t syncs =
      h.metrics
          .AddCounter("tholos_commitlog_syncs_total", "Syncs of the commit log", {{"shard", "0"}})
          .value();
  EXPECT_LT(syncs, 10u);  // 16 KiB segments of 72 records each, and the segments' tails
  auto replayed = h.Replayed();
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->records == durable_order);
}

TEST(CommitLog, ABatchOfReplayIsSomeGroupsOfOneSegment) {
  for (const uint64_t batch_bytes : {1u, 2'000u, 1u << 20}) {
    Harness h;
    std::vector<std::string> acknowledged;
    h.world.Run([&]() -> Task<void> {
      Collected sink;
      auto log = co_await h.Open(&sink);
      co_await Write(log->get(), 0, 150, &acknowledged);  // each is a group
      co_await (*log)->Stop();
    });
    auto replayed = h.Replayed(batch_bytes);
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_TRUE(replayed->records == acknowledged);
    std::set<uint64_t> segments;
    for (const LogPosition& position : replayed->positions) segments.insert(position.segment);
    EXPECT_GT(segments.size(), 1u);
    const auto batches = static_cast<size_t>(replayed->batches);
    if (batch_bytes == 1) EXPECT_EQ(batches, acknowledged.size());
    if (batch_bytes == 2'000) EXPECT_GT(batches, segments.size());
    if (batch_bytes == 2'000) EXPECT_LT(batches, acknowledged.size() / 4);
    if (batch_bytes == 1 << 20) EXPECT_EQ(batches, segments.size());
  }
}

TEST(CommitLog, DiscardsAndRecyclesSegments) {
  Harness h;
  std::set<std::string> after_discard;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    // Far more than all segments can hold.
    std::vector<std::string> acknowledged;
    for (int i = 0; i < 30; ++i) {
      co_await Write(log->get(), i, 50, &acknowledged);
      co_await (*log)->Discard((*log)->next_position());
      EXPECT_LE((*log)->bytes(), 4 * kSegmentBytes);
      EXPECT_EQ((*log)->oldest_segment(), 0u);
    }
    EXPECT_EQ(acknowledged.size(), 30u * 50);
    co_await (*log)->Stop();
    auto entries = co_await h.world.files().List(kDirectory);
    EXPECT_LE(entries->size(), 4u);
  });
  auto replayed = h.Replayed();
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  // What was in the last segment is there, whole, up to the end.
  ASSERT_FALSE(replayed->records.empty());
  EXPECT_EQ(replayed->records.back(), Record(29, 49));
}

TEST(CommitLog, WithoutDiscardItEndsAtItsBoundAndGoesOnAfterIt) {
  Harness h;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<std::string> acknowledged;
    co_await Write(log->get(), 0, 10000, &acknowledged);
    EXPECT_LT(acknowledged.size(), 1000u);
    const absl::Status refused =
        co_await Append(log->get(), Record(7, 0), [](LogPosition) { FAIL(); });
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    co_await (*log)->Discard((*log)->next_position());
    const absl::Status accepted = co_await Append(log->get(), "x", [](LogPosition) {});
    EXPECT_TRUE(accepted.ok()) << accepted;
    co_await (*log)->Stop();
  });
}

TEST(CommitLog, AFullDiskRefusesAndRecovers) {
  Harness h;
  std::vector<std::string> acknowledged;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    h.world.files().SetCapacity(3 * kSegmentBytes + 1000);
    co_await Write(log->get(), 0, 10000, &acknowledged);
    bool applied = false;
    const absl::Status refused =
        co_await Append(log->get(), Record(7, 0), [&](LogPosition) { applied = true; });
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
    EXPECT_FALSE(applied);
    h.world.files().SetCapacity(1 << 30);
    co_await Write(log->get(), 1, 100, &acknowledged);
    co_await (*log)->Stop();
  });
  EXPECT_GE(acknowledged.size(), 200u);
  EXPECT_EQ(acknowledged.back(), Record(1, 99));
  auto replayed = h.Replayed();
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->records == acknowledged);
}

TEST(CommitLog, OpensAndReplaysOnAFullDisk) {
  Harness h;
  std::vector<std::string> acknowledged;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    co_await Write(log->get(), 0, 10, &acknowledged);
    co_await (*log)->Stop();
    h.world.files().SetCapacity(1);
  });
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE(sink.records == acknowledged);
    const absl::Status refused = co_await Append(log->get(), "x", [](LogPosition) {});
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    h.world.files().SetCapacity(1 << 30);
    co_await Write(log->get(), 1, 3, &acknowledged);
    co_await (*log)->Stop();
  });
  EXPECT_EQ(acknowledged.size(), 13u);
  auto replayed = h.Replayed();
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->records == acknowledged);
}

TEST(CommitLog, AFailedWriteOrSyncPoisonsTheLog) {
  for (const DiskOp op : {DiskOp::kWrite, DiskOp::kSync}) {
    for (int skip = 0; skip < 6; ++skip) {
      Harness h;
      std::vector<std::string> acknowledged;
      h.world.Run([&]() -> Task<void> {
        Collected sink;
        auto log = co_await h.Open(&sink);
        co_await Write(log->get(), 0, 3, &acknowledged);
        h.world.files().FailNext({.op = op, .path_contains = "00001.log", .skip = skip});
        co_await WriteConcurrently(log->get(), 3, 20, &acknowledged);
        bool applied = false;
        const absl::Status refused =
            co_await Append(log->get(), "refused", [&](LogPosition) { applied = true; });
        EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
        EXPECT_THAT(std::string(refused.message()), HasSubstr("00000000000000000001.log"));
        EXPECT_FALSE(applied);
        EXPECT_EQ((*log)->poison().code(), absl::StatusCode::kFailedPrecondition);
        co_await (*log)->Stop();
      });
      EXPECT_LT(acknowledged.size(), 63u);
      h.world.PowerLossAndBoot();
      auto replayed = h.Replayed();
      ASSERT_TRUE(replayed.ok()) << replayed.status();
      const auto found = replayed->Set();
      for (const std::string& record : acknowledged) EXPECT_TRUE(found.contains(record));
    }
  }
}

TEST(CommitLog, PendingBytesAreBounded) {
  Harness h;
  h.options.pending_bytes_max = 5000;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    std::vector<Task<absl::Status>> appends;
    for (int i = 0; i < 100; ++i) {
      appends.push_back(Append(log->get(), std::string(1000, 'p'), [](LogPosition) {}));
    }
    int accepted = 0, refused = 0;
    for (const absl::Status& status : co_await base::WhenAll(std::move(appends))) {
      status.ok() ? ++accepted : ++refused;
      if (!status.ok()) EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    }
    EXPECT_EQ(accepted, 5);
    EXPECT_EQ(refused, 95);
    const absl::Status large =
        co_await Append(log->get(), std::string(kSegmentBytes, 'p'), [](LogPosition) {});
    EXPECT_EQ(large.code(), absl::StatusCode::kInvalidArgument);
    const absl::Status largest = co_await Append(
        log->get(), std::string(CommitLog::RecordBytesMax(kSegmentBytes), 'p'), [](LogPosition) {});
    EXPECT_TRUE(largest.ok()) << largest;
    co_await (*log)->Stop();
  });
}

TEST(CommitLog, SegmentIdsNeverComeAgain) {
  Harness h;
  h.options.last_segment_known = 41;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    LogPosition at;
    const absl::Status status =
        co_await Append(log->get(), "x", [&](LogPosition position) { at = position; });
    EXPECT_TRUE(status.ok());
    EXPECT_GT(at.segment, 41u);
    co_await (*log)->Stop();
  });
}

TEST(CommitLog, CorruptionIsNamedAndRefused) {
  Harness h;
  std::vector<std::string> acknowledged;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    co_await Write(log->get(), 0, 100, &acknowledged);
    co_await (*log)->Stop();
  });
  const std::string first = base::StrCat(kDirectory, "/", SegmentFileName(1));
  ASSERT_TRUE(h.world.files().FlipBit(first, 500, 3));
  auto replayed = h.Replayed();
  ASSERT_EQ(replayed.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(replayed.status().message()), HasSubstr(first));
  EXPECT_THAT(std::string(replayed.status().message()), HasSubstr("at offset"));
}

// A group whose sync failed can still be read after a kill, though the disk may never have got it.
// What a restart has replayed must be there after the next power loss, and the log must not look
// damaged.
TEST(CommitLog, WhatARestartReadsStays) {
  int seen_after_kill = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Harness h(seed);
    std::vector<std::string> acknowledged;
    h.world.Run([&]() -> Task<void> {
      Collected sink;
      auto log = co_await h.Open(&sink);
      co_await Write(log->get(), 0, 5, &acknowledged);
      h.world.files().FailNext({.op = DiskOp::kSync, .path_contains = "00001.log"});
      co_await Write(log->get(), 1, 1, &acknowledged);
      co_await (*log)->Stop();
    });
    ASSERT_EQ(acknowledged.size(), 5u);
    h.world.KillAndBoot();
    auto after_kill = h.Replayed();
    ASSERT_TRUE(after_kill.ok()) << after_kill.status();
    seen_after_kill += after_kill->Set().contains(Record(1, 0));
    // A second restart, so that the rewritten group is not the last one.
    auto again = h.Replayed();
    ASSERT_TRUE(again.ok()) << again.status();
    h.world.PowerLossAndBoot();
    auto after_power_loss = h.Replayed();
    ASSERT_TRUE(after_power_loss.ok()) << after_power_loss.status() << " seed " << seed;
    EXPECT_TRUE(after_power_loss->Set() == after_kill->Set()) << seed;
  }
  EXPECT_GT(seen_after_kill, 0);
}

// One life of a log: opens, looks for what was acknowledged before, and writes until it ends or
// dies.
Task<void> WriteLife(Harness* h, int life, std::vector<std::string>* acknowledged, int* lost) {
  Collected sink;
  auto log = co_await h->Open(&sink);
  EXPECT_TRUE(log.ok() || h->options.mutant_skip_sync) << log.status();
  if (!log.ok()) {
    *lost += static_cast<int>(acknowledged->size());
    co_return;
  }
  const auto found = sink.Set();
  for (const std::string& record : *acknowledged) *lost += !found.contains(record);
  std::vector<Task<void>> writers;
  for (int w = 0; w < 4; ++w) {
    writers.push_back(Write(log->get(), 10 * life + w, 40, acknowledged));
  }
  co_await base::WhenAll(std::move(writers));
  co_await (*log)->Stop();
}

// Cuts the power (or kills the process) at operation after operation, several lives in a row on one
// disk.
int LostOver(uint64_t seeds, bool mutant) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Harness h(seed);
    h.options.mutant_skip_sync = mutant;
    base::RandomStream random(seed);
    std::vector<std::string> acknowledged;
    for (int life = 0; life < 5; ++life) {
      const bool power_loss = random.Chance(0.7);
      const uint64_t cut = h.world.files().operations() + 1 + random.Below(60);
      h.world.files().CrashAtOperation(cut, power_loss);
      h.world.RunOrCrash([&]() -> Task<void> { return WriteLife(&h, life, &acknowledged, &lost); });
      h.world.files().CancelCrash();
      h.world.PowerLossAndBoot();
    }
    int unused = 0;
    h.world.Run([&]() -> Task<void> { return WriteLife(&h, 9, &acknowledged, &unused); });
    lost += unused;
    if (lost > 0 && !mutant) {
      ADD_FAILURE() << "seed " << seed;
      break;
    }
  }
  return lost;
}

TEST(CommitLog, NothingAcknowledgedIsLostWhereverItStops) { EXPECT_EQ(LostOver(300, false), 0); }

TEST(CommitLog, TheTestAboveFindsAMissingSync) { EXPECT_GT(LostOver(20, true), 0); }

// Mode periodic ---------------------------------------------------------------------------------

std::set<std::string> SetOf(const std::vector<std::string>& records) {
  return {records.begin(), records.end()};
}

TEST(CommitLogPeriodic, SyncsByTimeAndBySize) {
  Harness h;
  h.options.sync = CommitLogSync::kPeriodic;
  h.options.unsynced_bytes_max = 4000;
  const auto gauge = [&] {
    return h.metrics
        .AddGauge("tholos_commitlog_unsynced_bytes",
                  "Bytes acknowledged and not yet synced (mode periodic)", {{"shard", "0"}})
        .value();
  };
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE((co_await Append(log->get(), "x")).ok());
    EXPECT_GT(gauge(), 0);
    base::Event never;
    (void)co_await never.WaitUntil(h.world.clock().Now() + 2 * h.options.sync_period);
    EXPECT_EQ(gauge(), 0);
    // Long before the period ends.
    const base::MonotonicTime begin = h.world.clock().Now();
    std::vector<std::string> acknowledged;
    co_await Write(log->get(), 0, 60, &acknowledged);
    EXPECT_LT(h.world.clock().Now() - begin, h.options.sync_period);
    EXPECT_LT(gauge(), 12000);
    co_await (*log)->Stop();
    EXPECT_EQ(gauge(), 0);
  });
}

// A kill loses nothing. A power loss may lose what was acknowledged after the last sync, and
// nothing else: never what was there at the life's start, never a record in the midst of those that
// stay.
void PeriodicLives(uint64_t seeds) {
  int lost = 0, kept = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Harness h(seed);
    h.options.sync = CommitLogSync::kPeriodic;
    h.options.sync_period = absl::Milliseconds(20);
    h.options.unsynced_bytes_max = 6000;
    base::RandomStream random(seed);
    std::vector<std::string> durable;
    for (int life = 0; life < 4; ++life) {
      const bool power_loss = random.Chance(0.6);
      std::vector<std::string> acknowledged;
      bool opened = false;
      h.world.files().CrashAtOperation(h.world.files().operations() + 5 + random.Below(60),
                                       power_loss);
      h.world.RunOrCrash([&]() -> Task<void> {
        Collected sink;
        auto log = co_await h.Open(&sink);
        EXPECT_TRUE(log.ok()) << log.status() << " seed " << seed;
        if (!log.ok()) co_return;
        opened = true;
        for (int w = 0; w < 60; ++w) {
          if (random.Chance(0.1)) {
            base::Event never;
            (void)co_await never.WaitUntil(h.world.clock().Now() + absl::Milliseconds(30));
          }
          co_await Write(log->get(), 1000 * life + w, 3, &acknowledged);
        }
        co_await (*log)->Stop();
      });
      h.world.files().CancelCrash();
      power_loss ? h.world.PowerLossAndBoot() : h.world.KillAndBoot();
      auto replayed = h.Replayed();
      ASSERT_TRUE(replayed.ok()) << replayed.status() << " seed " << seed;
      const auto now = replayed->Set();
      for (const std::string& record : durable) ASSERT_TRUE(now.contains(record)) << seed;
      // One writer: what stays is a prefix.
      size_t prefix = 0;
      while (prefix < acknowledged.size() && now.contains(acknowledged[prefix])) ++prefix;
      for (size_t i = prefix; i < acknowledged.size(); ++i) {
        ASSERT_FALSE(now.contains(acknowledged[i])) << "seed " << seed << ", a hole";
      }
      if (!power_loss) ASSERT_EQ(prefix, acknowledged.size()) << "seed " << seed;
      ASSERT_TRUE(opened || acknowledged.empty());
      lost += static_cast<int>(acknowledged.size() - prefix);
      kept += static_cast<int>(prefix);
      // What a restart has read stays.
      durable = replayed->records;
    }
  }
  EXPECT_GT(lost, 0);
  EXPECT_GT(kept, 100);
}
TEST(CommitLogPeriodic, LosesNothingButTheUnsyncedEnd) { PeriodicLives(120); }

TEST(CommitLogPeriodic, AFailedSyncPoisonsTheLog) {
  Harness h;
  h.options.sync = CommitLogSync::kPeriodic;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE((co_await Append(log->get(), "x")).ok());
    h.world.files().FailNext({.op = DiskOp::kSync, .path_contains = "00001.log"});
    base::Event never;
    (void)co_await never.WaitUntil(h.world.clock().Now() + 2 * h.options.sync_period);
    const absl::Status refused = co_await Append(log->get(), "y");
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    co_await (*log)->Stop();
  });
}

// Recycling and archive --------------------------------------------------------------------------

// Lives that discard as they go, so that segments are recycled, with the power cut anywhere: what
// was acknowledged after the last discard is there, and leftovers of earlier lives are not.
TEST(CommitLogRecycling, LeftoversAreNeverTakenForRecords) {
  uint64_t recycled = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Harness h(seed);
    h.options.sync = seed % 2 == 0 ? CommitLogSync::kPeriodic : CommitLogSync::kBatch;
    base::RandomStream random(seed);
    std::vector<std::string> acknowledged;
    const uint64_t cut = 20 + random.Below(400);
    h.world.files().CrashAtOperation(cut, true);
    h.world.RunOrCrash([&]() -> Task<void> {
      Collected sink;
      auto log = co_await h.Open(&sink);
      for (int round = 0; round < 12; ++round) {
        co_await Write(log->get(), round, 150, &acknowledged);
        acknowledged.clear();
        co_await (*log)->Discard((*log)->next_position());
      }
      co_await (*log)->Stop();
    });
    h.world.files().CancelCrash();
    h.world.PowerLossAndBoot();
    auto replayed = h.Replayed();
    ASSERT_TRUE(replayed.ok()) << replayed.status() << " seed " << seed;
    // In the order in which they were written, without a gap, and each once.
    const auto number = [](const std::string& record) {
      int writer = 0, i = 0;
      EXPECT_EQ(std::sscanf(record.c_str(), "writer %d record %d", &writer, &i), 2);
      return writer * 150 + i;
    };
    for (size_t i = 1; i < replayed->records.size(); ++i) {
      ASSERT_EQ(number(replayed->records[i]), number(replayed->records[i - 1]) + 1) << seed;
    }
    if (h.options.sync == CommitLogSync::kBatch) {
      const auto found = replayed->Set();
      for (const std::string& record : acknowledged) {
        ASSERT_TRUE(found.contains(record)) << seed << " " << record.substr(0, 30);
      }
    }
    recycled += h.metrics
                    .AddCounter("tholos_commitlog_recycled_total",
                                "Segments made of files that were in use before", {{"shard", "0"}})
                    .value();
  }
  EXPECT_GT(recycled, 30u);
}

TEST(CommitLogArchive, KeepsEverySegmentThatIsFull) {
  Harness h;
  h.options.archive_directory = "/archive/0";
  std::vector<std::string> acknowledged;
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    for (int i = 0; i < 10; ++i) {
      co_await Write(log->get(), i, 60, &acknowledged);
      co_await (*log)->Discard((*log)->next_position());
    }
    EXPECT_EQ(acknowledged.size(), 600u);
    co_await (*log)->Stop();
  });
  // The archive is a log: what is in it and the rest is everything, in order.
  auto rest = h.Replayed();
  ASSERT_TRUE(rest.ok()) << rest.status();
  Collected archived;
  h.world.Run([&]() -> Task<void> {
    auto log = co_await RecoverLog(h.world.files(), h.world.log(), "/archive/0", 0, archived);
    EXPECT_TRUE(log.ok()) << log.status();
  });
  std::set<std::string> all = archived.Set();
  EXPECT_GT(all.size(), 400u);
  for (const std::string& record : rest->records) all.insert(record);
  EXPECT_EQ(all, SetOf(acknowledged));
}

// Each operation in turn fails.
TEST(CommitLog, NothingAcknowledgedIsLostWhateverFails) {
  for (const int error : {EIO, ENOSPC}) {
    for (const DiskOp op : {DiskOp::kOpen, DiskOp::kWrite, DiskOp::kSync, DiskOp::kAllocate,
                            DiskOp::kRename, DiskOp::kRemove, DiskOp::kSyncDirectory}) {
      for (int skip = 0; skip < 8; ++skip) {
        Harness h(skip + 1);
        std::vector<std::string> acknowledged;
        int lost = 0;
        h.world.Run([&]() -> Task<void> { return WriteLife(&h, 0, &acknowledged, &lost); });
        h.world.files().FailNext(
            {.op = op, .path_contains = kDirectory, .skip = skip, .error = error});
        h.world.Run([&]() -> Task<void> {
          Collected sink;
          auto log = co_await h.Open(&sink);
          if (!log.ok()) co_return;
          for (int i = 0; i < 3; ++i) {
            acknowledged.clear();
            co_await (*log)->Discard((*log)->next_position());
            co_await Write(log->get(), 100 + i, 80, &acknowledged);
          }
          co_await (*log)->Stop();
        });
        skip % 2 == 0 ? h.world.PowerLossAndBoot() : h.world.KillAndBoot();
        auto replayed = h.Replayed();
        ASSERT_TRUE(replayed.ok()) << replayed.status() << ", " << DiskOpName(op) << " " << skip;
        const auto found = replayed->Set();
        for (const std::string& record : acknowledged) ASSERT_TRUE(found.contains(record));
      }
    }
  }
}

}  // namespace
}  // namespace tholos::storage
