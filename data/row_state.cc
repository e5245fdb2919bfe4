#include "data/row_state.h"

#include <utility>

namespace tholos::data {
namespace {

void MergeRows(std::optional<Row>* into, std::optional<Row> from) {
  if (!from.has_value()) return;
  if (into->has_value()) {
    MergeInto(&**into, *std::move(from));
  } else {
    *into = std::move(from);
  }
}

void Apply(const Deletion& deletion, std::optional<Row>* row) {
  if (!row->has_value()) return;
  ApplyDeletion(&**row, deletion);
  if ((*row)->IsEmpty()) row->reset();
}

}  // namespace

void MergeInto(RowState* into, RowState from) {
  into->sources += from.sources;
  into->partition_deletion = Reconcile(into->partition_deletion, from.partition_deletion);
  into->range_deletion = Reconcile(into->range_deletion, from.range_deletion);
  MergeRows(&into->static_row, std::move(from.static_row));
  MergeRows(&into->row, std::move(from.row));
}

void MakeCanonical(RowState* state) {
  if (state->sources <= 1) return;
  state->sources = 1;
  const Deletion& partition = state->partition_deletion;
  if (partition.Covers(state->range_deletion.timestamp)) state->range_deletion = Deletion();
  Apply(partition, &state->static_row);
  // The range's tombstone is greater than the partition's.
  Apply(state->range_deletion.live() ? partition : state->range_deletion, &state->row);
}

size_t ApproximateBytes(const RowState& state) {
  size_t bytes = sizeof(RowState);
  if (state.static_row.has_value()) bytes += ApproximateBytes(*state.static_row) - sizeof(Row);
  if (state.row.has_value()) bytes += ApproximateBytes(*state.row) - sizeof(Row);
  return bytes;
}

}  // namespace tholos::data
