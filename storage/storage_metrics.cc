#include "storage/storage_metrics.h"

#include "base/strings.h"

namespace tholos::storage {
namespace {

base::Metrics::Labels LabelsOf(uint32_t shard) { return {{"shard", base::StrCat(shard)}}; }

}  // namespace

StorageMetrics::StorageMetrics(base::Metrics& m, uint32_t shard)
    : writes(m.AddCounter("tholos_storage_writes_total", "Mutations applied", LabelsOf(shard))),
      delayed_writes(m.AddCounter("tholos_storage_delayed_writes_total",
                                  "Writes that were slowed down because flushes lag",
                                  LabelsOf(shard))),
      write_delay_microseconds(m.AddCounter("tholos_storage_write_delay_microseconds_total",
                                            "How long these were slowed down", LabelsOf(shard))),
      reads(m.AddCounter("tholos_storage_reads_total", "Read commands answered", LabelsOf(shard))),
      corrupt_reads(m.AddCounter("tholos_storage_corrupt_reads_total",
                                 "Reads that met damaged data", LabelsOf(shard))),
      flushes(
          m.AddCounter("tholos_flushes_total", "Memtables written to SSTables", LabelsOf(shard))),
      flushed_bytes(m.AddCounter("tholos_flushed_bytes_total",
                                 "Bytes of SSTables that flushes wrote", LabelsOf(shard))),
      failed_flushes(m.AddCounter("tholos_failed_flushes_total",
                                  "Flushes that failed and are retried", LabelsOf(shard))),
      compactions(m.AddCounter("tholos_compactions_total", "Compactions", LabelsOf(shard))),
      compactions_running(
          m.AddGauge("tholos_compactions_running", "Compactions under way", LabelsOf(shard))),
      compaction_read_bytes(m.AddCounter("tholos_compaction_read_bytes_total",
                                         "Bytes of SSTables that compactions read",
                                         LabelsOf(shard))),
      compaction_written_bytes(m.AddCounter("tholos_compaction_written_bytes_total",
                                            "Bytes of SSTables that compactions wrote",
                                            LabelsOf(shard))),
      failed_compactions(m.AddCounter("tholos_failed_compactions_total",
                                      "Compactions that failed and are retried", LabelsOf(shard))),
      expired_sstables(m.AddCounter("tholos_expired_sstables_total",
                                    "SSTables that were dropped unread: all in them had expired",
                                    LabelsOf(shard))),
      unsafe_purges(m.AddCounter("tholos_unsafe_purges_total",
                                 "Compactions done again because something old was written "
                                 "meanwhile that a purged tombstone shadowed",
                                 LabelsOf(shard))),
      cache_hits(m.AddCounter("tholos_block_cache_hits_total", "Blocks found in the cache",
                              LabelsOf(shard))),
      cache_misses(m.AddCounter("tholos_block_cache_misses_total",
                                "Blocks looked for in the cache in vain", LabelsOf(shard))),
      cache_bytes(
          m.AddGauge("tholos_block_cache_bytes", "Bytes of blocks in the cache", LabelsOf(shard))),
      row_cache_hits(m.AddCounter("tholos_row_cache_hits_total",
                                  "Rows of tables with a row cache that it had", LabelsOf(shard))),
      row_cache_misses(m.AddCounter("tholos_row_cache_misses_total",
                                    "Rows looked for in a row cache in vain", LabelsOf(shard))),
      row_cache_bytes(m.AddGauge("tholos_row_cache_bytes",
                                 "Bytes of rows in the cache, taken from the block cache",
                                 LabelsOf(shard))),
      memtable_bytes(
          m.AddGauge("tholos_memtable_bytes", "Bytes of all memtables", LabelsOf(shard))),
      sstables(m.AddGauge("tholos_sstables", "Live SSTables", LabelsOf(shard))),
      sstable_bytes(m.AddGauge("tholos_sstable_bytes", "Bytes of live SSTables", LabelsOf(shard))) {
}

}  // namespace tholos::storage
