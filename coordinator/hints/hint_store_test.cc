#include "coordinator/hints/hint_store.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>
#include <string>

#include "base/async/when_all.h"
#include "base/clock.h"
#include "base/sim/test_world.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

using base::Task;
using base::sim::TestWorld;

constexpr char kDirectory[] = "/node/hints";

ring::NodeId Node(uint8_t number) {
  ring::NodeId id;
  id.bytes.fill(number);
  return id;
}

std::shared_ptr<const WriteMessage> Message(std::string body) {
  auto message = std::make_shared<WriteMessage>();
  message->body = std::move(body);
  return message;
}

class HintStoreTest : public testing::Test {
 protected:
  // The store belongs to the node's process.
  void Open() {
    HintOptions options = options_;
    options.directory = kDirectory;
    world_.Run([&]() -> Task<void> {
      auto store =
          co_await HintStore::Open(options, {world_.clock(), world_.files(), world_.log(), faults_},
                                   world_.executor(), metrics_);
      EXPECT_TRUE(store.ok()) << store.status();
      store_ = &world_.node().Own(*std::move(store));
    });
  }
  Task<absl::Status> Add(uint8_t node, std::string body) {
    return store_->Add(Node(node), Message(std::move(body)), world_.clock().WallMicros());
  }
  absl::Status AddNow(uint8_t node, std::string body) {
    return world_.Run(Add(node, std::move(body)));
  }
  absl::Status AddOnShard1(uint8_t node, std::string body) {
    return world_.Run(base::RunOn(world_.shard(1), Add(node, std::move(body))));
  }
  Task<void> AddChecked(uint8_t node, std::string body) {
    EXPECT_TRUE((co_await Add(node, std::move(body))).ok());
  }
  Task<std::vector<ring::NodeId>> TargetsHere() { co_return store_->Targets(); }
  void AddMany(uint8_t node, std::string_view prefix, int count) {
    world_.Run([&]() -> Task<void> {
      std::vector<Task<absl::Status>> adds;
      for (int i = 0; i < count; ++i) adds.push_back(Add(node, base::StrCat(prefix, i)));
      for (const absl::Status& added : co_await base::WhenAll(std::move(adds)))
        EXPECT_TRUE(added.ok()) << added;
    });
  }
  // Delivers everything for `node`, at most `count` hints.
  std::vector<std::string> Take(uint8_t node, size_t count = 1000000) {
    std::vector<std::string> bodies;
    world_.Run([&]() -> Task<void> {
      HintLog* log = store_->LogOf(Node(node));
      while (log != nullptr && bodies.size() < count) {
        auto batch = co_await log->Read(1000, std::min<size_t>(7, count - bodies.size()));
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok() || batch->hints.empty()) break;
        for (const Hint& hint : batch->hints) bodies.push_back(hint.body);
        EXPECT_TRUE((co_await log->Advance(*std::move(batch))).ok());
      }
    });
    return bodies;
  }
  std::vector<std::string> Files() {
    std::vector<std::string> names;
    world_.Run([&]() -> Task<void> {
      const auto entries = co_await world_.files().List(kDirectory);
      for (const auto& entry : *entries)
        names.push_back(std::string(kDirectory) + "/" + entry.name);
    });
    return names;
  }
  void Stop() { world_.Run(store_->Stop()); }

  static std::vector<std::string> Numbered(std::string_view prefix, int from, int to) {
    std::vector<std::string> bodies;
    for (int i = from; i < to; ++i) bodies.push_back(base::StrCat(prefix, i));
    return bodies;
  }
  uint64_t Dropped(const std::string& reason) {
    return metrics_
        .AddCounter("tholos_hints_dropped_total", "Hints that will not be delivered",
                    {{"reason", reason}})
        .value();
  }

  HintOptions options_;
  Faults faults_;
  base::Metrics metrics_;
  TestWorld world_;
  HintStore* store_ = nullptr;
};

TEST_F(HintStoreTest, KeepsTheOrderPerNodeAndForgetsWhatWasDelivered) {
  Open();
  AddMany(1, "a", 100);
  AddMany(2, "b", 10);
  EXPECT_EQ(store_->Targets(), (std::vector{Node(1), Node(2)}));
  EXPECT_EQ(Take(1, 42), Numbered("a", 0, 42));
  EXPECT_EQ(Take(2), Numbered("b", 0, 10));
  EXPECT_EQ(store_->Targets(), std::vector{Node(1)});
  AddMany(1, "c", 3);
  auto rest = Numbered("a", 42, 100);
  for (const auto& body : Numbered("c", 0, 3)) rest.push_back(body);
  EXPECT_EQ(Take(1), rest);
  EXPECT_TRUE(store_->Targets().empty());
  EXPECT_TRUE(Files().empty());
  Stop();
}

TEST_F(HintStoreTest, ManyHintsShareASync) {
  Open();
  EXPECT_TRUE(AddNow(1, "first").ok());
  const uint64_t before = world_.files().operations();
  AddMany(1, "a", 500);
  EXPECT_LT(world_.files().operations() - before, 20u);
  Stop();
}

TEST_F(HintStoreTest, RollsFilesBySizeAndAge) {
  options_.file_bytes = 1000;
  Open();
  for (int i = 0; i < 30; ++i)
    EXPECT_TRUE(AddNow(1, base::StrCat("a", i, std::string(90, '.'))).ok());
  const size_t by_size = Files().size();
  EXPECT_GE(by_size, 3u);
  world_.RunFor(options_.file_time + absl::Seconds(1));
  EXPECT_TRUE(AddNow(1, "b").ok());
  EXPECT_EQ(Files().size(), by_size + 1);
  EXPECT_EQ(Take(1).size(), 31u);
  EXPECT_TRUE(Files().empty());
  Stop();
}

TEST_F(HintStoreTest, HintsLargerThanAChunkAreRead) {
  Open();
  EXPECT_TRUE(AddNow(1, std::string(5000, 'x')).ok());
  EXPECT_TRUE(AddNow(1, "small").ok());
  EXPECT_EQ(Take(1), (std::vector<std::string>{std::string(5000, 'x'), "small"}));
  Stop();
}

TEST_F(HintStoreTest, ARestartResumes) {
  options_.file_bytes = 300;
  Open();
  AddMany(1, "a", 100);
  EXPECT_EQ(Take(1, 50), Numbered("a", 0, 50));
  Stop();
  world_.KillAndBoot();
  Open();
  AddMany(1, "b", 2);
  auto rest = Take(1);
  // Hints of the file that was being delivered come again, nothing is lost.
  const std::set<std::string> unique(rest.begin(), rest.end());
  for (const auto& body : Numbered("a", 50, 100)) EXPECT_TRUE(unique.contains(body)) << body;
  EXPECT_EQ(rest.back(), "b1");
  EXPECT_TRUE(Files().empty());
  Stop();
}

// The power fails at every operation of the disk in turn: what was acknowledged is there
// afterwards.
TEST(HintStorePowerLossTest, WhatWasAcknowledgedIsThere) {
  for (uint64_t operation = 1; operation < 60; ++operation) {
    SCOPED_TRACE(operation);
    TestWorld world(operation);
    base::Metrics metrics;
    const HintOptions options{.directory = kDirectory, .file_bytes = 150};
    const HintDeps deps{world.clock(), world.files(), world.log()};
    std::vector<std::string> acknowledged;
    world.Run([&]() -> Task<void> {
      EXPECT_TRUE((co_await world.files().MakeDirectories("/node")).ok());
      EXPECT_TRUE((co_await world.files().SyncDirectory("/")).ok());
    });
    world.files().CrashAtOperation(world.files().operations() + operation);
    const bool survived = world.RunOrCrash([&]() -> Task<void> {
      auto store = co_await HintStore::Open(options, deps, world.executor(), metrics);
      EXPECT_TRUE(store.ok()) << store.status();
      HintStore& hints = world.node().Own(*std::move(store));
      for (int i = 0; i < 10; ++i) {
        const std::string body = absl::StrCat("hint number ", i);
        if ((co_await hints.Add(Node(1), Message(body), world.clock().WallMicros())).ok())
          acknowledged.push_back(body);
      }
      co_await hints.Stop();
    });
    world.files().CancelCrash();
    if (survived) break;
    world.PowerLossAndBoot();
    world.Run([&]() -> Task<void> {
      auto store = co_await HintStore::Open(options, deps, world.executor(), metrics);
      EXPECT_TRUE(store.ok()) << store.status();
      std::vector<std::string> found;
      while (HintLog* log = (*store)->LogOf(Node(1))) {
        auto batch = co_await log->Read(1 << 20, 100);
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok() || batch->hints.empty()) break;
        for (const Hint& hint : batch->hints) found.push_back(hint.body);
        EXPECT_TRUE((co_await log->Advance(*std::move(batch))).ok());
      }
      EXPECT_GE(found.size(), acknowledged.size());
      for (size_t i = 0; i < acknowledged.size() && i < found.size(); ++i)
        EXPECT_EQ(found[i], acknowledged[i]);
      co_await (*store)->Stop();
    });
  }
}

TEST_F(HintStoreTest, ACorruptHintIsLostAlone) {
  Open();
  AddMany(1, "hint", 10);
  const std::string file = Files().at(0);
  // The third record; each is 20 bytes and 5 of body.
  ASSERT_TRUE(world_.files().FlipBit(file, kHintHeaderBytes + 2 * 25 + 22, 3));
  auto expected = Numbered("hint", 0, 10);
  expected.erase(expected.begin() + 2);
  EXPECT_EQ(Take(1), expected);
  EXPECT_EQ(Dropped("corrupt"), 1u);
  Stop();
}

// What is delivered is what was written, bit for bit, and what is not is counted.
TEST_F(HintStoreTest, AFlippedBitIsFound) {
  const uint64_t rounds = base::sim::SeedCountFromEnvironment(1);
  base::RandomStream random(base::sim::SeedFromEnvironment(1));
  uint64_t found = 0;
  for (uint64_t i = 0; i < rounds * 100; ++i) {
    Open();
    AddMany(1, "hint", 8);
    Stop();
    world_.KillAndBoot();
    const std::string path = Files().at(0);
    const std::string contents = *world_.files().Peek(path);
    const uint64_t at = random.Below(contents.size());
    ASSERT_TRUE(world_.files().FlipBit(path, at, static_cast<int>(random.Below(8))));
    const uint64_t corrupt_before = Dropped("corrupt");
    Open();
    const auto taken = Take(1);
    size_t next = 0;
    for (const std::string& body : Numbered("hint", 0, 8)) {
      if (next < taken.size() && taken[next] == body) ++next;
    }
    ASSERT_EQ(next, taken.size()) << "byte " << at;
    ASSERT_TRUE(taken.size() < 8 && Dropped("corrupt") > corrupt_before) << "byte " << at;
    ++found;
    Stop();
    for (const std::string& left : Files()) {
      ASSERT_TRUE(world_.Run(world_.files().Remove(left)).ok());
    }
    world_.KillAndBoot();
  }
  std::printf("flips\thints\t%llu\t0\n", static_cast<unsigned long long>(found));
}

TEST_F(HintStoreTest, ATornTailIsTheEnd) {
  Open();
  AddMany(1, "hint", 3);
  Stop();
  const std::string path = Files().at(0);
  world_.Run([&]() -> Task<void> {
    auto file = co_await world_.files().Open(path, base::OpenMode::kReadWrite);
    const uint64_t size = *co_await (*file)->Size();
    std::string torn;
    AppendHintRecord({Node(1), 1}, size, 5, "torn away", &torn);
    EXPECT_TRUE(
        (co_await (*file)->Write(size, std::string_view(torn).substr(0, torn.size() - 3))).ok());
    EXPECT_TRUE((co_await (*file)->Sync()).ok());
  });
  world_.KillAndBoot();
  Open();
  EXPECT_EQ(Take(1), Numbered("hint", 0, 3));
  EXPECT_TRUE(Files().empty());
  Stop();
}

TEST_F(HintStoreTest, AFileWithoutHeaderIsRemovedAndOthersAreLeftAlone) {
  world_.Run([&]() -> Task<void> {
    EXPECT_TRUE((co_await world_.files().MakeDirectories(kDirectory)).ok());
    for (const std::string& name : {HintFileName({Node(1), 1}), std::string("notes.txt")}) {
      EXPECT_TRUE((co_await base::WriteFileAtomically(world_.files(),
                                                      std::string(kDirectory) + "/" + name, "x"))
                      .ok());
    }
  });
  Open();
  EXPECT_EQ(Files(), std::vector<std::string>{std::string(kDirectory) + "/notes.txt"});
  Stop();
}

TEST_F(HintStoreTest, AFileThatCannotBeReadIsLeftAlone) {
  Open();
  AddMany(1, "a", 3);
  Stop();
  world_.KillAndBoot();
  world_.files().FailNext({.op = base::sim::DiskOp::kRead, .path_contains = "hints"});
  Open();
  AddMany(1, "b", 3);
  EXPECT_EQ(Take(1), Numbered("b", 0, 3));
  EXPECT_EQ(Files().size(), 1u);
  Stop();
  world_.KillAndBoot();
  Open();
  EXPECT_EQ(Take(1), Numbered("a", 0, 3));
  Stop();
}

TEST_F(HintStoreTest, BoundsAreKept) {
  options_.target_bytes_max = 1000;
  Open();
  int kept = 0;
  while (AddNow(1, std::string(80, 'x')).ok()) ASSERT_LT(++kept, 100);
  EXPECT_EQ(kept, 9);
  EXPECT_TRUE(absl::IsResourceExhausted(AddNow(1, std::string(80, 'x'))));
  EXPECT_TRUE(AddNow(2, "another node has room").ok());
  EXPECT_EQ(Dropped("full"), 2u);
  Take(1);
  EXPECT_TRUE(AddNow(1, "room again").ok());
  Stop();
}

TEST_F(HintStoreTest, PendingBytesAreBounded) {
  options_.pending_bytes_max = 1000;
  Open();
  world_.Run([&]() -> Task<void> {
    std::vector<Task<absl::Status>> adds;
    for (int i = 0; i < 30; ++i) adds.push_back(Add(1, std::string(100, 'x')));
    int kept = 0;
    for (const absl::Status& added : co_await base::WhenAll(std::move(adds))) kept += added.ok();
    EXPECT_EQ(kept, 10);
  });
  Stop();
}

TEST_F(HintStoreTest, OldHintsAreDropped) {
  Open();
  const int64_t old = world_.clock().WallMicros() - absl::ToInt64Microseconds(options_.age_max) - 1;
  EXPECT_TRUE(absl::IsDeadlineExceeded(world_.Run(store_->Add(Node(1), Message("x"), old))));
  EXPECT_TRUE(AddNow(1, "in time").ok());
  world_.RunFor(options_.age_max + options_.file_time + absl::Seconds(1));
  world_.Run(
      [&]() -> Task<void> { EXPECT_TRUE((co_await store_->LogOf(Node(1))->DropOld()).ok()); });
  EXPECT_TRUE(Files().empty());
  EXPECT_TRUE(store_->Targets().empty());
  Stop();
}

TEST_F(HintStoreTest, AFailedDiskIsSaidSoAndTheNextHintGoesToANewFile) {
  Open();
  AddMany(1, "a", 2);
  for (const auto op :
       {base::sim::DiskOp::kSync, base::sim::DiskOp::kWrite, base::sim::DiskOp::kOpen}) {
    world_.files().FailNext({.op = op, .path_contains = "hints"});
    EXPECT_FALSE(AddNow(1, "lost").ok());
  }
  AddMany(1, "b", 2);
  EXPECT_EQ(Take(1), (std::vector<std::string>{"a0", "a1", "b0", "b1"}));
  EXPECT_EQ(Dropped("error"), 3u);
  Stop();
}

TEST_F(HintStoreTest, AFullDiskIsSaidSo) {
  Open();
  world_.files().SetCapacity(4096);
  const absl::Status added = AddNow(1, std::string(100000, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(added)) << added;
  world_.files().SetCapacity(1 << 20);
  EXPECT_TRUE(AddNow(1, "room").ok());
  EXPECT_EQ(Take(1), std::vector<std::string>{"room"});
  Stop();
}

TEST_F(HintStoreTest, EachShardHasFilesOfItsOwn) {
  Open();
  EXPECT_TRUE(AddNow(1, "of shard 0").ok());
  EXPECT_TRUE(AddOnShard1(1, "of shard 1").ok());
  EXPECT_EQ(Files(),
            (std::vector<std::string>{absl::StrCat(kDirectory, "/", HintFileName({Node(1), 1})),
                                      absl::StrCat(kDirectory, "/", HintFileName({Node(1), 2}))}));
  EXPECT_EQ(Take(1), std::vector<std::string>{"of shard 0"});
  EXPECT_TRUE(store_->Targets().empty());
  const auto of_shard_1 = world_.Run(base::RunOn(world_.shard(1), TargetsHere()));
  EXPECT_EQ(of_shard_1, std::vector{Node(1)});
  Stop();
}

TEST_F(HintStoreTest, ARestartWithAnotherNumberOfShardsLosesNothing) {
  Open();
  AddMany(1, "a", 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(AddOnShard1(1, absl::StrCat("b", i)).ok());
  Stop();
  world_.KillAndBoot(1);
  Open();
  AddMany(1, "c", 1);
  EXPECT_EQ(Take(1), (std::vector<std::string>{"a0", "a1", "a2", "b0", "b1", "b2", "c0"}));
  EXPECT_TRUE(Files().empty());
  Stop();
}

TEST_F(HintStoreTest, BoundsHoldOverAllShards) {
  options_.target_bytes_max = 1000;
  Open();
  int kept = 0;
  while (AddNow(1, std::string(80, 'x')).ok() && AddOnShard1(1, std::string(80, 'x')).ok())
    ASSERT_LT(++kept, 100);
  EXPECT_EQ(kept, 4) << "on each";
  EXPECT_TRUE(absl::IsResourceExhausted(AddOnShard1(1, std::string(80, 'x'))));
  Take(1);
  EXPECT_TRUE(AddOnShard1(1, std::string(80, 'x')).ok());
  Stop();
}

TEST_F(HintStoreTest, FromALoopThatIsNoShard) {
  Open();
  world_.Run(base::RunOn(world_.executor().background(), AddChecked(1, "x")));
  EXPECT_EQ(Take(1), std::vector<std::string>{"x"});
  Stop();
}

TEST_F(HintStoreTest, AfterStopHintsAreRefused) {
  Open();
  Stop();
  EXPECT_TRUE(absl::IsUnavailable(AddNow(1, "x")));
}

TEST_F(HintStoreTest, TheMutantLosesHints) {
  faults_.hints_dropped = true;
  Open();
  EXPECT_TRUE(AddNow(1, "x").ok());
  EXPECT_TRUE(Take(1).empty());
  Stop();
}

}  // namespace
}  // namespace tholos::coordinator
