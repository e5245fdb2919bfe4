// What a Selection asks of one SSTable, as a PartitionSource.
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
  base::Task<absl::StatusOr<bool>> NextRow() override;
  data::Row& row() override { return row_; }

 private:
  using Answer = absl::StatusOr<bool>;

  // Each goes as far as it gets in memory. Nothing: the cursor's move must be completed first; the
  // next call then goes on behind it.
  std::optional<Answer> TryNextPartition();
  std::optional<Answer> TryNextRow();
  base::Task<Answer> CompletePartition();
  base::Task<Answer> CompleteRow();

  bool MoveToPartition();
  std::string StartKey() const;
  Answer TakeHeader();
  void StartRows();
  bool MoveToRow();
  bool SeekSlice();
  // True if the cursor's row is in the current slice, false if there is none left; nothing if the
  // cursor must move on.
  std::optional<bool> MatchSlice(std::string_view clustering);
  Answer TakeRow(std::string_view clustering);

  const data::Selection selection_;
  TableCursor cursor_;
  bool ended_ = false;
  bool started_ = false;
  bool settled_ = false;            // the cursor has made its move
  bool at_next_partition_ = false;  // the cursor stands behind the current partition's last row

  std::string prefix_;  // of the current partition
  data::PartitionHeader header_;
  std::vector<data::Slice> slices_;  // what is left of them, the next one last
  bool seek_slice_ = false;
  size_t seeks_left_ = 0;
  data::Row row_;
};

}  // namespace tholos::sstable
