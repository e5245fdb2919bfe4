// One partition of many rows: written in random order, read whole in either direction, by slices
// and by single rows, with ranges deleted, and compacted. This engine alone; every answer is
// checked. What matters beside the time is that memory stays within what the engine was given.
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/status_macros.h"
#include "data/codec.h"
#include "storage/bench/contender_bench.h"
#include "storage/engine.h"

namespace tholos::storage::bench {
namespace {

using base::Deadline;
using base::Task;

constexpr uint64_t kMemtableBytes = 128 << 20;
constexpr uint64_t kCacheBytes = 64 << 20;
constexpr uint32_t kSliceRows = 100;
constexpr uint32_t kDeletedRows = 1000;  // of one range
constexpr uint32_t kDeletedRanges = 100;
constexpr data::Timestamp kTimestamp = 1'700'000'000'000'000;

data::TableId WideTable() {
  data::TableId id;
  id.bytes[15] = 1;
  return id;
}

data::Schema::Ptr WideSchema() {
  using data::ColumnKind;
  const data::DataType blob(data::TypeId::kBlob);
  const data::KeyspaceSchema keyspace{
      .name = "bench", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  const data::TableSchema table{
      .id = WideTable(),
      .keyspace = "bench",
      .name = "wide",
      .columns = {{.name = "k", .type = blob, .kind = ColumnKind::kPartitionKey},
                  {.name = "c",
                   .type = data::DataType(data::TypeId::kBigint),
                   .kind = ColumnKind::kClustering},
                  {.name = "v", .type = blob, .kind = ColumnKind::kRegular}},
      .next_column_id = 1};
  return std::make_shared<const data::Schema>(
      data::Schema().WithKeyspace(keyspace, 1)->WithTable(table, 2).value());
}

const data::DecoratedKey& Partition() {
  static const data::DecoratedKey key = data::DecoratedKey::Of("the only one");
  return key;
}

// In the form of a bigint's component.
std::string ClusteringOf(uint32_t row) {
  std::string key = "\x40";
  base::PutBigEndian64(&key, uint64_t{row} ^ (uint64_t{1} << 63));
  return key;
}

uint32_t RowOf(std::string_view clustering) {
  return static_cast<uint32_t>(base::LoadBigEndian64(clustering.data() + 1));
}

double CpuSeconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of memory that is resident: now, and at most so far.
std::pair<long, long> ResidentMegabytes() {
  long pages = 0, resident = 0;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "r"); statm != nullptr) {
    if (std::fscanf(statm, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(statm);
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return {resident * sysconf(_SC_PAGESIZE) >> 20, usage.ru_maxrss >> 10};
}

class WidePartition {
 public:
  WidePartition(const std::string& directory, uint32_t rows)
      : rows_(rows), executor_(base::RealExecutor::Start({.shards = 1, .background = 1}, clock_)) {
    files_ = std::make_unique<base::RealFileSystem>(*executor_);
    const EngineDeps deps{clock_, random_, *executor_, *files_, metrics_, log_};
    EngineOptions options{.directory = directory};
    options.memtable_bytes_max = kMemtableBytes;
    options.cache_bytes_max = kCacheBytes;
    options.commitlog_sync = CommitLogSync::kPeriodic;
    engine_ = Run(Engine::Open(options, deps, WideSchema())).value();
  }
  ~WidePartition() { Run(engine_->Stop()); }

  void RunAll() {
    std::printf("one partition of %u rows of %zu bytes; memtables %lu MB, cache %lu MB\n", rows_,
                kValueBytes, kMemtableBytes >> 20, kCacheBytes >> 20);
    std::printf("%-36s %9s %9s %12s %10s %10s\n", "", "CPU s", "wall s", "us CPU/op", "RSS MB",
                "peak MB");
    Step("write, random order", rows_, [this] { Run(WriteAll()); });
    Step("flush of the rest", 1, [this] { THOLOS_CHECK_OK(Run(engine_->Flush(std::nullopt))); });
    Reads();
    Step("delete 100 ranges of 1,000 rows", kDeletedRanges, [this] { Run(DeleteRanges()); });
    Step("scan, forward", rows_, [this] { Run(Scan(false)); });
    Step("compaction of everything", rows_,
         [this] { THOLOS_CHECK_OK(Run(engine_->CompactAll(WideTable()))); });
    Reads();
  }

 private:
  template <typename T>
  T Run(Task<T> task) {
    return base::BlockOn(executor_->shard(0), std::move(task));
  }

  void Step(const char* what, double operations, const std::function<void()>& work) {
    const double cpu = CpuSeconds(), wall = WallSeconds();
    work();
    const double used = CpuSeconds() - cpu;
    const auto [now, peak] = ResidentMegabytes();
    std::printf("%-36s %9.2f %9.2f %12.2f %10ld %10ld\n", what, used, WallSeconds() - wall,
                used * 1e6 / operations, now, peak);
    std::fflush(stdout);
  }

  void Reads() {
    const auto stats = Run(engine_->Stats(WideTable()));
    std::printf("%zu SSTables of %zu MB\n", static_cast<size_t>(stats->sstables),
                static_cast<size_t>(stats->sstable_bytes >> 20));
    Step("scan, forward", rows_, [this] { Run(Scan(false)); });
    Step("scan, reversed", rows_, [this] { Run(Scan(true)); });
    Step("slices of 100 rows, forward", 5'000, [this] { Run(Slices(false, 5'000)); });
    Step("slices of 100 rows, reversed", 5'000, [this] { Run(Slices(true, 5'000)); });
    Step("single rows", 50'000, [this] { Run(Points(50'000)); });
  }

  Task<void> WriteAll() {
    order_.resize(rows_);
    std::iota(order_.begin(), order_.end(), 0u);
    std::shuffle(order_.begin(), order_.end(), std::mt19937(1));
    next_ = 0;
    std::vector<Task<void>> writers;
    for (int i = 0; i < kInFlight; ++i) writers.push_back(WriteSome());
    co_await base::WhenAll(std::move(writers));
    order_ = {};
  }

  Task<void> WriteSome() {
    while (next_ < order_.size()) {
      const uint32_t row = order_[next_++];
      data::Mutation mutation{.table = WideTable()};
      mutation.update.key = Partition();
      mutation.update.rows.push_back(
          {.clustering = ClusteringOf(row),
           .liveness = data::Liveness::At(kTimestamp),
           .cells = {data::Cell::Value(0, kTimestamp, std::string(ValueOf(row, 0)))}});
      const absl::Status put =
          co_await engine_->Apply(data::EncodeMutation(mutation), Deadline::Infinite());
      THOLOS_CHECK_OK(put);
    }
  }

  Task<void> DeleteRanges() {
    deleted_.assign(rows_, false);
    std::mt19937 random(2);
    for (uint32_t i = 0; i < kDeletedRanges; ++i) {
      const uint32_t from = random() % (rows_ - kDeletedRows);
      for (uint32_t row = from; row < from + kDeletedRows; ++row) deleted_[row] = true;
      data::Mutation mutation{.table = WideTable()};
      mutation.update.key = Partition();
      mutation.update.range_tombstones = {
          {{ClusteringOf(from), ClusteringOf(from + kDeletedRows)}, {kTimestamp + 1, 1}}};
      const absl::Status put =
          co_await engine_->Apply(data::EncodeMutation(mutation), Deadline::Infinite());
      THOLOS_CHECK_OK(put);
    }
  }

  bool IsDeleted(uint32_t row) const { return !deleted_.empty() && deleted_[row]; }

  data::ReadCommand Command(bool reversed) const {
    data::ReadCommand command{.table = WideTable()};
    command.key = Partition();
    command.reversed = reversed;
    command.now_seconds = kTimestamp / 1'000'000;
    return command;
  }

  void CheckRow(const data::Row& row, uint32_t expected) const {
    THOLOS_CHECK(RowOf(row.clustering) == expected) << "row " << expected;
    THOLOS_CHECK(row.cells.size() == 1 && row.cells[0].value == ValueOf(expected, 0))
        << "value of row " << expected;
  }

  // All pages of the partition.
  Task<void> Scan(bool reversed) {
    data::ReadCommand command = Command(reversed);
    uint32_t seen = 0;
    const auto skip_deleted = [&] {
      while (seen < rows_ && IsDeleted(reversed ? rows_ - 1 - seen : seen)) ++seen;
    };
    while (true) {
      auto page = co_await engine_->Read(command, Deadline::Infinite());
      THOLOS_CHECK_OK(page.status());
      for (const data::Partition& partition : page->partitions) {
        for (const data::Row& row : partition.rows) {
          skip_deleted();
          CheckRow(row, reversed ? rows_ - 1 - seen : seen);
          ++seen;
        }
      }
      if (!page->more) break;
      command.after = data::LastPosition(*page);
    }
    skip_deleted();
    THOLOS_CHECK(seen == rows_) << seen;
  }

  Task<void> Slices(bool reversed, int count) {
    std::mt19937 random(3);
    for (int i = 0; i < count; ++i) {
      const uint32_t from = random() % (rows_ - kSliceRows);
      data::ReadCommand command = Command(reversed);
      command.slices = {{ClusteringOf(from), ClusteringOf(from + kSliceRows)}};
      auto page = co_await engine_->Read(std::move(command), Deadline::Infinite());
      THOLOS_CHECK_OK(page.status());
      size_t expected = 0;
      for (uint32_t row = from; row < from + kSliceRows; ++row) expected += IsDeleted(row) ? 0 : 1;
      const size_t rows = page->partitions.empty() ? 0 : page->partitions[0].rows.size();
      THOLOS_CHECK(rows == expected) << "slice at " << from << ": " << rows;
    }
  }

  Task<void> Points(int count) {
    std::mt19937 random(4);
    for (int i = 0; i < count; ++i) {
      const uint32_t row = random() % rows_;
      data::ReadCommand command = Command(false);
      const std::string clustering = ClusteringOf(row);
      command.slices = {{clustering, data::Behind(clustering)}};
      auto page = co_await engine_->Read(std::move(command), Deadline::Infinite());
      THOLOS_CHECK_OK(page.status());
      const bool found = !page->partitions.empty() && !page->partitions[0].rows.empty();
      THOLOS_CHECK(found != IsDeleted(row)) << "row " << row;
      if (found) CheckRow(page->partitions[0].rows[0], row);
    }
  }

  const uint32_t rows_;
  base::RealClock clock_;
  base::RealRandom random_;
  base::NullLog log_;
  base::Metrics metrics_;
  std::unique_ptr<base::RealExecutor> executor_;
  std::unique_ptr<base::RealFileSystem> files_;
  std::unique_ptr<Engine> engine_;
  std::vector<uint32_t> order_;
  size_t next_ = 0;
  std::vector<bool> deleted_;
};

}  // namespace

void RunWidePartition(const std::string& directory, uint32_t rows) {
  WidePartition(directory, rows).RunAll();
}

}  // namespace tholos::storage::bench
