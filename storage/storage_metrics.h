// The instruments of one shard's storage, the commit log's excepted.
#pragma once

#include <cstdint>

#include "base/metrics.h"

namespace tholos::storage {

struct StorageMetrics {
  StorageMetrics(base::Metrics& metrics, uint32_t shard);

  base::Counter& writes;
  base::Counter& delayed_writes;
  base::Counter& write_delay_microseconds;
  base::Counter& reads;
  base::Counter& corrupt_reads;
  base::Counter& flushes;
  base::Counter& flushed_bytes;
  base::Counter& failed_flushes;
  base::Counter& compactions;
  base::Gauge& compactions_running;
  base::Counter& compaction_read_bytes;
  base::Counter& compaction_written_bytes;
  base::Counter& failed_compactions;
  base::Counter& expired_sstables;
  base::Counter& unsafe_purges;
  base::Counter& cache_hits;
  base::Counter& cache_misses;
  base::Gauge& cache_bytes;
  base::Counter& row_cache_hits;
  base::Counter& row_cache_misses;
  base::Gauge& row_cache_bytes;
  base::Gauge& memtable_bytes;
  base::Gauge& sstables;
  base::Gauge& sstable_bytes;
};

}  // namespace tholos::storage
