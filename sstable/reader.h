// SSTable: an open SSTable file (format.h), immutable. Footer, statistics, filter and index root
// are in memory; index pages and data blocks are read when needed, and every block that comes from
// disk is checked against its checksum. A bad one is kDataLoss "<path>: data block at 12345:
// checksum mismatch": this replica cannot answer; other blocks stay readable.
//
// Confined to the loop that opened it, like its File and its BlockCache; open it again for another
// loop (compaction does). metadata() is a value for everybody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/source.h"
#include "sstable/block.h"
#include "sstable/block_cache.h"
#include "sstable/filter.h"
#include "sstable/format.h"
#include "sstable/statistics.h"

namespace tholos::sstable {

struct OpenOptions {
  std::string directory;
  std::string path;  // of a file that is not named after its generation; empty: it is
  uint64_t generation =
      0;  // must be the file's own: a file that was renamed or copied over is kDataLoss
  // The generation that the file was written as, if it was linked under another one; 0: the same.
  uint64_t written_as = 0;
  data::TableId table;          // the same
  BlockCache* cache = nullptr;  // must outlive the table; nullptr: none
  bool load_filter = true;      // false: MayContain lets every key in the key range pass
};

enum class ReadPattern {
  kRandom,      // block by block, through the cache
  kSequential,  // reads ahead 256 KiB; looks into the cache but puts nothing there
};

// What a file says of itself. kDataLoss names the file.
base::Task<absl::StatusOr<Footer>> ReadFooter(base::File& file);

class SSTable : public std::enable_shared_from_this<SSTable> {
 public:
  // kNotFound; kDataLoss and kFailedPrecondition (another format version) name file and section.
  static base::Task<absl::StatusOr<std::shared_ptr<SSTable>>> Open(base::FileSystem& fs,
                                                                   OpenOptions options);
  ~SSTable();
  SSTable(const SSTable&) = delete;
  SSTable& operator=(const SSTable&) = delete;

  const TableMetadata& metadata() const { return metadata_; }
  uint64_t generation() const { return metadata_.generation; }
  const std::string& path() const;
  size_t memory_bytes() const;

  // False: the partition is not in here. By key range and filter, without I/O.
  bool MayContain(const data::DecoratedKey& key) const {
    return MayContain(key, FilterHash(key.key));
  }
  // The same, with the hash of the partition key.
  bool MayContain(const data::DecoratedKey& key, uint64_t filter_hash) const {
    const TableStatistics& statistics = metadata_.statistics;
    return statistics.partitions > 0 && key.token >= statistics.first_key.token &&
           key.token <= statistics.last_key.token && filter_.MayContain(filter_hash);
  }
  void PrefetchFilter(uint64_t filter_hash) const { filter_.Prefetch(filter_hash); }
  // False: nothing selected is in here.
  bool MayContain(const data::Selection& selection) const;

  // Some partition keys that are in here, at equal distances: those that index pages begin with.
  // Without I/O.
  std::vector<data::DecoratedKey> SampleKeys(size_t keys_max) const;

  // What is selected. The source keeps the table alive. Where the blocks are in memory it never
  // suspends.
  std::unique_ptr<data::PartitionSource> NewSource(
      data::Selection selection, ReadPattern pattern = ReadPattern::kRandom) const;

  // `release` is called once, with the generation, when the last reference goes: then the file is
  // no longer read and its owner may remove it. On the loop of whoever let go last; not after a
  // crash of that loop.
  void OnLastRelease(absl::AnyInvocable<void(uint64_t generation)> release);

 private:
  friend class TableCursor;
  friend class TableScan;
  friend class RowLookup;
  SSTable(OpenOptions options, std::unique_ptr<base::File> file);
  base::Task<absl::Status> Load();
  base::Task<absl::Status> LoadFooter(uint64_t file_bytes);
  base::Task<absl::StatusOr<std::string>> ReadSection(BlockHandle handle, const char* section);
  // Of what was read at `handle`; an error names the place.
  absl::StatusOr<std::shared_ptr<const Block>> ParseBlock(std::string_view stored,
                                                          const BlockHandle& handle,
                                                          std::string_view section) const;
  // An error does not.
  absl::StatusOr<std::shared_ptr<const Block>> ParseBlock(const SealedBlock& sealed) const;
  absl::Status Corrupt(std::string_view section, uint64_t offset, std::string_view what) const;
  absl::Status Damaged(std::string_view section, BlockHandle handle, const absl::Status& why) const;

  const OpenOptions options_;
  std::unique_ptr<base::File> file_;
  Footer footer_;
  mutable BlockDecompressor decompressor_;
  TableMetadata metadata_;
  Filter filter_;
  std::shared_ptr<const Block> root_;
  absl::AnyInvocable<void(uint64_t)> release_;
};

}  // namespace tholos::sstable
