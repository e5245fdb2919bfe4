// SSTableWriter: writes one SSTable (format.h), streaming, in memory of a few blocks plus the index
// root and the filter: 10 bits for each partition that there may be, 8 bytes a partition where that
// is not known.
//
//   THOLOS_CO_ASSIGN_OR_RETURN(auto writer, co_await SSTableWriter::Create(fs, options));
//   absl::Status status = co_await Fill(*writer);   // AddPartition, AddRow, AddChange,
//   AddPartition,
//   ... if (!status.ok()) { co_await writer->Abandon(); co_return status; }
//   THOLOS_CO_ASSIGN_OR_RETURN(TableMetadata table, co_await writer->Finish());
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/digest.h"
#include "base/file_system.h"
#include "data/partition.h"
#include "data/source.h"
#include "sstable/block_builder.h"
#include "sstable/entry.h"
#include "sstable/filter.h"
#include "sstable/format.h"
#include "sstable/statistics.h"

namespace tholos::sstable {

struct WriterOptions {
  std::string directory;  // must exist
  uint64_t generation = 0;
  uint64_t file_id = 0;  // random, unique among the files of a node
  data::TableId table;
  Compression compression = Compression::kLz4;  // of data blocks
  int compression_level = 3;                    // of Zstandard
  // Zstandard only: learns a dictionary of this size from the first 64 times as many bytes, which
  // are held in memory meanwhile. 0: none.
  size_t dictionary_bytes = 0;
  size_t block_bytes = 16 << 10;
  size_t index_page_bytes = 4 << 10;
  size_t write_bytes = 512 << 10;  // how much is buffered between writes to the file
  uint64_t partitions_max = 0;     // it will have so many at most; 0: not known
};

// Confined to one loop, one call at a time. Ends with Finish or Abandon; after a crash of the loop
// with neither.
class SSTableWriter {
 public:
  // Creates `<generation>.tmp`, over a left-over one.
  static base::Task<absl::StatusOr<std::unique_ptr<SSTableWriter>>> Create(base::FileSystem& fs,
                                                                           WriterOptions options);
  ~SSTableWriter();
  SSTableWriter(const SSTableWriter&) = delete;
  SSTableWriter& operator=(const SSTableWriter&) = delete;

  // Partitions in key order, rows and changes (as a PartitionSource gives them, forward) in
  // clustering order: CHECKed. A change that changes nothing is left out. The arguments are encoded
  // before the call returns; only a full buffer makes the task wait for the file. A partition and
  // rows that hold nothing (IsEmpty) leave no trace. After an error every further call gives it
  // again: Abandon.
  base::Task<absl::Status> AddPartition(const data::PartitionHeader& header);
  base::Task<absl::Status> AddRow(const data::Row& row);
  base::Task<absl::Status> AddChange(const data::DeletionChange& change);
  // Both, for a whole partition; it must stay valid until the task ends.
  base::Task<absl::Status> Add(const data::Partition& partition);

  // The same without decoding, in the same order, and mixed with the calls above as one likes. A
  // partition of only rows and changes, by its prefix (format.h); and a row as it is encoded. An
  // error, or a full buffer, makes needs_relief() true: then Relieve() is to be awaited.
  void AddBarePartition(std::string_view prefix);
  void AddEncodedRow(std::string_view clustering, const data::RowView& row);
  bool needs_relief() const { return !status_.ok() || buffer_.size() >= options_.write_bytes; }
  base::Task<absl::Status> Relieve() { return FlushIfFull(); }

  // Bytes of the file so far, roughly: for splitting outputs.
  uint64_t bytes() const { return end() + data_.bytes() + held_bytes_; }
  uint64_t partitions() const { return statistics_.partitions; }

  // Completes, syncs and renames the file and syncs the directory: when it returns OK the table is
  // visible and durable, and stays readable after a power loss. After an error it is not (or, if
  // the last directory sync failed, the file may be visible but is removed again by Abandon). A
  // table without partitions is legal.
  base::Task<absl::StatusOr<TableMetadata>> Finish();

  // Removes what was written. Best effort: what stays is a .tmp file.
  base::Task<void> Abandon();

 private:
  // A data block that waits for the dictionary.
  struct HeldBlock {
    std::string first_key;
    std::string header;  // of the partition that it begins inside of
    std::string payload;
  };

  SSTableWriter(base::FileSystem& fs, WriterOptions options, std::unique_ptr<base::File> file);
  std::string Path(const std::string& name) const;
  uint64_t end() const { return offset_ + buffer_.size(); }
  void StartPartition(std::string_view prefix);
  void NextClustering(std::string_view clustering);
  void WriteHeader();
  void WriteRowEntry(std::string_view clustering, std::string_view body);
  void NoteRow(const data::RowView& row);
  void WritePendingChange();
  void AddEntry(std::string_view body = {});
  void CloseDataBlock();
  void CloseIndexPage();
  void AddIndexEntry(BlockBuilder* index, const std::string& first_key, const IndexEntry& entry);
  void EmitDataBlock(const std::string& first_key, std::string_view header,
                     std::string_view payload);
  void UseDictionary();
  BlockHandle Seal(std::string_view payload, BlockCompressor& compressor);
  void SealTail();
  base::Task<absl::Status> FlushIfFull();
  base::Task<absl::Status> FlushBuffer();
  base::Task<absl::Status> Publish();

  base::FileSystem& fs_;
  const WriterOptions options_;
  std::unique_ptr<base::File> file_;
  absl::Status status_;
  bool ended_ = false;
  bool published_ = false;

  uint64_t offset_ = 0;  // bytes written to the file
  std::string buffer_;   // sealed, to be written at offset_
  BlockBuilder data_;    // the open data block
  BlockBuilder page_;    // the open index page
  BlockBuilder root_;
  BlockCompressor compressor_;  // of data blocks
  BlockCompressor plain_{Compression::kNone, 0};
  bool learning_ = false;
  std::vector<HeldBlock> held_;  // while learning
  uint64_t held_bytes_ = 0;
  std::string dictionary_;
  base::Digest64 digest_;                // of what was written to the file
  std::optional<uint64_t> file_digest_;  // of all before the footer, once that is made
  FilterBuilder filter_;
  TableStatistics statistics_;

  // The current partition. Its header is written with the first thing that it holds.
  bool has_partition_ = false;
  bool header_pending_ = false;
  bool bare_ = false;  // it has only rows and changes; header_ is not its own
  data::PartitionHeader header_;
  std::string prefix_;
  std::string written_prefix_;  // of the last partition before it that was written
  std::string header_value_;
  bool has_clustering_ = false;
  std::string last_clustering_;
  data::Deletion in_effect_;  // behind what was written
  // Not written yet: a row of the same key may follow.
  std::optional<data::DeletionChange> pending_change_;
  // Of the partition that the open data block begins inside of, for the index.
  std::string block_header_;
  // Scratch: the entry that is being added, but for a row's body; a row that was not encoded.
  std::string entry_key_;
  std::string entry_value_;
  std::string row_body_;
  data::Row decoded_;
};

}  // namespace tholos::sstable
