// What a Selection asks of one SSTable, as a PartitionSource.
//
// A read of one slice of a wide partition costs one data block: the index says what the partition's
// header holds, and each block says what range tombstone it begins in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/source.h"
#include "sstable/table_cursor.h"

namespace tholos::sstable {

class TableSource : public data::PartitionSource {
 public:
  TableSource(std::shared_ptr<const SSTable> table, data::Selection selection, ReadPattern pattern);

  base::Task<absl::StatusOr<bool>> NextPartition() override;
  const data::PartitionHeader& partition() const override { return header_; }
  base::Task<absl::StatusOr<data::Item>> NextItem() override;
  data::Row& row() override { return row_; }
  const data::DeletionChange& change() const override { return change_; }

 private:
  template <typename T>
  using Answer = absl::StatusOr<T>;
  // kSeek: to the start of the current slice. kStep: to the next entry.
  enum class Move : uint8_t { kSeek, kStep };

  // Each goes as far as it gets in memory. Nothing: the cursor's move must be completed first; the
  // next call then goes on behind it.
  std::optional<Answer<bool>> TryNextPartition();
  std::optional<Answer<data::Item>> TryNextItem();
  base::Task<Answer<bool>> CompletePartition();
  base::Task<Answer<data::Item>> CompleteItem();

  bool MoveToPartition();
  std::string StartKey() const;
  bool SeekFirstSlice();
  std::optional<Answer<bool>> TakeHeaderOfSlice();
  Answer<bool> TakeHeader();
  Answer<bool> TakeHeaderValue(std::string_view value);
  void StartItems();

  bool MoveToItem();
  bool SeekSlice();
  std::string SliceStart() const;
  absl::Status Arrive();
  absl::Status ArriveAtSlice();
  absl::Status ArriveAtEntry(std::string_view clustering);
  void EndItems();
  void LeaveSlice();
  void EnterSlice();
  std::optional<data::Item> TakeItem();
  void Say(const std::string& at, const data::Deletion& deletion);
  absl::StatusOr<data::Deletion> InEffect() const;
  absl::Status TakeRow(std::string_view clustering, std::string_view body);
  bool IsBeyondSlice(std::string_view clustering) const;
  bool IsBeforeSlice(std::string_view clustering) const;

  const data::Selection selection_;
  TableCursor cursor_;
  const bool has_ranges_;  // the table has range tombstones
  bool ended_ = false;
  bool started_ = false;
  bool settled_ = false;            // the cursor has made its move
  bool at_slice_ = false;           // its first move went to a slice, not to a partition's header
  bool at_next_partition_ = false;  // the cursor stands behind the current partition's last row

  std::string prefix_;  // of the current partition
  data::PartitionHeader header_;
  std::vector<data::Slice> slices_;  // what is left of them, the current one last
  Move move_ = Move::kStep;
  bool arrived_ = false;  // the cursor made this move before the header was taken
  size_t seeks_left_ = 0;
  // Of the table, at the cursor: what is in effect from its entry to where the slice goes on.
  data::Deletion in_effect_;
  // Reversed: below this key what is in effect is what the next entry says.
  std::optional<std::string> changes_below_;

  // What is to be given next: changes, then the row.
  std::vector<data::DeletionChange> said_;
  size_t said_next_ = 0;
  bool has_row_ = false;
  data::Row row_;
  data::DeletionChange change_;  // the last one given
};

}  // namespace tholos::sstable
