// What is known of one row that is read by its full primary key: of the row, and of the tombstones
// over it. Where rows are looked up one by one this stands for a PartitionSource of that row.
#pragma once

#include <optional>

#include "data/partition.h"
#include "data/read.h"

namespace tholos::data {

struct RowState {
  // Sources that know the partition. Of one alone the state is canonical.
  int sources = 0;
  Deletion partition_deletion;
  Deletion range_deletion;  // of the range tombstone over the row
  std::optional<Row> static_row;
  std::optional<Row> row;
  friend bool operator==(const RowState&, const RowState&) = default;
};

// What another source knows is added, by the merge law.
void MergeInto(RowState* into, RowState from);
// Drops what tombstones in it shadow.
void MakeCanonical(RowState* state);
// Bytes of memory, roughly.
size_t ApproximateBytes(const RowState& state);

// The answer to `command`, whose key is given, whose slices are the row's (or none, in a table
// without clustering columns) and which does not resume: what Collect would give of a source. The
// state is canonical.
ReadResult ReadOf(RowState state, ReadCommand command);

}  // namespace tholos::data
