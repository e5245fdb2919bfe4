#include "storage/commitlog/commit_log.h"

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
  absl::StatusOr<bool> Replay(LogPosition position, std::string_view record) override {
    positions.push_back(position);
    records.emplace_back(record);
    return true;
  }
  Task<absl::Status> AfterGroup(LogPosition) override { co_return absl::OkStatus(); }
  std::set<std::string> Set() const { return {records.begin(), records.end()}; }
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
  absl::StatusOr<Collected> Replayed() {
    return world.Run([&]() -> Task<absl::StatusOr<Collected>> {
      Collected sink;
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
  h.world.Run([&]() -> Task<void> {
    Collected sink;
    auto log = co_await h.Open(&sink);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<Task<absl::Status>> appends;
    LogPosition last;
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
