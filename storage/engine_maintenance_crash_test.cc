// The power is cut at every file operation of truncation, snapshots, restoring, and of a start with
// another number of shards; and every operation of each kind fails in turn.
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;
using base::sim::DiskOp;

constexpr char kSnapshot[] = "s";

data::Mutation Put(std::string key) {
  data::Mutation mutation{.table = TestTableId(0)};
  mutation.update.key = data::DecoratedKey::Of(std::move(key));
  mutation.update.rows.push_back(
      data::Row{.clustering = "c", .cells = {data::Cell::Value(0, 10, "v")}});
  return mutation;
}

// Writes "old" keys, truncates with a snapshot, writes "new" keys, restores, takes another snapshot
// and removes the first. What may be seen is known at every moment.
class Maintenance {
 public:
  explicit Maintenance(uint64_t seed) : w(seed, 2) { w.options.incremental_backups = true; }

  Task<void> Run() {
    if (!(co_await w.Open()).ok()) co_return;
    co_await Write("old", 8, &old_);
    (void)co_await w.engine->Flush(std::nullopt);
    co_await Write("old, in memory", 4, &old_);
    first_operation = w.world.files().operations();

    old_may_go_ = true;
    const absl::Status truncated = co_await w.engine->Truncate(TestTableId(0), kSnapshot);
    if (truncated.ok()) old_must_be_gone_ = true;
    co_await Write("new", 3, &new_);

    if (truncated.ok()) {
      old_may_be_back_ = true;
      const absl::Status restored = co_await w.engine->RestoreSnapshot(TestTableId(0), kSnapshot);
      if (restored.ok()) old_must_be_back_ = true;
    }
    const auto second = co_await w.engine->Snapshot(TestTableId(0), "t");
    if (second.ok()) snapshot_must_be_there_ = true;
    (void)co_await w.engine->RemoveSnapshot(TestTableId(0), kSnapshot);
    (void)co_await w.engine->CompactAll(TestTableId(0));
    co_await w.engine->Stop();
    ended = true;
  }

  void Check(const std::string& when) {
    const absl::Status opened = w.OpenNow();
    ASSERT_TRUE(opened.ok()) << opened << " " << when;
    const auto seen = w.world.Run(w.Scan(TestTableId(0)));
    ASSERT_TRUE(seen.ok()) << seen.status() << " " << when;
    for (const std::string& key : new_) EXPECT_TRUE(seen->contains(key)) << key << " " << when;
    size_t old_seen = 0;
    for (const std::string& key : old_) old_seen += seen->contains(key) ? 1 : 0;
    // All or nothing.
    EXPECT_TRUE(old_seen == 0 || old_seen == old_.size()) << old_seen << " " << when;
    if (!old_may_go_ || old_must_be_back_) EXPECT_EQ(old_seen, old_.size()) << when;
    if (old_must_be_gone_ && !old_may_be_back_) EXPECT_EQ(old_seen, 0u) << when;
    const auto snapshots = w.world.Run(w.engine->ListSnapshots());
    ASSERT_TRUE(snapshots.ok()) << snapshots.status() << " " << when;
    bool has_second = false;
    for (const SnapshotInfo& info : *snapshots) has_second |= info.snapshot.name == "t";
    if (snapshot_must_be_there_) EXPECT_TRUE(has_second) << when;
    if (has_second) {
      // Whatever is there under its name is whole.
      const absl::Status restored = w.world.Run(w.engine->RestoreSnapshot(TestTableId(0), "t"));
      EXPECT_TRUE(restored.ok()) << restored << " " << when;
    }
    w.world.Run(w.engine->Stop());
    EXPECT_EQ(w.Orphans(), std::vector<std::string>{}) << when;
  }

  EngineWorld w;
  uint64_t first_operation = 0;  // of the truncation
  bool ended = false;

 private:
  Task<void> Write(std::string prefix, int count, std::vector<std::string>* acknowledged) {
    for (int i = 0; i < count; ++i) {
      const std::string key = base::StrCat(prefix, i);
      if ((co_await w.Apply(Put(key))).ok()) acknowledged->push_back(key);
    }
  }

  std::vector<std::string> old_;  // acknowledged
  std::vector<std::string> new_;
  bool old_may_go_ = false;
  bool old_must_be_gone_ = false;
  bool old_may_be_back_ = false;
  bool old_must_be_back_ = false;
  bool snapshot_must_be_there_ = false;
};

void CutEverywhere(bool power_loss) {
  constexpr uint64_t kSeed = 3;
  Maintenance whole(kSeed);
  whole.w.world.Run(whole.Run());
  ASSERT_TRUE(whole.ended);
  whole.w.world.KillAndBoot();
  whole.Check("whole");
  int cuts = 0;
  bool ended = false;
  for (uint64_t cut = whole.first_operation; !ended; ++cut, ++cuts) {
    Maintenance run(kSeed);
    run.w.world.files().CrashAtOperation(cut, power_loss);
    run.w.world.RunOrCrash([&]() -> Task<void> { return run.Run(); });
    ended = run.ended;
    run.w.world.files().CancelCrash();
    power_loss ? run.w.world.PowerLossAndBoot() : run.w.world.KillAndBoot();
    run.Check(base::StrCat("cut ", cut));
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(cuts, 100);
}

TEST(EngineMaintenanceCrash, PowerLossAtEveryOperation) { CutEverywhere(true); }
TEST(EngineMaintenanceCrash, KillAtEveryOperation) { CutEverywhere(false); }

TEST(EngineMaintenanceCrash, EveryOperationFails) {
  constexpr DiskOp kOps[] = {DiskOp::kOpen,   DiskOp::kWrite,  DiskOp::kSync,
                             DiskOp::kRename, DiskOp::kRemove, DiskOp::kLink,
                             DiskOp::kList,   DiskOp::kSize,   DiskOp::kSyncDirectory};
  for (const int error : {EIO, ENOSPC}) {
    for (const DiskOp op : kOps) {
      for (int skip = 0; skip < 30; skip += 1 + skip / 10) {
        const std::string when = base::StrCat(DiskOpName(op), " ", skip, " errno ", error);
        Maintenance run(static_cast<uint64_t>(skip) + 1);
        run.w.world.files().FailNext(
            {.op = op, .path_contains = "ks.t0", .skip = skip, .error = error});
        run.w.world.RunOrCrash([&]() -> Task<void> { return run.Run(); });
        run.w.world.files().ForgetPlannedFaults();
        skip % 2 == 0 ? run.w.world.PowerLossAndBoot() : run.w.world.KillAndBoot();
        run.Check(when);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

// A truncation without a snapshot, of what is in SSTables and in memory, cut short at every
// operation: all of it is there, or nothing.
TEST(EngineMaintenanceCrash, TruncationAlone) {
  for (const bool power_loss : {true, false}) {
    bool ended = false;
    int cuts = 0;
    for (uint64_t cut = 1; !ended; ++cut, ++cuts) {
      bool truncated = false;
      EngineWorld w(6, 2);
      ASSERT_TRUE(w.OpenNow().ok());
      for (int i = 0; i < 16; ++i) {
        ASSERT_TRUE(w.world.Run(w.Apply(Put(base::StrCat("k", i)))).ok());
        if (i == 5 || i == 10) ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
      }
      w.world.files().CrashAtOperation(w.world.files().operations() + cut, power_loss);
      ended = w.world.RunOrCrash([&]() -> Task<void> {
        return [](EngineWorld* world, bool* done) -> Task<void> {
          *done = (co_await world->engine->Truncate(TestTableId(0), std::nullopt)).ok();
          // Removals of files go on.
          co_await world->engine->Stop();
        }(&w, &truncated);
      });
      w.world.files().CancelCrash();
      power_loss ? w.world.PowerLossAndBoot() : w.world.KillAndBoot();
      const absl::Status reopened = w.OpenNow();
      ASSERT_TRUE(reopened.ok()) << reopened << " cut " << cut;
      const auto seen = w.world.Run(w.Scan(TestTableId(0)));
      ASSERT_TRUE(seen.ok()) << seen.status() << " cut " << cut;
      ASSERT_TRUE(seen->empty() || (seen->size() == 16 && !truncated))
          << seen->size() << " cut " << cut;
      w.StopNow();
      ASSERT_EQ(w.Orphans(), std::vector<std::string>{}) << "cut " << cut;
    }
    EXPECT_GT(cuts, 4);
  }
}

// Three shards with data in SSTables and in the log; a start with two is cut short.
TEST(EngineMaintenanceCrash, ChangingTheNumberOfShards) {
  for (const bool power_loss : {true, false}) {
    bool opened = false;
    int cuts = 0;
    for (uint64_t cut = 1; !opened; ++cut, ++cuts) {
      EngineWorld w(5, 3);
      ASSERT_TRUE(w.OpenNow().ok());
      std::vector<std::string> keys;
      for (int i = 0; i < 18; ++i) {
        keys.push_back(base::StrCat("k", i));
        ASSERT_TRUE(w.world.Run(w.Apply(Put(keys.back()))).ok());
        if (i == 9) ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
      }
      w.BootWithShards(2);
      w.world.files().CrashAtOperation(w.world.files().operations() + cut, power_loss);
      w.world.RunOrCrash([&]() -> Task<void> {
        return [](EngineWorld* world, bool* done) -> Task<void> {
          *done = (co_await world->Open()).ok();
        }(&w, &opened);
      });
      w.world.files().CancelCrash();
      power_loss ? w.world.PowerLossAndBoot() : w.world.KillAndBoot();
      const absl::Status reopened = w.OpenNow();
      ASSERT_TRUE(reopened.ok()) << reopened << " cut " << cut;
      const auto seen = w.world.Run(w.Scan(TestTableId(0)));
      ASSERT_TRUE(seen.ok()) << seen.status();
      for (const std::string& key : keys) ASSERT_TRUE(seen->contains(key)) << key << " cut " << cut;
      ASSERT_TRUE(w.world.Run(w.engine->CompactAll(TestTableId(0))).ok());
      w.world.Run(w.engine->Stop());
      ASSERT_EQ(w.Orphans(), std::vector<std::string>{}) << "cut " << cut;
      for (const std::string& path : w.Files()) {
        ASSERT_EQ(path.find("/commitlog/1-"), path.npos) << path << " cut " << cut;
      }
    }
    EXPECT_GT(cuts, 60);
  }
}

// The same start with one operation that fails: it says so, or it opens; the next one opens with
// everything.
TEST(EngineMaintenanceCrash, EveryOperationOfAChangeOfShardsFails) {
  constexpr DiskOp kOps[] = {DiskOp::kOpen,          DiskOp::kRead,           DiskOp::kWrite,
                             DiskOp::kSync,          DiskOp::kAllocate,       DiskOp::kRename,
                             DiskOp::kRemove,        DiskOp::kList,           DiskOp::kSize,
                             DiskOp::kSyncDirectory, DiskOp::kMakeDirectories};
  for (const int error : {EIO, ENOSPC}) {
    for (const DiskOp op : kOps) {
      for (int skip = 0; skip < 24; skip += 1 + skip / 8) {
        const std::string when = base::StrCat(DiskOpName(op), " ", skip, " errno ", error);
        EngineWorld w(static_cast<uint64_t>(skip) + 1, 3);
        ASSERT_TRUE(w.OpenNow().ok());
        std::vector<std::string> keys;
        for (int i = 0; i < 18; ++i) {
          keys.push_back(base::StrCat("k", i));
          ASSERT_TRUE(w.world.Run(w.Apply(Put(keys.back()))).ok());
          if (i == 9) ASSERT_TRUE(w.world.Run(w.engine->Flush(std::nullopt)).ok());
        }
        w.BootWithShards(2);
        w.world.files().FailNext({.op = op, .skip = skip, .error = error});
        const absl::Status first = w.OpenNow();
        w.world.files().ForgetPlannedFaults();
        if (!first.ok()) EXPECT_FALSE(first.message().empty()) << when;
        skip % 2 == 0 ? w.world.PowerLossAndBoot() : w.world.KillAndBoot();
        const absl::Status reopened = w.OpenNow();
        ASSERT_TRUE(reopened.ok()) << reopened << " " << when;
        const auto seen = w.world.Run(w.Scan(TestTableId(0)));
        ASSERT_TRUE(seen.ok()) << seen.status() << " " << when;
        for (const std::string& key : keys) ASSERT_TRUE(seen->contains(key)) << key << " " << when;
        w.StopNow();
        ASSERT_EQ(w.Orphans(), std::vector<std::string>{}) << when;
      }
    }
  }
}

}  // namespace
}  // namespace tholos::storage
