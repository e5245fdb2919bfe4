// What the engine costs on this machine: one shard, 16-byte keys, 100-byte values.
//
//   storage_bench [directory, default a new one in /tmp] [rows, default 200000]
//
// Prints wall and CPU microseconds per operation. Puts run 64 at a time (group commit); the log's
// sync is part of them, so wall time says as much about the disk as about the engine.
#include <stdlib.h>
#include <time.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/strings.h"
#include "data/codec.h"
#include "storage/engine.h"

namespace tholos::storage {
namespace {

using base::Deadline;
using base::Task;

constexpr int kWriters = 64;

double CpuSeconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

data::Schema::Ptr OneTable(data::TableId id) {
  using data::ColumnKind;
  const data::DataType blob(data::TypeId::kBlob);
  data::TableSchema table{
      .id = id,
      .keyspace = "bench",
      .name = "t",
      .columns = {{.name = "k", .type = blob, .kind = ColumnKind::kPartitionKey},
                  {.name = "v", .type = blob, .kind = ColumnKind::kRegular}},
      .next_column_id = 1};
  data::KeyspaceSchema keyspace{
      .name = "bench", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  return std::make_shared<const data::Schema>(
      data::Schema().WithKeyspace(keyspace, 1)->WithTable(table, 2).value());
}

class Bench {
 public:
  Bench(std::string directory, int rows)
      : rows_(rows),
        executor_(base::RealExecutor::Start({.shards = 1, .background = 1}, clock_)),
        files_(*executor_) {
    table_.bytes[15] = 1;
    const EngineDeps deps{clock_, random_, *executor_, files_, metrics_, log_};
    EngineOptions options{.directory = std::move(directory)};
    engine_ =
        base::BlockOn(executor_->shard(0), Engine::Open(options, deps, OneTable(table_))).value();
  }

  void Run() {
    Measure("put (64 at a time, synced)", Puts());
    Measure("get from the memtable", Gets());
    Measure("scan of the memtable, per row", Scan());
    THOLOS_CHECK_OK(base::BlockOn(executor_->shard(0), engine_->Flush(std::nullopt)));
    Measure("get after the flush, first time", Gets());
    Measure("get from cached blocks", Gets());
    Measure("scan of the SSTable, per row", Scan());
    base::BlockOn(executor_->shard(0), engine_->Stop());
  }

 private:
  void Measure(const char* what, Task<void> task) {
    const base::MonotonicTime start = clock_.Now();
    const double cpu_start = CpuSeconds();
    base::BlockOn(executor_->shard(0), std::move(task));
    const double wall = absl::ToDoubleMicroseconds(clock_.Now() - start);
    const double cpu = (CpuSeconds() - cpu_start) * 1e6;
    std::printf("%-34s %9.2f us wall %9.2f us CPU\n", what, wall / rows_, cpu / rows_);
    std::fflush(stdout);
  }

  static std::string KeyOf(int i) { return base::StrCat("key-", 100'000'000'000 + i); }

  Task<void> PutSome(int writer) {
    const std::string value(100, 'v');
    for (int i = writer; i < rows_; i += kWriters) {
      data::Mutation mutation{.table = table_};
      mutation.update.key = data::DecoratedKey::Of(KeyOf(i));
      mutation.update.rows.push_back(
          {.liveness = data::Liveness::At(i + 1), .cells = {data::Cell::Value(0, i + 1, value)}});
      THOLOS_CHECK_OK(
          co_await engine_->Apply(data::EncodeMutation(mutation), Deadline::Infinite()));
    }
  }

  Task<void> Puts() {
    std::vector<Task<void>> writers;
    for (int i = 0; i < kWriters; ++i) writers.push_back(PutSome(i));
    co_await base::WhenAll(std::move(writers));
  }

  Task<void> Gets() {
    // A stride that visits every key, far from its neighbours.
    for (int64_t i = 0; i < rows_; ++i) {
      const int key = static_cast<int>(i * 7919 % rows_);
      data::ReadCommand command{.table = table_, .key = data::DecoratedKey::Of(KeyOf(key))};
      auto result = co_await engine_->Read(std::move(command), Deadline::Infinite());
      THOLOS_CHECK(result.ok() && result->partitions.size() == 1) << result.status();
    }
  }

  Task<void> Scan() {
    data::ReadCommand command{.table = table_};
    int rows = 0;
    while (true) {
      auto page = co_await engine_->Read(command, Deadline::Infinite());
      THOLOS_CHECK_OK(page.status());
      rows += static_cast<int>(page->partitions.size());
      if (!page->more) break;
      command.after = data::LastPosition(*page);
    }
    THOLOS_CHECK(rows == rows_) << rows;
  }

  const int rows_;
  data::TableId table_;
  base::RealClock clock_;
  base::RealRandom random_;
  base::Metrics metrics_;
  base::NullLog log_;
  std::unique_ptr<base::RealExecutor> executor_;
  base::RealFileSystem files_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace
}  // namespace tholos::storage

int main(int argc, char** argv) {
  std::string pattern = "/tmp/tholos-bench-XXXXXX";
  const bool temporary = argc < 2;
  const std::string directory = temporary ? mkdtemp(pattern.data()) : argv[1];
  const int rows = argc < 3 ? 200'000 : std::atoi(argv[2]);
  tholos::storage::Bench(directory, rows).Run();
  if (temporary) std::filesystem::remove_all(directory);
  return 0;
}
