// The engine alone, in a directory of the real file system, on real threads.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <future>

#include "base/async/when_all.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/strings.h"
#include "data/codec.h"
#include "storage/testing/engine_world.h"

namespace tholos::storage {
namespace {

using base::Task;

constexpr int kKeys = 50;
constexpr int kWritesEach = 40;

class EngineRealTest : public testing::Test {
 protected:
  EngineRealTest() {
    std::string pattern = testing::TempDir() + "/tholos-engine-XXXXXX";
    options_.directory = mkdtemp(pattern.data());
    options_.commitlog_segment_bytes = 1 << 20;
    options_.mutation_bytes_max = 64 << 10;
    options_.memtable_bytes_max = 256 << 10;
    Start();
  }
  ~EngineRealTest() override { std::filesystem::remove_all(options_.directory); }

  void Start() {
    executor_ = base::RealExecutor::Start({.shards = 2, .background = 1}, clock_);
    files_ = std::make_unique<base::RealFileSystem>(*executor_);
    const EngineDeps deps{clock_, random_, *executor_, *files_, metrics_, log_};
    auto opened = base::BlockOn(executor_->shard(0), Engine::Open(options_, deps, TestSchema(1)));
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine_ = *std::move(opened);
  }

  void Stop() {
    base::BlockOn(executor_->shard(0), engine_->Stop());
    engine_.reset();
    files_.reset();
    executor_.reset();
  }

  Task<void> WriteRows(int key) {
    for (int i = 0; i < kWritesEach; ++i) {
      data::Mutation mutation{.table = TestTableId(0)};
      mutation.update.key = data::DecoratedKey::Of(base::StrCat("p", key));
      mutation.update.rows.push_back(
          {.clustering = base::StrCat("c", 100 + i),
           .cells = {data::Cell::Value(0, 1000 + i, std::string(300, 'v'))}});
      const absl::Status status =
          co_await engine_->Apply(data::EncodeMutation(mutation), base::Deadline::Infinite());
      EXPECT_TRUE(status.ok()) << status;
    }
  }

  Task<void> WriteAll(int from) {
    std::vector<Task<void>> writers;
    for (int key = from; key < kKeys; key += 2) writers.push_back(WriteRows(key));
    co_await base::WhenAll(std::move(writers));
  }

  uint32_t CountRows() {
    const data::ReadCommand command{
        .table = TestTableId(0), .row_limit = 1000000, .bytes_limit = 1 << 30};
    auto result =
        base::BlockOn(executor_->shard(1), engine_->Read(command, base::Deadline::Infinite()));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? data::CountLiveRows(*result, 0) : 0;
  }

  base::RealClock clock_;
  base::RealRandom random_;
  base::Metrics metrics_;
  base::NullLog log_;
  EngineOptions options_;
  std::unique_ptr<base::RealExecutor> executor_;
  std::unique_ptr<base::RealFileSystem> files_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineRealTest, KeepsEverythingOverRestartsFlushesAndCompactions) {
  {
    auto other =
        std::async(std::launch::async, [this] { base::BlockOn(executor_->shard(1), WriteAll(1)); });
    base::BlockOn(executor_->shard(0), WriteAll(0));
    other.get();
  }
  EXPECT_EQ(CountRows(), static_cast<uint32_t>(kKeys * kWritesEach));
  Stop();
  Start();
  EXPECT_EQ(CountRows(), static_cast<uint32_t>(kKeys * kWritesEach));
  EXPECT_TRUE(base::BlockOn(executor_->shard(0), engine_->Flush(std::nullopt)).ok());
  EXPECT_TRUE(base::BlockOn(executor_->shard(0), engine_->CompactAll(TestTableId(0))).ok());
  EXPECT_EQ(CountRows(), static_cast<uint32_t>(kKeys * kWritesEach));
  EXPECT_GT(engine_->LiveBytes(), 0u);
  Stop();
  Start();
  EXPECT_EQ(CountRows(), static_cast<uint32_t>(kKeys * kWritesEach));
  Stop();
}

}  // namespace
}  // namespace tholos::storage
