// How a table's SSTables are kept in shape: the parameters of the one compaction engine (picker.h).
//
// The engine is the unified strategy. SSTables live on levels by density: bytes per share of the
// token space. Level l holds densities up to base * f0 * f1 * ... * fl; where t of them overlap on
// a level they are merged, and the result, t times as dense, belongs further up. Per level:
//
//   T<n>  tiered:   f = n, t = n   a byte is rewritten once a level; up to n - 1 runs to read
//   L<n>  leveled:  f = n, t = 2   a byte is rewritten up to n - 1 times a level; one run to read
//   N     between:  f = 2, t = 2
//
// What CQL calls a class is a setting of these:
//
//   Unified     as given; T4 on every level and a space amplification of 1.25 if nothing is
//   SizeTiered  T<min_threshold>, levels by size alone, outputs are not split
//   Leveled     L<fanout_size>, outputs of sstable_size_in_mb
//   TimeWindow  T<min_threshold> by size inside the newest window of write time; one SSTable in
//   each
//               older one, which goes as a whole when everything in it has expired
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::sstable {

struct LevelScaling {
  int fanout = 4;     // f, at least 2
  int threshold = 4;  // t, at least 2
  static LevelScaling Tiered(int n) { return {n, n}; }
  static LevelScaling Leveled(int n) { return {n, 2}; }
  // "T4", "L10", "N".
  std::string ToString() const;
  friend bool operator==(const LevelScaling&, const LevelScaling&) = default;
};

struct CompactionStrategy {
  // False: only what is asked for (CompactAll).
  bool enabled = true;
  // Of level 0, 1, ...; the last one is that of all further ones. Not empty.
  std::vector<LevelScaling> scaling = {LevelScaling::Tiered(4)};
  // False: levels by size, and outputs are not split.
  bool by_density = true;
  // The upper end of level 0 is base * f0. The base is the table's average flush, at least this.
  uint64_t base_bytes_min = 1 << 20;
  // Outputs are split at fixed tokens so that each has about target_bytes; the first splits, into
  // base_splits parts, come earlier, but none that makes parts smaller than split_bytes_min.
  uint64_t target_bytes = uint64_t{1} << 30;
  uint64_t split_bytes_min = 100 << 20;
  uint32_t base_splits = 4;
  // In one compaction.
  size_t tables_max = 32;
  // Where newer runs hold versions of so many rows of the largest run that files take more than
  // this, times what is live, they are merged with it, whatever the levels say. 0: never. Only by
  // density.
  double space_amplification_max = 0;
  // Time windows in microseconds of write time; 0: none.
  int64_t window_micros = 0;

  // "class=Unified scaling=T4,L10 target=1073741824 ..."
  std::string ToString() const;
  friend bool operator==(const CompactionStrategy&, const CompactionStrategy&) = default;
};

// From the table option `compaction`, a map of strings as CQL has it; an empty one gives the
// default. Class names may carry a Java package. kInvalidArgument names the option and what is
// wrong; options of Cassandra that have no meaning here are accepted, unknown ones are not.
absl::StatusOr<CompactionStrategy> ParseCompactionStrategy(
    const std::map<std::string, std::string>& options);

// {'a': 'b', 'c': 'd'}: a map of strings as CQL writes it. kInvalidArgument.
absl::StatusOr<std::map<std::string, std::string>> ParseOptionMap(std::string_view text);

}  // namespace tholos::sstable
