// Compaction: many SSTables into few. Decide (compaction/picker.h: pure) and do (Compact: on a
// background loop); the owner of the tables installs the result.
//
// Installing: when Compact returns, all outputs are visible and durable, and the inputs are as
// before. The owner records durably, and in one step, that the outputs are live instead of the
// inputs; then it removes the inputs' files when their last readers are gone. One step, because
// tombstones may have been purged from the outputs: an input that came back alone after a crash
// could bring back what they deleted. Outputs without such a record are left-overs.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/partition.h"
#include "sstable/compaction/token_interval.h"
#include "sstable/format.h"
#include "sstable/statistics.h"

namespace tholos::sstable {

// ---- Purging
// -----------------------------------------------------------------------------------------

// The smallest timestamp of data outside a compaction that a tombstone of the partition could still
// shadow: only tombstones older than it may go.
using PurgeableBefore = std::function<data::Timestamp(const data::DecoratedKey&)>;

// One source of data that takes no part: an SSTable's key range and minimum timestamp; for a
// memtable the whole key range (leave `whole_range`).
struct OverlappingSource {
  data::Timestamp min_timestamp = data::kNoTimestamp;
  bool whole_range = true;
  data::DecoratedKey first_key;
  data::DecoratedKey last_key;
};
OverlappingSource OverlapOf(const TableMetadata& table);
// A function over a snapshot of them, usable on any thread.
PurgeableBefore PurgeableBeforeFor(std::vector<OverlappingSource> others);

// ---- The task
// ----------------------------------------------------------------------------------------

struct OutputId {
  uint64_t generation = 0;
  uint64_t file_id = 0;
};

struct CompactionInput {
  uint64_t generation = 0;
  uint64_t written_as = 0;  // OpenOptions::written_as
  TokenIntervals held;      // only these tokens; empty: all
};

struct CompactionOptions {
  std::string directory;
  data::TableId table;
  std::vector<CompactionInput> inputs;
  // Names a new table. Called on the background loop.
  std::function<OutputId()> next_output;
  // An output that passes this is closed at the next partition.
  uint64_t output_bytes_max = uint64_t{1} << 40;
  // Ascending: an output also ends before the first partition at or beyond each of them.
  std::vector<data::Token> split_points;
  // Tombstones with local_seconds < gc_before_seconds (now - gc_grace) go, where purgeable_before
  // allows.
  int64_t now_seconds = 0;
  int64_t gc_before_seconds = std::numeric_limits<int64_t>::min();
  bool mutant_purge_expired = false;  // tests only: what has expired goes at once
  PurgeableBefore purgeable_before;   // called on the background loop; none: nothing is purged
  // Set by the owner to end early (kCancelled). May be nullptr; must outlive the task.
  const std::atomic<bool>* stop = nullptr;
  // For the outputs: block sizes and compression; the rest is filled in.
  size_t block_bytes = 16 << 10;
  Compression compression = Compression::kLz4;
  int compression_level = 3;
  size_t dictionary_bytes = 0;  // WriterOptions::dictionary_bytes
};

struct CompactionResult {
  // In key order; none if all was purged.
  std::vector<TableMetadata> outputs;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t input_rows = 0;
  uint64_t output_rows = 0;
  // The largest timestamp of the tombstones and expired values that were purged: the outputs may be
  // installed as long as nothing outside is as old. The smallest number if none was.
  data::Timestamp newest_purged = data::kNoTimestamp;
};

// Merges the inputs into new tables. Expired values become tombstones; those that may go are
// purged; empty rows and partitions vanish. Opens the inputs itself, without cache, and yields to
// the loop's other work now and then. On an error (kDataLoss names the corrupt input's file and
// block) every output is removed again and the inputs are as before.
base::Task<absl::StatusOr<CompactionResult>> Compact(base::FileSystem& fs,
                                                     CompactionOptions options);

}  // namespace tholos::sstable
