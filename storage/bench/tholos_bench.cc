// This engine, one shard.
#include <cstring>
#include <vector>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "data/codec.h"
#include "storage/bench/contender_bench.h"
#include "storage/engine.h"

namespace tholos::storage::bench {
namespace {

using base::Deadline;
using base::Task;

constexpr uint32_t kScanRows = 100;
constexpr data::Timestamp kFirstTimestamp = 1'700'000'000'000'000;

data::TableId TableIdOf(uint8_t n) {
  data::TableId id;
  id.bytes[15] = n;
  return id;
}
const data::TableId kRows = TableIdOf(1);
const data::TableId kWide = TableIdOf(2);

data::Schema::Ptr BenchSchema(bool row_cache) {
  using data::ColumnKind;
  const data::DataType blob(data::TypeId::kBlob);
  const data::KeyspaceSchema keyspace{
      .name = "bench", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  data::TableOptions options;
  options.caching["rows_per_partition"] = row_cache ? "ALL" : "NONE";
  const data::TableSchema rows{
      .id = kRows,
      .keyspace = "bench",
      .name = "rows",
      .columns = {{.name = "k", .type = blob, .kind = ColumnKind::kPartitionKey},
                  {.name = "v", .type = blob, .kind = ColumnKind::kRegular}},
      .next_column_id = 1,
      .options = options};
  const data::TableSchema wide{
      .id = kWide,
      .keyspace = "bench",
      .name = "wide",
      .columns = {{.name = "k", .type = blob, .kind = ColumnKind::kPartitionKey},
                  {.name = "c", .type = blob, .kind = ColumnKind::kClustering},
                  {.name = "v", .type = blob, .kind = ColumnKind::kRegular}},
      .next_column_id = 1};
  return std::make_shared<const data::Schema>(
      data::Schema().WithKeyspace(keyspace, 1)->WithTable(rows, 2)->WithTable(wide, 3).value());
}

// The encoding of one mutation, of which only key, timestamp and value are filled in: what a
// replica gets from a coordinator is encoded already, so encoding is none of the engine's work.
class Encoded {
 public:
  explicit Encoded(bool wide) : split_(wide ? kKeyBytes / 2 : kKeyBytes) {
    const std::string key(kKeyBytes, 'K'), value(kValueBytes, 'V');
    data::Mutation m{.table = wide ? kWide : kRows};
    m.update.key.key = key.substr(0, split_);
    m.update.rows.push_back({.clustering = key.substr(split_),
                             .liveness = data::Liveness::At(kFirstTimestamp),
                             .cells = {data::Cell::Value(0, kFirstTimestamp, value)}});
    template_ = data::EncodeMutation(m);
    std::string timestamp;
    base::PutSignedVarint(&timestamp, kFirstTimestamp);
    key_at_ = template_.find(key.substr(0, split_));
    clustering_at_ = wide ? template_.find(key.substr(split_), key_at_ + split_) : 0;
    timestamp_at_ = template_.find(timestamp);
    value_at_ = template_.find(value);
  }

  std::string Fill(const Key& key, data::Timestamp timestamp, std::string_view value) const {
    std::string bytes = template_;
    std::memcpy(bytes.data() + key_at_, key.bytes, split_);
    if (split_ < kKeyBytes) {
      std::memcpy(bytes.data() + clustering_at_, key.bytes + split_, kKeyBytes - split_);
    }
    // A varint of the same length: timestamps stay within a factor of two.
    uint64_t zigzag = static_cast<uint64_t>(timestamp) << 1;
    for (char* p = bytes.data() + timestamp_at_;; ++p, zigzag >>= 7) {
      *p = static_cast<char>(zigzag < 0x80 ? zigzag : zigzag | 0x80);
      if (zigzag < 0x80) break;
    }
    std::memcpy(bytes.data() + value_at_, value.data(), kValueBytes);
    return bytes;
  }

 private:
  const size_t split_;  // bytes of the partition key; the rest is the clustering key
  std::string template_;
  size_t key_at_, clustering_at_, timestamp_at_, value_at_;
};

class Tholos final : public Store {
 public:
  void Open(StoreOptions options) override {
    executor_ = base::RealExecutor::Start({.shards = 1, .background = 1}, clock_);
    files_ = std::make_unique<base::RealFileSystem>(*executor_);
    metrics_ = std::make_unique<base::Metrics>();
    const EngineDeps deps{clock_, random_, *executor_, *files_, *metrics_, log_};
    EngineOptions engine{.directory = options.directory};
    engine.memtable_bytes_max = options.memtable_bytes;
    engine.cache_bytes_max = options.cache_bytes;
    engine.commitlog_bytes_max = options.commitlog_bytes;
    engine.commitlog_sync = options.sync_writes ? CommitLogSync::kBatch : CommitLogSync::kPeriodic;
    engine_ = Run(Engine::Open(engine, deps, BenchSchema(options.row_cache))).value();
  }

  void Close() override {
    Run(engine_->Stop());
    engine_.reset();
    files_.reset();
    executor_.reset();
  }

  void Put(std::span<const uint32_t> rows, uint32_t version) override {
    rows_ = rows;
    next_ = 0;
    Run(InParallel(&Tholos::PutSome, version));
  }
  void PutWide(std::span<const uint32_t> rows) override {
    rows_ = rows;
    next_ = 0;
    Run(InParallel(&Tholos::PutSomeWide, 0));
  }
  void Get(std::span<const uint32_t> rows) override { Run(GetAll(rows)); }
  void ScanWide(std::span<const uint32_t> rows) override { Run(ScanAll(rows)); }
  void Flush() override { THOLOS_CHECK_OK(Run(engine_->Flush(std::nullopt))); }
  void Compact() override { THOLOS_CHECK_OK(Run(engine_->CompactAll(kRows))); }

  void WaitIdle() override {
    // Compactions one after the other, until a second passes without one.
    uint64_t seen = ~uint64_t{0};
    while (true) {
      const uint64_t work = Counter("tholos_compactions_total") + Counter("tholos_flushes_total") +
                            Run(engine_->Stats(kRows))->sstables;
      const bool busy =
          metrics_->AddGauge("tholos_compactions_running", "", {{"shard", "0"}}).value() > 0;
      if (work == seen && !busy) return;
      seen = work;
      Run(Pause(absl::Seconds(1)));
    }
  }

  StoreCounters Counters() override {
    const TableStats stats = Run(engine_->Stats(kRows)).value();
    return {.flushed_bytes = Counter("tholos_flushed_bytes_total"),
            .compacted_bytes = Counter("tholos_compaction_written_bytes_total"),
            .compaction_read_bytes = Counter("tholos_compaction_read_bytes_total"),
            .table_bytes = stats.sstable_bytes,
            .memtable_bytes = stats.memtable_bytes};
  }

 private:
  template <typename T>
  T Run(Task<T> task) {
    return base::BlockOn(executor_->shard(0), std::move(task));
  }

  uint64_t Counter(std::string_view name) {
    return metrics_->AddCounter(name, "", {{"shard", "0"}}).value();
  }

  Task<void> Pause(absl::Duration time) {
    base::Event never;
    (void)co_await never.WaitUntil(clock_.Now() + time);
  }

  Task<void> InParallel(Task<void> (Tholos::*work)(uint32_t), uint32_t version) {
    std::vector<Task<void>> workers;
    for (int i = 0; i < kInFlight; ++i) workers.push_back((this->*work)(version));
    co_await base::WhenAll(std::move(workers));
  }

  Task<void> PutSome(uint32_t version) {
    while (next_ < rows_.size()) {
      const uint32_t row = rows_[next_++];
      const absl::Status put = co_await engine_->Apply(
          encoded_.Fill(KeyOf(row), ++timestamp_, ValueOf(row, version)), Deadline::Infinite());
      THOLOS_CHECK_OK(put);
    }
  }

  Task<void> PutSomeWide(uint32_t) {
    while (next_ < rows_.size()) {
      const uint32_t row = rows_[next_++];
      const absl::Status put = co_await engine_->Apply(
          encoded_wide_.Fill(WideKeyOf(row), ++timestamp_, ValueOf(row, 0)), Deadline::Infinite());
      THOLOS_CHECK_OK(put);
    }
  }

  Task<void> GetAll(std::span<const uint32_t> rows) {
    for (const uint32_t row : rows) {
      data::ReadCommand command{.table = kRows};
      command.key = data::DecoratedKey::Of(std::string(KeyOf(row).view()));
      auto result = co_await engine_->Read(std::move(command), Deadline::Infinite());
      THOLOS_CHECK(result.ok() && result->partitions.size() == 1) << result.status();
      THOLOS_CHECK(result->partitions[0].rows[0].cells[0].value.size() == kValueBytes);
    }
  }

  Task<void> ScanAll(std::span<const uint32_t> rows) {
    for (const uint32_t row : rows) {
      const Key key = WideKeyOf(row);
      data::ReadCommand command{.table = kWide, .row_limit = kScanRows};
      command.key = data::DecoratedKey::Of(std::string(key.view().substr(0, 8)));
      command.slices.push_back({.lower = std::string(key.view().substr(8))});
      auto result = co_await engine_->Read(std::move(command), Deadline::Infinite());
      THOLOS_CHECK(result.ok() && result->partitions.size() == 1) << result.status();
      THOLOS_CHECK(result->partitions[0].rows.size() == kScanRows);
    }
  }

  base::RealClock clock_;
  base::RealRandom random_;
  base::NullLog log_;
  std::unique_ptr<base::RealExecutor> executor_;
  std::unique_ptr<base::RealFileSystem> files_;
  std::unique_ptr<base::Metrics> metrics_;
  std::unique_ptr<Engine> engine_;

  std::span<const uint32_t> rows_;
  size_t next_ = 0;
  const Encoded encoded_{false};
  const Encoded encoded_wide_{true};
  data::Timestamp timestamp_ = kFirstTimestamp;
};

}  // namespace

std::unique_ptr<Store> MakeTholos() { return std::make_unique<Tholos>(); }

}  // namespace tholos::storage::bench
