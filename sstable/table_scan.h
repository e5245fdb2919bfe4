// TableScan: all entries of a table, or of one interval of its tokens, in order and once: what a
// compaction reads. The stored bytes pass in large reads, each block is checked and decompressed
// into the same memory, and an entry is taken apart when it is reached; nothing is cached.
//
//   TableScan scan(table, interval);
//   while (true) {
//     if (!scan.TryNext()) THOLOS_CO_RETURN_IF_ERROR(co_await scan.Load());
//     ...                                 // TryNext again after a Load
//     if (!scan.valid()) break;
//     use(scan.key(), scan.value());      // until the next call
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "sstable/block.h"
#include "sstable/compaction/token_interval.h"
#include "sstable/format.h"
#include "sstable/reader.h"

namespace tholos::sstable {

class TableScan {
 public:
  TableScan(std::shared_ptr<const SSTable> table, TokenInterval interval);

  // To the first entry, then each time to the next one, or to the end. False: the next block must
  // be loaded first, or the current one is damaged, which Load() then says.
  bool TryNext();
  base::Task<absl::Status> Load();

  bool valid() const { return valid_; }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }
  // The first 8 bytes of the key, as a number of the same order: the token.
  uint64_t head() const { return head_; }

  // What is wrong with the current entry's block, as an error that names it.
  absl::Status Corrupt(std::string_view what) const;

 private:
  bool Fail(std::string_view what);
  bool TakeEntry();
  base::Task<absl::Status> NextBlock();
  base::Task<absl::Status> NextPage();
  absl::Status StartBlock();
  base::Task<absl::StatusOr<std::string_view>> ReadStored(BlockHandle handle);

  const std::shared_ptr<const SSTable> table_;
  const TokenInterval interval_;
  const std::string start_;  // of entry keys
  absl::Status status_;
  bool begun_ = false;  // start_ was reached
  bool ended_ = false;

  BlockCursor root_;
  BlockCursor page_;
  BlockHandle block_;    // of the open data block
  std::string payload_;  // its contents
  const char* next_ = nullptr;
  const char* entries_end_ = nullptr;

  bool valid_ = false;
  std::string key_;
  std::string_view value_;
  uint64_t head_ = 0;

  // Stored bytes of the file from ahead_offset_ on.
  uint64_t ahead_offset_ = 0;
  std::string ahead_;
};

}  // namespace tholos::sstable
