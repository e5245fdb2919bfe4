// Single flipped bits in every file that a killed engine leaves behind: the engine says that
// something is damaged, or it shows exactly what was written. Never a wrong row, a crash or a hang.
#include <map>

#include "base/strings.h"
#include "gtest/gtest.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;

// An engine that has lived, stopped: some of its data in SSTables, some in the commit log.
class Flipped {
 public:
  explicit Flipped(uint64_t seed) : w_(seed, /*shards=*/1), maker_(seed, {.any_order = true}) {
    w_.options.memtable_bytes_max = 24 << 10;
    w_.options.commitlog_bytes_max = 48 << 10;
    EXPECT_TRUE(w_.OpenNow().ok());
    w_.world.Run([&]() -> Task<void> {
      for (int i = 0; i < 120; ++i) {
        data::Mutation mutation = maker_.Next(w_.now_seconds());
        model_.Apply(mutation);
        EXPECT_TRUE((co_await w_.Apply(std::move(mutation))).ok());
        if (i == 40 || i == 80) EXPECT_TRUE((co_await w_.engine->Flush(std::nullopt)).ok());
      }
    });
    w_.world.KillAndBoot();
    for (const std::string& path : w_.Files()) {
      files_[path] = *w_.world.files().Peek(path);
      total_ += files_[path].size();
    }
  }

  // Empty, or what went wrong with a bit of a file, each as likely as it is large.
  std::string TryOne(base::RandomStream& random) {
    uint64_t at = random.Below(total_);
    auto file = files_.begin();
    while (at >= file->second.size()) at -= (file++)->second.size();
    const int bit = static_cast<int>(random.Below(8));
    EXPECT_TRUE(w_.world.files().FlipBit(file->first, at, bit));
    const std::string wrong = ShowsWhatWasWritten();
    w_.world.KillAndBoot();
    Restore();
    if (wrong.empty()) return "";
    return base::StrCat("bit ", bit, " of byte ", at, " of ", file->first, ": ", wrong);
  }

  // Nothing is flipped.
  std::string ShowsUnharmed() {
    const std::string wrong = ShowsWhatWasWritten();
    w_.world.KillAndBoot();
    Restore();
    return found_ > 0 ? "damaged from the start" : wrong;
  }

  int found() const { return found_; }

 private:
  std::string ShowsWhatWasWritten() {
    if (!w_.OpenNow().ok()) {
      ++found_;
      return "";
    }
    std::string wrong;
    bool damage = false;
    for (uint8_t t = 0; t < 2 && wrong.empty(); ++t) {
      const int64_t now = w_.now_seconds();
      const auto seen = w_.world.Run(w_.Scan(TestTableId(t)));
      if (!seen.ok()) {
        damage = true;
      } else if (*seen != model_.Visible(TestTableId(t), now)) {
        wrong = base::StrCat("table ", t, " shows something else");
      }
    }
    w_.StopNow();
    if (damage) ++found_;
    return wrong;
  }

  void Restore() {
    const std::vector<std::string> left = w_.Files();
    w_.world.Run([&]() -> Task<void> {
      base::FileSystem& fs = w_.world.files();
      for (const std::string& path : left) {
        if (!files_.contains(path)) EXPECT_TRUE((co_await fs.Remove(path)).ok());
      }
      for (const auto& [path, contents] : files_) {
        const auto now = w_.world.files().Peek(path);
        if (now.ok() && *now == contents) continue;
        EXPECT_TRUE((co_await base::WriteFileAtomically(fs, path, contents)).ok());
      }
    });
  }

  EngineWorld w_;
  MutationMaker maker_;
  Model model_;
  std::map<std::string, std::string> files_;
  uint64_t total_ = 0;
  int found_ = 0;
};

TEST(EngineFlips, AFlippedBitIsFoundOrHarmless) {
  const uint64_t seed = base::sim::SeedFromEnvironment(1);
  const uint64_t worlds = base::sim::SeedCountFromEnvironment(2);
  constexpr int kFlips = 100;
  int found = 0;
  for (uint64_t i = 0; i < worlds; ++i) {
    SCOPED_TRACE(base::StrCat("THOLOS_SEED=", seed + i));
    base::RandomStream random(seed + i);
    Flipped engine(seed + i);
    ASSERT_EQ(engine.ShowsUnharmed(), "");
    for (int flip = 0; flip < kFlips; ++flip) ASSERT_EQ(engine.TryOne(random), "");
    found += engine.found();
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace tholos::storage
