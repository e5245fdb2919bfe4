// Single flipped bits in every kind of file that an engine leaves behind: the engine says
// that something is damaged, or it shows exactly what was written. Never a wrong row, a crash or a
// hang.
//
//   THOLOS_SEEDS=800 build/bin/tests/storage_test --gtest_filter='EngineFlips*'   # 100 flips each
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/strings.h"
#include "gtest/gtest.h"
#include "sstable/block.h"
#include "sstable/format.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;

constexpr char kSnapshot[] = "s";

// Bytes of a file that mean the same kind of thing.
struct Stretch {
  std::string path;
  uint64_t begin = 0;
  uint64_t end = 0;
};
using Kinds = std::map<std::string, std::vector<Stretch>>;

// The sections of an SSTable, each with the blocks' trailers.
void AddSections(const std::string& path, const std::string& bytes, Kinds* kinds) {
  const uint64_t footer_at = bytes.size() - sstable::kFooterBytes;
  const auto footer = sstable::DecodeFooter(bytes.substr(footer_at), footer_at);
  ASSERT_TRUE(footer.ok()) << footer.status();
  const auto payload_of = [&](const sstable::BlockHandle& handle) {
    return *sstable::UnsealBlock(bytes.substr(handle.offset, handle.stored_bytes), footer->file_id,
                                 handle.offset);
  };
  uint64_t data_begin = 0;
  sstable::BlockCursor pages(*sstable::Block::Parse(payload_of(footer->root)));
  for (pages.ToBeforeFirst(); pages.Next();) {
    const sstable::BlockHandle page = *sstable::DecodeHandle(pages.value());
    (*kinds)["SSTable: data"].push_back({path, data_begin, page.offset});
    (*kinds)["SSTable: index"].push_back({path, page.offset, page.end()});
    data_begin = page.end();
  }
  const auto add = [&](const char* kind, const sstable::BlockHandle& handle) {
    (*kinds)[kind].push_back({path, handle.offset, handle.end()});
  };
  add("SSTable: filter", footer->filter);
  add("SSTable: statistics", footer->statistics);
  add("SSTable: root", footer->root);
  (*kinds)["SSTable: footer"].push_back({path, footer_at, bytes.size()});
}

struct Count {
  uint64_t found = 0;
  uint64_t harmless = 0;
};
using Counts = std::map<std::string, Count>;

// An engine that has lived, stopped: some of its data in SSTables, some in the commit log, some in
// a snapshot.
class Flipped {
 public:
  explicit Flipped(uint64_t seed) : w_(seed, /*shards=*/1), maker_(seed, {.any_order = true}) {
    w_.options.memtable_bytes_max = 24 << 10;
    w_.options.commitlog_bytes_max = 48 << 10;
    w_.options.incremental_backups = true;
    EXPECT_TRUE(w_.OpenNow().ok());
    w_.world.Run([&]() -> Task<void> {
      for (int i = 0; i < 120; ++i) {
        data::Mutation mutation = maker_.Next(w_.now_seconds());
        model_.Apply(mutation);
        EXPECT_TRUE((co_await w_.Apply(std::move(mutation))).ok());
        if (i == 40) {
          EXPECT_TRUE((co_await w_.engine->Snapshot(TestTableId(0), kSnapshot)).ok());
          in_snapshot_.Restore(TestTableId(0), model_.HistoryOf(TestTableId(0)));
        }
        if (i == 40 || i == 80) EXPECT_TRUE((co_await w_.engine->Flush(std::nullopt)).ok());
      }
      // The snapshot's files are its own then.
      EXPECT_TRUE((co_await w_.engine->CompactAll(TestTableId(0))).ok());
    });
    // Files that nothing needs any more are gone then.
    w_.StopNow();
    w_.world.KillAndBoot();
    for (const std::string& path : w_.Files()) {
      files_[path] = *w_.world.files().Peek(path);
      AddKinds(path);
    }
  }

  // Empty, or what went wrong with a bit of a file: of a kind that is as likely as any other.
  std::string TryOne(base::RandomStream& random, Counts* counts) {
    auto kind = kinds_.begin();
    std::advance(kind, random.Below(kinds_.size()));
    const Stretch& stretch = kind->second[random.Below(kind->second.size())];
    const uint64_t at = stretch.begin + random.Below(stretch.end - stretch.begin);
    const int bit = static_cast<int>(random.Below(8));
    EXPECT_TRUE(w_.world.files().FlipBit(stretch.path, at, bit));
    const bool of_snapshot = kind->first.starts_with("snapshot");
    const std::string wrong = of_snapshot ? RestoresWhatWasKept() : ShowsWhatWasWritten();
    (damage_ ? (*counts)[kind->first].found : (*counts)[kind->first].harmless) += 1;
    w_.world.KillAndBoot();
    Repair();
    if (wrong.empty()) return "";
    return base::StrCat("bit ", bit, " of byte ", at, " of ", stretch.path, ": ", wrong);
  }

  // Nothing is flipped.
  std::string ShowsUnharmed() {
    for (const bool of_snapshot : {false, true}) {
      const std::string wrong = of_snapshot ? RestoresWhatWasKept() : ShowsWhatWasWritten();
      w_.world.KillAndBoot();
      Repair();
      if (damage_) return "damaged from the start";
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

 private:
  void AddKinds(const std::string& path) {
    const bool of_snapshot = path.find("/snapshots/") != std::string::npos;
    if (path.find("/backups/") != std::string::npos || files_[path].empty()) return;
    const Stretch whole{path, 0, files_[path].size()};
    if (path.ends_with(".log")) {
      kinds_["commit log"].push_back(whole);
    } else if (path.ends_with("/manifest")) {
      kinds_[of_snapshot ? "snapshot: manifest" : "manifest"].push_back(whole);
    } else if (path.ends_with("/engine.meta")) {
      kinds_["engine.meta"].push_back(whole);
    } else if (path.ends_with(".sst") && of_snapshot) {
      kinds_["snapshot: SSTable"].push_back(whole);
    } else if (path.ends_with(".sst")) {
      AddSections(path, files_[path], &kinds_);
    }
  }

  // By a scan and by reads of each partition, which use the filter and the index. What is expected
  // is that of the second in which each begins: cells expire meanwhile.
  std::string Shows(uint8_t table, const Model& expected) {
    const data::TableId id = TestTableId(table);
    int64_t now = 0;
    const auto seen = w_.world.Run([&]() -> Task<absl::StatusOr<VisibleTable>> {
      now = w_.now_seconds();
      co_return co_await w_.Scan(id);
    });
    if (!seen.ok()) {
      damage_ = true;
    } else if (*seen != expected.Visible(id, now)) {
      return base::StrCat("a scan of table ", table, " shows something else");
    }
    for (int p = 0; p < 7; ++p) {
      const std::string key = base::StrCat("p", p);
      const auto partition = w_.world.Run([&]() -> Task<absl::StatusOr<VisiblePartition>> {
        now = w_.now_seconds();
        co_return co_await w_.ReadPartition(id, key);
      });
      if (!partition.ok()) {
        damage_ = true;
      } else if (*partition != expected.Visible(id, key, now)) {
        return base::StrCat("a read of ", key, " of table ", table, " shows something else");
      }
    }
    return "";
  }

  std::string ShowsWhatWasWritten() {
    damage_ = !w_.OpenNow().ok();
    if (damage_) return "";
    std::string wrong;
    for (uint8_t t = 0; t < 2 && wrong.empty(); ++t) wrong = Shows(t, model_);
    w_.StopNow();
    return wrong;
  }

  // The table is what the snapshot had, or the restoring says that it is damaged.
  std::string RestoresWhatWasKept() {
    damage_ = false;
    if (!w_.OpenNow().ok()) return "does not open";
    const data::TableId id = TestTableId(0);
    if (!w_.world.Run(w_.engine->Truncate(id, std::nullopt)).ok()) return "is not truncated";
    const absl::Status restored = w_.world.Run(w_.engine->RestoreSnapshot(id, kSnapshot));
    damage_ = !restored.ok();
    std::string wrong = Shows(0, damage_ ? Model() : in_snapshot_);
    w_.StopNow();
    return wrong;
  }

  void Repair() {
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
  Model in_snapshot_;
  std::map<std::string, std::string> files_;
  Kinds kinds_;
  bool damage_ = false;  // the last attempt found it
};

TEST(EngineFlips, AFlippedBitIsFoundOrHarmless) {
  const uint64_t seed = base::sim::SeedFromEnvironment(1);
  const uint64_t worlds = base::sim::SeedCountFromEnvironment(5);
  constexpr int kFlips = 100;
  Counts counts;
  for (uint64_t i = 0; i < worlds; ++i) {
    SCOPED_TRACE(base::StrCat("THOLOS_SEED=", seed + i));
    base::RandomStream random(seed + i);
    Flipped engine(seed + i);
    ASSERT_EQ(engine.ShowsUnharmed(), "");
    for (int flip = 0; flip < kFlips; ++flip) ASSERT_EQ(engine.TryOne(random, &counts), "");
  }
  EXPECT_EQ(counts.size(), 11u);
  for (const auto& [kind, count] : counts) {
    EXPECT_GT(count.found, 0u) << kind;
    std::printf("flips\t%s\t%llu\t%llu\n", kind.c_str(),
                static_cast<unsigned long long>(count.found),
                static_cast<unsigned long long>(count.harmless));
  }
}

}  // namespace
}  // namespace tholos::storage
