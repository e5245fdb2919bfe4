// What to compact next: a pure function of the SSTables' statistics. The strategy is explained in
// strategy.h; the driver is storage's.
//
// Levels. The density of an SSTable is its bytes divided by the share of the shard's tokens that it
// spans: a full-range flush of 64 MiB and one of four parts of a 256 MiB result, 64 MiB over a
// quarter, are a factor of four apart. With base 64 MiB and T4 (f = 4):
//
//   density   0          256 MiB        1 GiB          4 GiB
//             |-- level 0 --|-- level 1 --|-- level 2 --| ...
//
// Outputs are split at tokens that depend on the density alone, so the parts of one run line up
// with those of the next, and compactions on the upper levels are many small disjoint ones that run
// side by side.
//
//   token     -2^63                                             2^63
//   level 2   [   part 1   ][   part 2   ][   part 3   ][  part 4   ]
//             [   part 1   ]                             [  part 4   ]
//              `- pick A                                 `- pick B
//
// Space. Level by level, older versions of rows stay until their runs meet: with T4 up to three
// runs a level, and files of two to three times what is live. So where the rows that newer runs
// replace in the largest one add up to a part of it (a quarter, by default), all are merged:
//
//   largest run   [========================]    100
//   newer runs    [=====] [====] [==] [==]       28, of which 95 % replace rows of the
//   largest: 26.6
//
// How much is replaced is not in the statistics; the owner estimates it (PickerState::replacing).
// A largest run of level 0, which is a few flushes, is left to its level.
// Rows that are new cost no such merge. From halfway to the bound, levels wait: what they would
// merge will be merged soon with everything, unless runs become too many.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/partition.h"
#include "sstable/compaction/strategy.h"
#include "sstable/compaction/token_interval.h"

namespace tholos::sstable {

// An SSTable as far as this shard holds it.
struct CompactionCandidate {
  uint64_t generation = 0;
  uint64_t bytes = 0;
  TokenInterval tokens;  // first and last
  uint64_t partitions = 0;
  data::Timestamp min_timestamp = 0;
  data::Timestamp max_timestamp = 0;
  // Everything in it has expired, or is a tombstone, before this wall second.
  int64_t max_local_deletion_seconds = data::kNoExpiry;
  bool spans_shards = false;  // only a part is held: a compaction would split it
  bool busy = false;          // a compaction has it
};

struct PickerState {
  std::vector<CompactionCandidate> tables;
  TokenInterval slice;       // the shard's
  uint64_t flush_bytes = 0;  // the average flush; 0: none yet
  int64_t now_micros = 0;    // wall time, for windows
  // Tombstones older than this may go.
  int64_t gc_before_seconds = std::numeric_limits<int64_t>::min();
  // The share, from 0 to 1, of the rows of some tables that replace rows of others, both by
  // generation. None: all do.
  std::function<double(const std::vector<uint64_t>& newer, const std::vector<uint64_t>& largest)>
      replacing;
  // Of what is in memtables: nothing in an SSTable may be dropped that could shadow it.
  data::Timestamp memtable_min_timestamp = std::numeric_limits<data::Timestamp>::max();
};

struct CompactionPick {
  enum class Reason {
    kExpired,  // nothing in them can matter any more: to be dropped unread
    kLevel,    // enough overlap on a level
    kSpace,    // newer runs replace much of the largest one
    kWindow,   // an older time window in more than one SSTable
    kSplit,    // spans shards
  };
  Reason reason = Reason::kLevel;
  int level = 0;
  uint64_t bytes = 0;
  std::vector<uint64_t> generations;  // ascending
  uint64_t replaced_bytes = 0;        // kSpace: what is expected to go
  // Outputs end before the first partition with a token at or beyond each of these.
  std::vector<data::Token> split_points;

  // "level 1: 3 4 5 9, 12345 bytes, 3 splits".
  std::string ToString() const;
  friend bool operator==(const CompactionPick&, const CompactionPick&) = default;
};

// All compactions that are due, the most urgent first: what has expired, then lower levels before
// higher ones. They share no SSTable, so any number of them may run side by side. Busy tables are
// left alone, but seen.
std::vector<CompactionPick> PickCompactions(const PickerState& state,
                                            const CompactionStrategy& strategy);

// The bytes that compactions will have to read until nothing is due, roughly: the picks that are
// due, and for each what its result will cause further up.
uint64_t CompactionBacklog(const PickerState& state, const CompactionStrategy& strategy);

// The level of a density.
int LevelOf(double density, const CompactionStrategy& strategy, uint64_t flush_bytes);
double DensityOf(const CompactionCandidate& table, const TokenInterval& slice,
                 const CompactionStrategy& strategy);
// Into how many parts of the slice outputs of this density are split.
uint32_t SplitsOf(double density, const CompactionStrategy& strategy);
// Where outputs of a compaction of `inputs` are split.
std::vector<data::Token> SplitPointsFor(const std::vector<CompactionCandidate>& inputs,
                                        const TokenInterval& slice,
                                        const CompactionStrategy& strategy);

}  // namespace tholos::sstable
