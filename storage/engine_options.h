// What an engine is opened with.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "storage/compaction_throttle.h"

namespace tholos::storage {

// What an acknowledged write has behind it.
enum class CommitLogSync {
  // A sync: it survives a power loss. Writes that arrive while a sync is in flight form the next
  // group.
  kBatch,
  // The operating system: it survives the end of the process. A power loss takes what was written
  // after the last sync, which is at most commitlog_sync_period ago.
  kPeriodic,
};

struct EngineOptions {
  std::string directory;
  // All shards' memtables together; when it is passed the largest of any shard is flushed
  // (memory_budget.h). Where flushes lag, writes are delayed from 1.5 times of it on, the more the
  // closer they come to twice of it, where they wait for a flush.
  uint64_t memtable_bytes_max = 256 << 20;
  CommitLogSync commitlog_sync = CommitLogSync::kBatch;
  absl::Duration commitlog_sync_period = absl::Milliseconds(500);
  // Segments that are full are linked (or copied) into <here>/<layout>-<shard>/ for restores to a
  // point in time; nothing removes them from there. Empty: they are not kept.
  std::string commitlog_archive_directory;
  uint64_t commitlog_segment_bytes = 32 << 20;
  // All segments of a shard that hold records; passing it forces flushes of the oldest data.
  uint64_t commitlog_bytes_max = 512 << 20;
  // Side by side on each shard; 0: none but those that are asked for.
  uint32_t compactions_per_shard = 2;
  CompactionRateOptions compaction_rate;
  // Every flushed SSTable is linked into its table's backups/, for somebody to copy and remove.
  bool incremental_backups = false;
  // Decoded SSTable blocks of all shards, and rows of tables that have a row cache (a quarter of it
  // at most).
  uint64_t cache_bytes_max = 256 << 20;
  // Mutations larger than this are refused (kInvalidArgument): they must fit a segment. The default
  // has room for a cell of 16 MiB.
  uint64_t mutation_bytes_max = 17 << 20;
  // Tests only: acknowledge before the sync (a mutant that the simulator must find).
  bool mutant_skip_sync = false;
  // Tests only: compactions purge what has expired without waiting for gc_grace_seconds.
  bool mutant_purge_expired = false;
};

}  // namespace tholos::storage
