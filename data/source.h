// PartitionSource: partitions in (token, key) order, the rows and range tombstones of each in the
// asked order, read piece by piece, so that a partition of any size passes through bounded memory.
// Memtables and SSTables are sources; so is the merge of several.
//
//   while (true) {
//     THOLOS_CO_ASSIGN_OR_RETURN(bool more, co_await source->NextPartition());
//     if (!more) break;
//     use(source->partition());
//     while (true) {
//       THOLOS_CO_ASSIGN_OR_RETURN(Item item, co_await source->NextItem());
//       if (item == Item::kEnd) break;
//       if (item == Item::kRow) use(source->row());
//       if (item == Item::kChange) use(source->change());
//     }
//   }
//
// Range tombstones travel as changes of the deletion in effect: none at the start of a partition,
// and each change says what holds from its place on, up to the next change. No look ahead is
// needed to merge or to cut them, and no source has more than one in effect:
//
//   range tombstones   [b-------------e) 5    [e------g) 7
//   rows             a   c       d          e           h
//   forward          a  b:5  c d  e:7  e  g:none  h
//   reversed         h  g:7  e  e:5  d c  b:none  a
//
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

// A change of the deletion in effect. Forward: for keys >= `at`, so it comes before a row of that
// very key. Reversed: for keys < `at`, so it comes behind such a row; an empty `at` is above all
// keys. Live: none from here on.
struct DeletionChange {
  std::string at;
  Deletion deletion;
  friend bool operator==(const DeletionChange&, const DeletionChange&) = default;
};

enum class Item : uint8_t { kEnd, kRow, kChange };

// Used by one task at a time. After an error only destruction is allowed.
class PartitionSource {
 public:
  virtual ~PartitionSource() = default;
  // Moves to the next partition, skipping what is left of the current one. False at the end.
  virtual base::Task<absl::StatusOr<bool>> NextPartition() = 0;
  virtual const PartitionHeader& partition() const = 0;
  // Moves to the next row or change of the current partition. At its end the deletion in effect
  // holds up to the end of what was asked for.
  //
  // Within slices a source gives what holds there: a change to what is in effect at a slice's
  // start, and one to none at its end if something still is and the next slice does not follow at
  // once. Changes have different places and differ from what was in effect; in the gaps between
  // slices and in what a partition tombstone covers, what is said does not matter.
  virtual base::Task<absl::StatusOr<Item>> NextItem() = 0;
  // Valid until the next call of NextItem or NextPartition. The row may be moved from.
  virtual Row& row() = 0;
  virtual const DeletionChange& change() const = 0;
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
  // What is asked of a selected partition: sorted, disjoint, ascending; without any: no rows.
  std::vector<Slice> SlicesOf(const DecoratedKey& partition) const;
};

// One source out of several over the same selection, by the merge law; what tombstones shadow is
// dropped. Never suspends where its sources do not; where several do, they wait side by side.
std::unique_ptr<PartitionSource> MergeSources(std::vector<std::unique_ptr<PartitionSource>> sources,
                                              bool reversed);

// Runs `command`'s limits and expiry over `source`, and collects the answer. Range tombstones are
// cut where the answer ends, so it claims nothing about what lies behind; and since they may be
// many, bytes_limit ends a page between two of them, too.
//
// A partition resumed behind one of its rows (command.after) has its static row too, also where no
// live row follows here: on another replica one may, beside an older static row, which must lose.
// Alone it counts as a row, though readers that were given rows of the partition leave it out.
// bytes_limit does not stop a read inside a partition that has a live static row and, so far, no
// live row: it is not decided yet whether that is a row; bytes_max does, and whoever sets it reads
// on before that partition is said to be anything.
//
// bytes_max ends a result before the row that does not fit, behind the row before it. A partition
// of which no row was taken yet is left out, and the result ends behind the one before it:
//
//   | p1: a b | p2: static, range, c |     c does not fit: ends behind p1
//   | p1: a b c |                          c does not fit: ends behind b
//   | p1: static, range, a |               a does not fit: empty, needed = all of this
//
// What is counted depends on the data alone, so replicas that have the same end at the same place.
// Only two range tombstones may come on top of bytes_max. per_partition_limit counts anew where a
// read resumes inside a partition.
base::Task<absl::StatusOr<ReadResult>> Collect(std::unique_ptr<PartitionSource> source,
                                               ReadCommand command);

}  // namespace tholos::data
