// Reads the rows of a SELECT, one coordinator page after another, and stops when asked to: the
// partitions of IN lists in turn or a range of tokens, with filters, LIMIT and PER PARTITION LIMIT.
//
// The reader keeps its place as a PagingState, moved forward with each row that was considered, so
// that it can stop behind any row and another reader goes on from there.
//
// PER PARTITION LIMIT goes down to the replicas, except with filters (which come after the read). A
// replica counts from where it is asked to start, so in the middle of a partition it may give more
// than is left of the limit; the reader counts itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "cql/analysis/clustering.h"
#include "cql/analysis/restrictions.h"
#include "cql/paging.h"
#include "cql/plan.h"
#include "data/read.h"

namespace tholos::cql {

struct RowReaderOptions {
  TablePtr table;
  bool by_key = false;  // the partitions of `keys`, else of `range`
  absl::InlinedVector<data::DecoratedKey, 1> keys;
  data::TokenRange range;
  Slices slices;  // empty: all rows
  bool reversed = false;
  std::vector<BoundFilter> filters;
  std::optional<uint32_t> per_partition_limit;
  // A partition without rows, but with a static row, gives a row: not if clustering columns are
  // restricted.
  bool static_rows_alone = true;
  // Whether anybody looks at RowView::clustering.
  bool decode_clustering = true;
  // Rows count against the limits (state.remaining, per_partition_limit); else the taker counts.
  bool counts_rows = true;
};

class RowReader {
 public:
  explicit RowReader(Request& request) : request_(request) {}

  // To be set before the first Read; `state` is where it starts.
  RowReaderOptions& options() { return options_; }

  // What is said of a row.
  enum class Next : uint8_t {
    kMore,
    kStop,           // the row was the last of this page
    kStopBefore,     // the row before it was: the next page begins with this one
    kSkipPartition,  // go on behind the row's partition
  };
  using Taker = absl::FunctionRef<Next(const RowView&)>;

  // Reads one page of at most `rows` rows (of the first partitions of an IN list, one each, side by
  // side, which share the bytes of one page) and calls `take` for the rows that count. False when
  // there are no more. A partition with more than its share is read on alone by the next call.
  base::Task<absl::StatusOr<bool>> Read(uint32_t rows, Taker take);

  // Nothing is left to read.
  bool done() const { return done_; }
  // Rows looked at so far, filtered ones included.
  uint64_t considered() const { return considered_; }
  // Tombstones that were read beside them (coordinator::ReadPage).
  uint64_t tombstones() const { return tombstones_; }
  const PagingState& state() const { return state_; }
  PagingState& state() { return state_; }

 private:
  static constexpr size_t kPartitionsAtATimeMax = 16;
  enum class Taken : uint8_t { kToTheEnd, kStoppedAtTheEnd, kStopped, kSkipped };
  // `ahead`: for the partition so many places behind the current one in the IN list.
  data::ReadCommand NextCommand(uint32_t rows, size_t ahead = 0) const;
  size_t PartitionsAtATime() const;
  base::Task<absl::StatusOr<coordinator::ReadPage>> Fetch(data::ReadCommand command,
                                                          bool ahead = false);
  absl::StatusOr<bool> TakePage(coordinator::ReadPage page, Taker take);
  absl::Status TakeAhead(std::vector<absl::StatusOr<coordinator::ReadPage>> pages, Taker take);
  absl::StatusOr<Taken> TakePartition(const data::Partition& partition, Taker take);
  Next TakeRow(const RowView& view, Taker take);
  Taken TakeStaticRow(const data::Partition& partition, bool continued, const RowView& view,
                      Taker take);
  // A timeout, with what was read before it.
  absl::Status TooLate(const absl::Status& timeout) const;
  void EndOfTarget();
  bool PartitionIsFull() const {
    return options_.per_partition_limit && state_.partition_rows >= *options_.per_partition_limit;
  }

  Request& request_;
  RowReaderOptions options_;
  PagingState state_;
  uint64_t considered_ = 0;
  uint64_t tombstones_ = 0;
  bool done_ = false;
  // Of an IN list: how many partitions to read side by side, and that the present one is to be read
  // on alone first.
  size_t at_a_time_ = kPartitionsAtATimeMax;
  bool alone_ = false;
};

}  // namespace tholos::cql
