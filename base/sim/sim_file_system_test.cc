#include "base/sim/sim_file_system.h"

#include <map>
#include <set>

#include "base/async/when_all.h"
#include "base/clock.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::base::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

#define CO_ASSERT_OK(expression)                                  \
  do {                                                            \
    const absl::Status co_assert_status = ToStatus((expression)); \
    EXPECT_TRUE(co_assert_status.ok()) << co_assert_status;       \
    if (!co_assert_status.ok()) co_return;                        \
  } while (false)

absl::Status ToStatus(absl::Status status) { return status; }

Task<std::unique_ptr<File>> OpenOrDie(FileSystem& fs, std::string path, OpenMode mode) {
  auto file = co_await fs.Open(path, mode);
  THOLOS_CHECK(file.ok()) << file.status();
  co_return *std::move(file);
}

std::vector<std::string> Names(const absl::StatusOr<std::vector<DirectoryEntry>>& entries) {
  std::vector<std::string> names;
  if (!entries.ok()) return {entries.status().ToString()};
  for (const auto& entry : *entries) names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  return names;
}

TEST(SimFileSystem, FilesAndDirectories) {
  TestWorld world;
  world.Run([&]() -> Task<void> {
    FileSystem& fs = world.files();
    CO_ASSERT_OK(co_await fs.MakeDirectories("/data/a"));
    CO_ASSERT_OK(co_await fs.MakeDirectories("/data/a"));
    auto file = co_await OpenOrDie(fs, "/data/f", OpenMode::kCreate);
    CO_ASSERT_OK(co_await file->Write(3, "def"));
    CO_ASSERT_OK(co_await file->Write(0, "abc"));
    EXPECT_EQ(*co_await file->Read(1, 100), "bcdef");
    EXPECT_EQ(*co_await file->Read(6, 1), "");
    CO_ASSERT_OK(co_await file->Allocate(8));
    CO_ASSERT_OK(co_await file->Allocate(2));
    EXPECT_EQ(*co_await file->Size(), 8u);
    EXPECT_EQ(*co_await file->Read(5, 9), std::string("f\0\0", 3));
    CO_ASSERT_OK(co_await file->Truncate(2));
    EXPECT_EQ(*co_await file->Size(), 2u);
    CO_ASSERT_OK(co_await file->Close());
    EXPECT_FALSE((co_await file->Read(0, 1)).ok());
    CO_ASSERT_OK(co_await fs.Link("/data/f", "/data/g"));
    CO_ASSERT_OK(co_await fs.Rename("/data/f", "/data/a/h"));
    EXPECT_THAT(Names(co_await fs.List("/data")), ElementsAre("a/", "g"));
    EXPECT_EQ(*co_await ReadFile(fs, "/data/a/h", 100), "ab");
    CO_ASSERT_OK(co_await fs.Remove("/data/g"));
    EXPECT_FALSE(*co_await fs.Exists("/data/g"));
    CO_ASSERT_OK(co_await WriteFileAtomically(fs, "/data/i", "once"));
    CO_ASSERT_OK(co_await WriteFileAtomically(fs, "/data/i", "twice"));
    EXPECT_EQ(*co_await ReadFile(fs, "/data/i", 100), "twice");
  });
}

TEST(SimFileSystem, ErrorsNameTheOperationAndThePath) {
  TestWorld world;
  world.Run([&]() -> Task<void> {
    FileSystem& fs = world.files();
    const absl::Status missing = (co_await fs.Open("/no/f", OpenMode::kRead)).status();
    EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(missing.ToString(), HasSubstr("open /no/f"));
    CO_ASSERT_OK(co_await fs.MakeDirectories("/d/e"));
    const absl::Status not_empty = co_await fs.Remove("/d");
    EXPECT_EQ(not_empty.code(), absl::StatusCode::kInternal);
    auto lock = co_await fs.LockFile("/lock");
    EXPECT_TRUE(lock.ok());
    const absl::Status locked = (co_await fs.LockFile("/lock")).status();
    EXPECT_EQ(locked.code(), absl::StatusCode::kFailedPrecondition);
    lock->reset();
    const absl::Status again = (co_await fs.LockFile("/lock")).status();
    EXPECT_TRUE(again.ok());
    const absl::Status exists = (co_await fs.Open("/lock", OpenMode::kCreate)).status();
    EXPECT_EQ(exists.code(), absl::StatusCode::kAlreadyExists);
    auto read_only = co_await OpenOrDie(fs, "/lock", OpenMode::kRead);
    const absl::Status refused = co_await read_only->Write(0, "x");
    EXPECT_FALSE(refused.ok());
  });
}

TEST(SimFileSystem, AKilledProcessLosesNothingButItsLocks) {
  TestWorld world;
  world.RunOrCrash([&]() -> Task<void> {
    auto lock = co_await world.files().LockFile("/lock");
    EXPECT_TRUE(lock.ok());
    auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
    CO_ASSERT_OK(co_await file->Write(0, "written"));
    world.node().Kill();
    co_await Yield();
  });
  world.KillAndBoot();
  world.Run([&]() -> Task<void> {
    EXPECT_EQ(*co_await ReadFile(world.files(), "/f", 100), "written");
    const absl::Status lock = (co_await world.files().LockFile("/lock")).status();
    EXPECT_TRUE(lock.ok());
  });
}

// Many seeds write, sync and lose power; the set of outcomes shows what the disk may do.
TEST(SimFileSystem, PowerLossKeepsWhatWasSyncedAndMayLoseTheRest) {
  const std::string synced(2000, 's');
  const std::string unsynced(2000, 'u');
  int lost = 0, kept = 0, torn = 0, short_file = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await file->Write(0, synced + synced));
      CO_ASSERT_OK(co_await file->Sync());
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      CO_ASSERT_OK(co_await file->Write(2000, unsynced + unsynced));
    });
    world.PowerLossAndBoot();
    const std::string contents = *world.files().Peek("/f");
    ASSERT_GE(contents.size(), 4000u);
    ASSERT_EQ(contents.substr(0, 2000), synced) << "seed " << seed;
    const std::string rest = contents.substr(2000);
    if (rest == synced) {
      ++lost;
    } else if (rest == unsynced + unsynced) {
      ++kept;
    } else {
      ++torn;
      short_file += rest.size() == 2000;
    }
  }
  EXPECT_GT(lost, 20);
  EXPECT_GT(kept, 20);
  EXPECT_GT(torn, 50);
  EXPECT_GT(short_file, 5);
}

TEST(SimFileSystem, AnUnsyncedDirectoryEntryMayBeLost) {
  int lost = 0, kept = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await file->Write(0, "x"));
      CO_ASSERT_OK(co_await file->Sync());
    });
    world.PowerLossAndBoot();
    world.files().Peek("/f").ok() ? ++kept : ++lost;
  }
  EXPECT_GT(lost, 20);
  EXPECT_GT(kept, 20);
}

TEST(SimFileSystem, AnUnsyncedRenameLeavesTheOldOrTheNew) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      SimFileSystem& fs = world.files();
      CO_ASSERT_OK(co_await fs.MakeDirectories("/x"));
      CO_ASSERT_OK(co_await WriteFileAtomically(fs, "/new", "new"));
      CO_ASSERT_OK(co_await WriteFileAtomically(fs, "/target", "old"));
      CO_ASSERT_OK(co_await WriteFileAtomically(fs, "/moved", "moved"));
      CO_ASSERT_OK(co_await fs.Rename("/new", "/target"));
      CO_ASSERT_OK(co_await fs.Rename("/moved", "/x/moved"));
    });
    world.PowerLossAndBoot();
    SimFileSystem& fs = world.files();
    const std::string target = *fs.Peek("/target");
    EXPECT_TRUE(target == "old" || target == "new") << target;
    EXPECT_EQ(fs.Peek("/new").ok(), target == "old");
    EXPECT_NE(fs.Peek("/moved").ok(), fs.Peek("/x/moved").ok()) << "seed " << seed;
    outcomes.insert(target + (fs.Peek("/moved").ok() ? " stayed" : " moved"));
  }
  EXPECT_EQ(outcomes.size(), 4u);
}

TEST(SimFileSystem, WhatIsWrittenDurablyIsThereAndNothingElse) {
  int lost = 0, cut = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await file->Allocate(8192));
      CO_ASSERT_OK(co_await file->Sync());
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      CO_ASSERT_OK(co_await file->Write(0, std::string(1024, 'u')));
      CO_ASSERT_OK(co_await file->WriteDurably(2048, std::string(1024, 'd')));
      // Over sectors that were not synced, and beyond the end.
      auto grown = co_await OpenOrDie(world.files(), "/g", OpenMode::kCreate);
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      CO_ASSERT_OK(co_await grown->Write(0, std::string(600, 'u')));
      CO_ASSERT_OK(co_await grown->WriteDurably(512, std::string(1024, 'd')));
      EXPECT_EQ((*co_await grown->Read(500, 20)), std::string(12, 'u') + std::string(8, 'd'));
    });
    world.PowerLossAndBoot();
    const std::string contents = *world.files().Peek("/f");
    ASSERT_EQ(contents.size(), 8192u);
    EXPECT_EQ(contents.substr(2048, 1024), std::string(1024, 'd')) << "seed " << seed;
    lost += contents.substr(0, 1024) != std::string(1024, 'u');
    const std::string grown = *world.files().Peek("/g");
    ASSERT_EQ(grown.size(), 1536u);
    EXPECT_EQ(grown.substr(512), std::string(1024, 'd')) << "seed " << seed;
  }
  EXPECT_GT(lost, 10);
  // A power loss on the way: any of its sectors.
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestWorld world(seed);
    bool asked = false;
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await file->Allocate(8192));
      CO_ASSERT_OK(co_await file->Sync());
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      world.files().FailNext({.op = seed % 2 == 0 ? DiskOp::kSync : DiskOp::kWrite});
      asked = true;
      EXPECT_FALSE((co_await file->WriteDurably(0, std::string(4096, 'd'))).ok());
    });
    EXPECT_TRUE(asked);
    world.PowerLossAndBoot();
    const std::string contents = *world.files().Peek("/f");
    ASSERT_EQ(contents.size(), 8192u);
    cut += contents.substr(0, 4096) != std::string(4096, 'd');
  }
  EXPECT_GT(cut, 20);
}

TEST(SimFileSystem, ASyncDoesNotCoverWhatIsWrittenWhileItRuns) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      CO_ASSERT_OK(co_await file->Write(0, "first"));
      std::vector<Task<absl::Status>> both;
      both.push_back(file->Sync());
      both.push_back(file->Write(5, "second"));
      const auto results = co_await WhenAll(std::move(both));
      EXPECT_TRUE(results[0].ok() && results[1].ok());
    });
    world.PowerLossAndBoot();
    const std::string contents = *world.files().Peek("/f");
    EXPECT_EQ(contents.substr(0, 5), "first");
    lost += contents == "first";
  }
  EXPECT_GT(lost, 10);
}

TEST(SimFileSystem, AFailedSyncForgetsWhatANextOneCannotSave) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestWorld world(seed);
    world.Run([&]() -> Task<void> {
      auto file = co_await OpenOrDie(world.files(), "/f", OpenMode::kCreate);
      CO_ASSERT_OK(co_await world.files().SyncDirectory("/"));
      CO_ASSERT_OK(co_await file->Write(0, std::string(600, 'x')));
      world.files().FailNext({.op = DiskOp::kSync});
      const absl::Status failed = co_await file->Sync();
      EXPECT_EQ(failed.code(), absl::StatusCode::kDataLoss);
      CO_ASSERT_OK(co_await file->Sync());
      EXPECT_EQ(*co_await file->Read(0, 1000), std::string(600, 'x'));
    });
    world.PowerLossAndBoot();
    lost += *world.files().Peek("/f") != std::string(600, 'x');
  }
  EXPECT_GT(lost, 20);
}

TEST(SimFileSystem, PlannedAndRandomFaults) {
  TestWorld world;
  world.Run([&]() -> Task<void> {
    SimFileSystem& fs = world.files();
    auto file = co_await OpenOrDie(fs, "/wal-1", OpenMode::kCreate);
    fs.FailNext({.op = DiskOp::kWrite, .path_contains = "wal", .skip = 1});
    CO_ASSERT_OK(co_await file->Write(0, "a"));
    const absl::Status failed = co_await file->Write(1, "b");
    EXPECT_EQ(failed.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(failed.ToString(), HasSubstr("write /wal-1"));
    CO_ASSERT_OK(co_await file->Write(1, "b"));
    fs.faults().read_errors = 1;
    const absl::Status unreadable = (co_await file->Read(0, 1)).status();
    EXPECT_EQ(unreadable.code(), absl::StatusCode::kDataLoss);
    fs.faults().read_errors = 0;

    fs.SetCapacity(10);
    CO_ASSERT_OK(co_await file->Write(2, "cdefghij"));
    EXPECT_EQ(*co_await fs.FreeBytes("/"), 0u);
    const absl::Status full = co_await file->Write(9, "too much");
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
    CO_ASSERT_OK(co_await fs.Remove("/wal-1"));
    EXPECT_EQ(*co_await fs.FreeBytes("/"), 0u) << "the file is still open";
    CO_ASSERT_OK(co_await file->Close());
    EXPECT_EQ(*co_await fs.FreeBytes("/"), 10u);
  });
}

TEST(SimFileSystem, ABitFlips) {
  TestWorld world;
  world.Run([&]() -> Task<void> {
    CO_ASSERT_OK(co_await WriteFileAtomically(world.files(), "/f", "abc"));
    EXPECT_TRUE(world.files().FlipBit("/f", 1, 0));
    EXPECT_EQ(*co_await ReadFile(world.files(), "/f", 100), "acc");
  });
  EXPECT_FALSE(world.files().FlipBit("/f", 3, 0));
  EXPECT_FALSE(world.files().FlipBit("/g", 0, 0));
}

// The pattern for storage tests: the power is cut at every operation in turn.
TEST(SimFileSystem, AnAtomicallyWrittenFileIsOldOrNewWhereverThePowerIsCut) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    bool ended = false;
    for (uint64_t cut = 1; !ended; ++cut) {
      TestWorld world(seed);
      world.Run([&]() -> Task<void> {
        CO_ASSERT_OK(co_await WriteFileAtomically(world.files(), "/f", "old"));
      });
      world.files().CrashAtOperation(world.files().operations() + cut);
      bool acknowledged = false;
      ended = world.RunOrCrash([&]() -> Task<void> {
        const absl::Status status =
            co_await WriteFileAtomically(world.files(), "/f", std::string(3000, 'n'));
        acknowledged = status.ok();
      });
      world.PowerLossAndBoot();
      const std::string contents = *world.files().Peek("/f");
      if (acknowledged) {
        EXPECT_EQ(contents, std::string(3000, 'n'));
      } else {
        EXPECT_TRUE(contents == "old" || contents == std::string(3000, 'n')) << "cut " << cut;
      }
      ASSERT_LT(cut, 100u);
    }
  }
}

uint64_t HashOfDiskRun(uint64_t seed) {
  TestWorld world(seed);
  world.files().faults().write_errors = 0.1;
  world.files().faults().stalls = 0.05;
  for (int round = 0; round < 5; ++round) {
    world.Run([&]() -> Task<void> {
      for (int i = 0; i < 10; ++i) {
        auto file = co_await OpenOrDie(world.files(), StrCat("/f", i), OpenMode::kOpenOrCreate);
        (co_await file->Write(i * 100, std::string(700, 'x'))).IgnoreError();
        if (i % 3 == 0) (co_await file->Sync()).IgnoreError();
      }
      (co_await world.files().SyncDirectory("/")).IgnoreError();
    });
    world.PowerLossAndBoot();
    world.Run([&]() -> Task<void> {
      for (int i = 0; i < 10; ++i) {
        auto contents = co_await ReadFile(world.files(), StrCat("/f", i), 10000);
        if (contents.ok()) world.log().Info("test", *contents);
      }
    });
  }
  return world.simulation().trace().hash();
}

TEST(SimFileSystem, ASeedReplaysItself) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const uint64_t hash = HashOfDiskRun(seed);
    EXPECT_EQ(hash, HashOfDiskRun(seed));
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 10u);
}

}  // namespace
}  // namespace tholos::base::sim
