// What the storage benchmark measures: one store under one interface, so that this engine and
// RocksDB do the same work, piece by piece, in turn.
//
// The work: 16-byte keys, values of 100 bytes of which half can be compressed. Row i has the key
// KeyOf(i), a mixed number, so rows that are written one after the other lie far apart in either
// store's order. "Wide" rows are 100-row neighbourhoods for scans: 1,000 to a partition here, the
// same 16 bytes as an ordinary key there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tholos::storage::bench {

struct StoreOptions {
  std::string directory;
  // Of the memtables together, and of the block cache.
  uint64_t memtable_bytes = uint64_t{8} << 30;
  uint64_t cache_bytes = uint64_t{8} << 30;
  uint64_t commitlog_bytes = uint64_t{64} << 30;
  // Every write waits until a sync has covered it; otherwise until the operating system has it.
  bool sync_writes = false;
  uint64_t block_bytes = 16 << 10;
  bool row_cache = false;  // of this engine's table of single rows
};

struct StoreCounters {
  uint64_t flushed_bytes = 0;
  uint64_t compacted_bytes = 0;  // written by compactions
  uint64_t compaction_read_bytes = 0;
  uint64_t table_bytes = 0;     // of all live tables
  uint64_t memtable_bytes = 0;  // of memory
};

inline constexpr size_t kKeyBytes = 16;
inline constexpr size_t kValueBytes = 100;
inline constexpr uint64_t kUserBytesPerRow = kKeyBytes + kValueBytes;
inline constexpr uint32_t kWideRows = 1000;  // of one partition
inline constexpr int kInFlight = 64;

// Fixed-size, so that neither store pays for building it.
struct Key {
  char bytes[kKeyBytes];
  std::string_view view() const { return {bytes, kKeyBytes}; }
};
Key KeyOf(uint32_t row);
// Row `row` of the wide data: partition row / kWideRows, clustering row % kWideRows.
Key WideKeyOf(uint32_t row);
// Valid until the next call on this thread.
std::string_view ValueOf(uint32_t row, uint32_t version);

// Every call returns when its work is done. CHECK-fails on an error or a wrong answer.
class Store {
 public:
  virtual ~Store() = default;
  // Existing data is recovered.
  virtual void Open(StoreOptions options) = 0;
  virtual void Close() = 0;
  virtual void Put(std::span<const uint32_t> rows, uint32_t version) = 0;
  virtual void PutWide(std::span<const uint32_t> rows) = 0;
  virtual void Get(std::span<const uint32_t> rows) = 0;
  // 100 rows from each of these on.
  virtual void ScanWide(std::span<const uint32_t> rows) = 0;
  virtual void Flush() = 0;
  virtual void Compact() = 0;
  // Returns when no background work is left.
  virtual void WaitIdle() = 0;
  virtual StoreCounters Counters() = 0;
};

std::unique_ptr<Store> MakeTholos();
// Null where the build found no RocksDB.
std::unique_ptr<Store> MakeRocksDb();

// wide_bench.cc; prints.
void RunWidePartition(const std::string& directory, uint32_t rows);

}  // namespace tholos::storage::bench
