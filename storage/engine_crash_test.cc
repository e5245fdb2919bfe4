// The power is cut at every single file operation of a scenario that has everything in it; and
// every operation of each kind fails in turn.
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;
using base::sim::DiskOp;

// Writes, flushes, rotates, compacts, deletes, one after the other. What was acknowledged goes into
// `model`; what ended otherwise into `unknown`.
class Scenario {
 public:
  explicit Scenario(uint64_t seed) : w(seed, 2), maker_(7, {.tables = 1, .any_order = false}) {
    w.options.commitlog_segment_bytes = 8 << 10;
    w.options.mutation_bytes_max = 4 << 10;
    w.options.commitlog_bytes_max = 32 << 10;
  }

  Task<void> Run() {
    const absl::Status opened = co_await w.Open();
    if (!opened.ok()) co_return;
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 25; ++i) co_await Write();
      (void)co_await w.engine->Flush(std::nullopt);
    }
    (void)co_await w.engine->CompactAll(TestTableId(0));
    for (int i = 0; i < 25; ++i) co_await Write();
    co_await w.engine->Stop();
    ended = true;
  }

  Task<void> Write() {
    unknown.push_back(maker_.Next(w.now_seconds()));
    const absl::Status status = co_await w.Apply(unknown.back());
    if (!status.ok()) co_return;
    model.Apply(unknown.back());
    unknown.pop_back();
    ++acknowledged;
  }

  // Opens what is left, and compares.
  void Check(std::string_view when) {
    const absl::Status opened = w.OpenNow();
    ASSERT_TRUE(opened.ok()) << opened << " " << when;
    auto seen = w.world.Run(w.Scan(TestTableId(0)));
    ASSERT_TRUE(seen.ok()) << seen.status() << " " << when;
    const int64_t now = w.now_seconds();
    for (int p = 0; p < 6; ++p) {
      const std::string key = base::StrCat("p", p);
      ASSERT_TRUE(Explains((*seen)[key], key, now))
          << when << " " << key << "\n  seen     " << ToString((*seen)[key]) << "\n  expected "
          << ToString(model.Visible(TestTableId(0), key, now)) << "\n  unknown " << unknown.size();
    }
    w.world.Run(w.engine->Stop());
    ASSERT_EQ(w.Orphans(), std::vector<std::string>{}) << when;
  }

  EngineWorld w;
  Model model;
  std::vector<data::Mutation> unknown;
  int acknowledged = 0;
  bool ended = false;

 private:
  bool Explains(const VisiblePartition& seen, const std::string& key, int64_t now) const {
    std::vector<data::Mutation> possible;
    for (const auto& mutation : unknown) {
      if (mutation.update.key.key == key) possible.push_back(mutation);
    }
    // More than a few failed mutations of one partition: any may be there, so only what is certain
    // is left to compare, and that another test does.
    if (possible.size() > 10) return true;
    for (uint64_t subset = 0; subset < uint64_t{1} << possible.size(); ++subset) {
      Model with = model;
      for (size_t i = 0; i < possible.size(); ++i) {
        if (subset >> i & 1) with.Apply(possible[i]);
      }
      if (with.Visible(TestTableId(0), key, now) == seen) return true;
    }
    return false;
  }

  MutationMaker maker_;
};

void CrashEverywhere(bool power_loss) {
  uint64_t cut = 1;
  for (bool ended = false; !ended; ++cut) {
    Scenario scenario(cut);
    scenario.w.world.files().CrashAtOperation(cut, power_loss);
    scenario.w.world.RunOrCrash([&]() -> Task<void> { return scenario.Run(); });
    ended = scenario.ended;
    scenario.w.world.files().CancelCrash();
    power_loss ? scenario.w.world.PowerLossAndBoot() : scenario.w.world.KillAndBoot();
    scenario.Check(base::StrCat("cut ", cut));
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(cut, 200u);
}

TEST(EngineCrash, PowerLossAtEveryOperation) { CrashEverywhere(true); }
TEST(EngineCrash, KillAtEveryOperation) { CrashEverywhere(false); }

TEST(EngineCrash, EveryOperationFails) {
  constexpr DiskOp kOps[] = {DiskOp::kOpen,          DiskOp::kWrite,           DiskOp::kSync,
                             DiskOp::kAllocate,      DiskOp::kRename,          DiskOp::kRemove,
                             DiskOp::kSyncDirectory, DiskOp::kMakeDirectories, DiskOp::kRead,
                             DiskOp::kSize,          DiskOp::kClose,           DiskOp::kList,
                             DiskOp::kExists};
  for (const int error : {EIO, ENOSPC}) {
    for (const DiskOp op : kOps) {
      for (int skip = 0; skip < 40; ++skip) {
        const std::string when = base::StrCat(DiskOpName(op), " ", skip, " errno ", error);
        Scenario scenario(static_cast<uint64_t>(skip) + 1);
        scenario.w.world.files().FailNext({.op = op, .skip = skip, .error = error});
        scenario.w.world.RunOrCrash([&]() -> Task<void> { return scenario.Run(); });
        scenario.w.world.files().ForgetPlannedFaults();
        skip % 2 == 0 ? scenario.w.world.PowerLossAndBoot() : scenario.w.world.KillAndBoot();
        scenario.Check(when);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace tholos::storage
