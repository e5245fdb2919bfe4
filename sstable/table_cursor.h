// TableCursor: a place among all entries of a table, over root, index pages and data blocks.
//
// A move is a plain function. It answers true if the blocks it needed were in memory; otherwise it
// has noted what is missing, and Complete() reads that and ends the move:
//
//   if (!cursor.TryNext()) THOLOS_CO_RETURN_IF_ERROR(co_await cursor.Complete());
//   if (cursor.valid()) use(cursor.key(), cursor.value());
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "sstable/block.h"
#include "sstable/format.h"
#include "sstable/reader.h"

namespace tholos::sstable {

class TableCursor {
 public:
  TableCursor(std::shared_ptr<const SSTable> table, ReadPattern pattern);

  // On an entry; otherwise before the first or behind the last.
  bool valid() const { return data_.cursor.valid(); }
  std::string_view key() const { return data_.cursor.key(); }
  std::string_view value() const { return data_.cursor.value(); }

  // To the first entry >= key.
  bool TrySeekAtOrAfter(std::string key);
  // To the last entry < key, or <= key.
  bool TrySeekBefore(std::string key);
  bool TrySeekAtOrBefore(std::string key);
  bool TryNext() { return data_.cursor.Next() || TryNextBlock(); }
  bool TryPrevious() { return data_.cursor.Previous() || TryPreviousBlock(); }

  // Ends a move that answered false.
  base::Task<absl::Status> Complete();

  // The current entry in its block, for a look at its neighbours there.
  const BlockCursor& in_block() const { return data_.cursor; }
  // What the index says of the header of the partition that this block begins inside of (entry.h).
  std::string_view indexed_header() const;

  // What is wrong with the current entry's block, as an error that names it.
  absl::Status Corrupt(std::string_view what) const;

 private:
  // A block in use; cursor.block() is null before the first.
  struct Slot {
    const char* section;
    BlockHandle handle;
    BlockCursor cursor;
  };
  enum class Move { kSeekAtOrAfter, kSeekBefore, kSeekAtOrBefore, kNextBlock, kPreviousBlock };
  // How far kNextBlock and kPreviousBlock have come.
  enum class Stage { kStep, kPage, kData };

  bool SeekInBlock(std::string_view key);
  bool TryNextBlock();
  bool TryPreviousBlock();
  bool Continue();
  bool ContinueSeekAtOrAfter();
  bool ContinueSeekBefore(void (BlockCursor::*seek)(std::string_view));
  bool ContinueNextBlock();
  bool ContinuePreviousBlock();
  // Puts the block that `index` points to into `slot`. False if it is missing or the index is
  // malformed.
  bool Load(const BlockCursor& index, Slot* slot);
  bool Fail(const Slot& slot, std::string_view what);
  base::Task<absl::Status> Fetch();
  base::Task<absl::StatusOr<std::string_view>> ReadStored();

  const std::shared_ptr<const SSTable> table_;
  const ReadPattern pattern_;
  BlockCursor root_;
  Slot page_{"index page", {}, {}};
  Slot data_{"data block", {}, {}};

  Move move_ = Move::kSeekAtOrAfter;
  Stage stage_ = Stage::kStep;
  std::string target_;
  absl::Status status_;

  // What Complete() is to read, and what it has read.
  BlockHandle missing_;
  const char* missing_section_ = "";
  std::shared_ptr<const Block> fetched_;
  // Stored bytes of the file from ahead_offset_ on.
  uint64_t ahead_offset_ = 0;
  std::string ahead_;
};

}  // namespace tholos::sstable
