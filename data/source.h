// PartitionSource: partitions in (token, key) order, the rows of each in the asked order, read
// piece by piece, so that a partition of any size passes through bounded memory. Memtables and
// SSTables are sources; so is the merge of several.
//
//   while (true) {
//     THOLOS_CO_ASSIGN_OR_RETURN(bool more, co_await source->NextPartition());
//     if (!more) break;
//     use(source->partition());
//     while (true) {
//       THOLOS_CO_ASSIGN_OR_RETURN(bool row, co_await source->NextRow());
//       if (!row) break;
//       use(source->row());
//     }
//   }
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "data/partition.h"
#include "data/read.h"

namespace tholos::data {

// What a partition has besides its rows.
struct PartitionHeader {
  DecoratedKey key;
  Deletion deletion;
  std::optional<Row> static_row;
};

// Used by one task at a time. After an error only destruction is allowed.
class PartitionSource {
 public:
  virtual ~PartitionSource() = default;
  // Moves to the next partition, skipping what is left of the current one. False at the end.
  virtual base::Task<absl::StatusOr<bool>> NextPartition() = 0;
  virtual const PartitionHeader& partition() const = 0;
  // Moves to the next row of the current partition. False at its end.
  virtual base::Task<absl::StatusOr<bool>> NextRow() = 0;
  // Valid until the next call of NextRow or NextPartition; may be moved from.
  virtual Row& row() = 0;
};

// What a source is asked for: a ReadCommand without limits. A source starts at `after->key`, with
// only the rows beyond `after->clustering` (in the asked order) for that partition; without a
// clustering key it starts behind that partition. Partitions without any selected row are given
// too: their tombstones and static rows matter.
struct Selection {
  std::optional<DecoratedKey> key;
  TokenRange range;
  std::vector<Slice> slices;  // empty: all rows
  bool reversed = false;
  std::optional<Position> after;
  static Selection Of(const ReadCommand& command);
  static Selection Everything() { return {}; }
  // The definition of what is selected; sources of many partitions seek instead of asking for each.
  bool Selects(const DecoratedKey& partition) const;
  // A row of a selected partition.
  bool Selects(const DecoratedKey& partition, std::string_view clustering) const;
};

// One source out of several over the same selection, by the merge law; what tombstones shadow is
// dropped. Never suspends where its sources do not; where several do, they wait side by side.
std::unique_ptr<PartitionSource> MergeSources(std::vector<std::unique_ptr<PartitionSource>> sources,
                                              bool reversed);

// Runs `command`'s limits and expiry over `source`, and collects the answer.
//
// A partition resumed behind one of its rows (command.after) shows its static row only together
// with live rows: without any it was counted, or seen with its rows, by an earlier page. For the
// same reason bytes_limit does not stop a read inside a partition that has a live static row and,
// so far, no live row. per_partition_limit counts anew where a read resumes inside a partition.
base::Task<absl::StatusOr<ReadResult>> Collect(std::unique_ptr<PartitionSource> source,
                                               ReadCommand command);

}  // namespace tholos::data
