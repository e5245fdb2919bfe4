// A memtable: the newest writes of one table on one shard, in memory, sorted by (token, key) and
// then clustering.
//
//   partitions   tree by token -> Partition { key, contents }
//   contents     nothing | one Row | Contents { tombstone, static row, range deletions, rows }
//   rows         tree by clustering -> Row { clustering, body as data/codec.h encodes it }
//
// Partitions, rows and tree nodes are pieces of one arena. A write is taken apart where it stands
// encoded (data/mutation_view.h), and a new row's body is copied as it is. What a row costs beside
// its own bytes, of a table with 16-byte partition keys and no clustering:
//
//   23  slot in a leaf: 16 bytes, leaves of random keys are 69 % full
//   16  partition: contents 8, key length 2, padding 6
//   20  row: lengths 6, flags, timestamp and cell header 12, padding 2
//
// 59 bytes; with 116 bytes of key and value that makes 1.51 bytes of memory a byte. A partition
// whose only content is one row (most tables have only such) has no Contents.
//
// Kept canonical by the merge law: what a tombstone shadows is gone. Written on its shard while it
// is the active one; once frozen it never changes, and other loops (the flush) may read it beside
// the shard.
//
// Readers hold a shared_ptr and may pause between steps while writes go on. Partitions are never
// erased. Places in trees are good as long as `changes` stays the same; a row must be decoded
// before the next write may come, since its memory is used again when it is replaced. A tombstone
// takes those that it covers away; by Contents::deletions a source knows that it must say what is
// in effect now.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/mutation_view.h"
#include "data/partition.h"
#include "data/row_state.h"
#include "data/source.h"
#include "storage/commitlog/log_position.h"
#include "storage/memtable/arena.h"
#include "storage/memtable/prefix_tree.h"
#include "storage/memtable/range_deletions.h"

namespace tholos::storage {

class Memtable {
 public:
  class Row {
   public:
    std::string_view key() const { return {bytes_, clustering_bytes_}; }
    std::string_view body() const { return {bytes_ + clustering_bytes_, body_bytes_}; }
    // All of it.
    void Decode(data::Row* row) const;

   private:
    friend class Memtable;
    uint32_t body_bytes_;
    uint16_t clustering_bytes_;
    char bytes_[];
  };
  using Rows = PrefixTree<Row>;

  struct Contents {
    data::Deletion deletion;
    Row* static_row = nullptr;
    RangeDeletions ranges;
    Rows rows;
    uint64_t deletions = 0;  // tombstones of the partition and of ranges that were applied
  };

  class Partition {
   public:
    std::string_view key() const { return {bytes_, key_bytes_}; }
    // At most one of them is there.
    Row* only_row() const { return is_row() ? reinterpret_cast<Row*>(pointer_) : nullptr; }
    Contents* contents() const {
      return is_row() ? nullptr : reinterpret_cast<Contents*>(pointer_ & ~kContents);
    }

   private:
    friend class Memtable;
    // Both kinds are aligned for 8 bytes.
    static constexpr uintptr_t kContents = 1;
    bool is_row() const { return pointer_ != 0 && (pointer_ & kContents) == 0; }
    uintptr_t pointer_;
    uint16_t key_bytes_;
    char bytes_[];
  };
  using Partitions = PrefixTree<Partition>;

  Memtable() = default;
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;

  // Where a partition was, or that it was not there, when there were that many changes.
  struct Hint {
    Partitions::Place place;
    uint64_t changes = 0;
  };
  // Merges `update`, whose log record is at `position`; in any order. `hint` (or null) is of this
  // memtable and of the update's partition.
  void Apply(const data::MutationView& update, LogPosition position, const Hint* hint = nullptr);

  // Adds what is known of one row to `*state`.
  void Find(const data::DecoratedKey& key, std::string_view clustering,
            data::RowState* state) const;

  bool empty() const { return partitions_.empty(); }
  // Of memory.
  uint64_t bytes() const { return arena_.bytes() + contents_bytes_; }
  const Partitions& partitions() const { return partitions_; }
  // Grows with every change after which places in trees must be looked up again.
  uint64_t changes() const { return changes_; }
  // Of the oldest record applied: the log is needed from there. Nothing if none was.
  std::optional<LogPosition> first_position() const { return first_position_; }
  // Of any value, liveness or tombstone that was applied; the largest number if none was.
  data::Timestamp min_timestamp() const { return min_timestamp_; }

  static TreeKey KeyOf(data::Token token, std::string_view key) {
    return {static_cast<uint64_t>(token) ^ (uint64_t{1} << 63), key};
  }
  static data::Token TokenOf(uint64_t prefix) {
    return static_cast<data::Token>(prefix ^ (uint64_t{1} << 63));
  }
  static TreeKey KeyOf(std::string_view clustering);

 private:
  Partition* FindOrMake(const data::MutationView& update, const Hint* hint);
  Contents& ContentsOf(Partition& partition);
  void ApplyDeletion(Contents& contents, const data::Deletion& deletion);
  void ApplyRange(Contents& contents, const data::RangeTombstone& tombstone);
  void CoverRows(Contents& contents, const data::Slice& range, const data::Deletion& deletion);
  void ApplyStatic(Contents& contents, const data::RowView& update);
  void ApplyRow(Partition& partition, const data::RowView& update);
  // The body of `update` less what `covering` and its own tombstones shadow; empty: nothing is
  // left. Good until the next call.
  std::string_view Uncovered(const data::RowView& update, const data::Deletion& covering);

  Row* NewRow(std::string_view clustering, std::string_view body);
  void FreeRow(Row* row);
  // `row` with another body: itself, or another in its place.
  Row* WithBody(Row* row, std::string_view body);
  Row* Merged(Row* row, std::string_view body);
  // Null: nothing is left, and its memory is given back.
  Row* Covered(Row* row, const data::Deletion& covering);
  void NoteTimestamps(const data::RowView& row) {
    min_timestamp_ = std::min(min_timestamp_, row.min_timestamp);
  }

  Arena arena_;
  Partitions partitions_;
  std::deque<Contents> contents_;
  uint64_t contents_bytes_ = 0;
  uint64_t changes_ = 0;
  std::optional<LogPosition> first_position_;
  data::Timestamp min_timestamp_ = std::numeric_limits<data::Timestamp>::max();
  // Memory that one call after the other uses.
  data::Row old_row_, new_row_;
  std::string body_;
};

// What is selected of `memtable`, in order; correct while writes to it go on between steps (a row
// that appears behind the place of the source may or may not be seen). Never suspends. Null if one
// partition is selected and the memtable does not have it.
std::unique_ptr<data::PartitionSource> MemtableSource(std::shared_ptr<const Memtable> memtable,
                                                      data::Selection selection);

}  // namespace tholos::storage
