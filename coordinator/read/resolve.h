// Resolution: several replicas' answers to one read command become one page and, for each replica,
// what it lacks. Pure.
//
// Limits make this delicate. A replica that stopped at a limit (`more`) knows nothing to say about
// what lies beyond its last row; so what the others have beyond it cannot be trusted yet: this
// replica may have a tombstone or a newer value for it.
//
//   replica A, limit 3, more    |1 2 3|............
//   replica B, limit 3, more    |. 2 . x4 x5 6 7|..       x: tombstone
//   trusted                     |1 2 3|  next: after 3
//
// Everything up to the *bound*, the smallest last position of the replicas that said `more`, is
// known to all of them; the merged answer is cut there, range tombstones too, and the next page
// starts there. A page may
// so come out short, or empty when tombstones of one replica remove the live rows of another; the
// caller reads on.
//
// A partition with a live static row and no live row is a row of the answer. If the page ends
// inside such a partition it is not yet known to be one: the caller reads on before it says
// anything about it.
//
// Positions compare in the command's order: by partition; within one by clustering key, descending
// if the command is reversed; a position without a clustering key lies after all rows of its
// partition.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/faults.h"
#include "data/read.h"

namespace tholos::coordinator {

struct Resolution {
  // In the command's order, tombstones included, cut at the bound and at the command's limits.
  std::vector<data::Partition> merged;
  // Where to read on; nothing: complete.
  std::optional<data::Position> next;
  // Nothing is known, for some replica's first row is larger than the command's bytes_max: the
  // largest ReadResult::needed. Then there is nothing else.
  uint64_t needed = 0;
};

// `answers`: at least one, each as CheckAnswer wants it. The limits counted are row_limit and
// per_partition_limit (of this page); of several answers bytes_limit, too, as each of them has up to
// so many: the page ends with the row that passes it.
Resolution Resolve(const data::ReadCommand& command, std::vector<data::ReadResult> answers,
                   const Faults& faults = kNoFaults);

// What `answer` lacks of `merged`, by partition, as mutations' updates (rows ascending).
std::vector<data::Partition> Lacking(const data::ReadCommand& command,
                                     const std::vector<data::Partition>& merged,
                                     const data::ReadResult& answer);
// All of `merged` as mutations' updates.
std::vector<data::Partition> AsUpdates(const data::ReadCommand& command,
                                       const std::vector<data::Partition>& merged);

// How many rows (static ones too), columns of collections, cells, ranges and partitions are dead at
// command.now_seconds.
uint64_t CountTombstones(const data::ReadCommand& command,
                         const std::vector<data::Partition>& merged);

// Without tombstones, and without what holds nothing alive at command.now_seconds. A static row
// alone makes a partition live, except where the read resumed inside the partition after rows of it
// were given.
std::vector<data::Partition> LiveOnly(const data::ReadCommand& command,
                                      std::vector<data::Partition> merged, bool resumed_rows_given);

// OK if `result` can be an answer to `command`: partitions and rows in order, within the partition
// or range, after `command.after`, not beyond bytes_max, and some row if it says there are more
// (or how much the first one takes). Otherwise kDataLoss: resolution would go wrong or in circles.
absl::Status CheckAnswer(const data::ReadCommand& command, const data::ReadResult& result);

}  // namespace tholos::coordinator
