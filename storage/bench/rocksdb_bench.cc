// RocksDB, with what is comparable set alike and the rest left at its defaults.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "base/check.h"
#include "storage/bench/contender_bench.h"

namespace tholos::storage::bench {
namespace {

constexpr int kScanRows = 100;

rocksdb::Slice SliceOf(std::string_view view) { return {view.data(), view.size()}; }

void Check(const rocksdb::Status& status) { THOLOS_CHECK(status.ok()) << status.ToString(); }

// Memtables of this size where the whole budget is larger: what its users run, and what its
// write amplification is measured with.
constexpr uint64_t kWriteBufferBytesMax = uint64_t{64} << 20;

class RocksDb final : public Store {
 public:
  void Open(StoreOptions options) override {
    sync_writes_ = options.sync_writes;
    rocksdb::Options db;
    db.create_if_missing = true;
    db.compression = rocksdb::kLZ4Compression;
    db.max_background_jobs = 2;
    // Two buffers at most make up the budget; a budget without end is one buffer.
    const bool bounded = options.memtable_bytes <= 4 * kWriteBufferBytesMax;
    db.write_buffer_size = bounded ? options.memtable_bytes / 2 : options.memtable_bytes;
    db.max_write_buffer_number = 2;
    // The proportion of its defaults.
    if (bounded) db.max_bytes_for_level_base = 4 * db.write_buffer_size;
    db.max_total_wal_size = options.commitlog_bytes;
    // As the other one: an open leaves what the log has in memory.
    db.avoid_flush_during_recovery = true;
    db.avoid_flush_during_shutdown = true;
    // Counting costs too much to have it on where time is measured.
    if (bounded) db.statistics = rocksdb::CreateDBStatistics();
    statistics_ = db.statistics;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
    table.block_size = options.block_bytes;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;
    db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
        {rocksdb::kDefaultColumnFamilyName, db}, {"wide", db}};
    db.create_missing_column_families = true;
    rocksdb::DB* opened = nullptr;
    Check(rocksdb::DB::Open(db, options.directory, families, &families_, &opened));
    db_.reset(opened);
  }

  void Close() override {
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      Check(db_->DestroyColumnFamilyHandle(family));
    }
    families_.clear();
    Check(db_->Close());
    db_.reset();
  }

  void Put(std::span<const uint32_t> rows, uint32_t version) override {
    if (!sync_writes_) return PutSome(rows, version);
    // Its group commit joins the writes of threads.
    std::vector<std::thread> writers;
    const size_t share = (rows.size() + kInFlight - 1) / kInFlight;
    for (size_t at = 0; at < rows.size(); at += share) {
      writers.emplace_back(
          [=, this] { PutSome(rows.subspan(at, std::min(share, rows.size() - at)), version); });
    }
    for (std::thread& writer : writers) writer.join();
  }

  void PutWide(std::span<const uint32_t> rows) override {
    for (const uint32_t row : rows) {
      Check(db_->Put({}, families_[1], SliceOf(WideKeyOf(row).view()), SliceOf(ValueOf(row, 0))));
    }
  }

  void Get(std::span<const uint32_t> rows) override {
    // Into a string of its own each time, as the other store answers.
    for (const uint32_t row : rows) {
      std::string value;
      const Key key = KeyOf(row);
      Check(db_->Get({}, SliceOf(key.view()), &value));
      THOLOS_CHECK(value.size() == kValueBytes);
    }
  }

  void ScanWide(std::span<const uint32_t> rows) override {
    for (const uint32_t row : rows) {
      const Key from = WideKeyOf(row);
      std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}, families_[1]));
      // The rows are taken out of the iterator, as the other store's are.
      std::vector<std::pair<std::string, std::string>> taken;
      for (at->Seek(SliceOf(from.view())); at->Valid() && taken.size() < kScanRows; at->Next()) {
        taken.emplace_back(at->key().ToString(), at->value().ToString());
      }
      THOLOS_CHECK(taken.size() == kScanRows);
    }
  }

  void Flush() override {
    for (rocksdb::ColumnFamilyHandle* family : families_) Check(db_->Flush({}, family));
  }

  void Compact() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    Check(db_->CompactRange(options, nullptr, nullptr));
  }

  void WaitIdle() override {
    while (Property("rocksdb.mem-table-flush-pending") > 0 ||
           Property("rocksdb.num-running-flushes") > 0 ||
           Property("rocksdb.compaction-pending") > 0 ||
           Property("rocksdb.num-running-compactions") > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  StoreCounters Counters() override {
    StoreCounters counters{.table_bytes = Property("rocksdb.total-sst-files-size"),
                           .memtable_bytes = Property("rocksdb.cur-size-all-mem-tables")};
    if (statistics_ != nullptr) {
      counters.flushed_bytes = statistics_->getTickerCount(rocksdb::FLUSH_WRITE_BYTES);
      counters.compacted_bytes = statistics_->getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
      counters.compaction_read_bytes = statistics_->getTickerCount(rocksdb::COMPACT_READ_BYTES);
    }
    return counters;
  }

 private:
  void PutSome(std::span<const uint32_t> rows, uint32_t version) {
    rocksdb::WriteOptions options;
    options.sync = sync_writes_;
    for (const uint32_t row : rows) {
      Check(db_->Put(options, SliceOf(KeyOf(row).view()), SliceOf(ValueOf(row, version))));
    }
  }

  uint64_t Property(const char* name) {
    uint64_t value = 0;
    db_->GetIntProperty(name, &value);
    return value;
  }

  bool sync_writes_ = false;
  std::shared_ptr<rocksdb::Statistics> statistics_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace

std::unique_ptr<Store> MakeRocksDb() { return std::make_unique<RocksDb>(); }

}  // namespace tholos::storage::bench
