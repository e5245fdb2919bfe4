// One row of an SSTable, looked up by its full primary key. The same blocks as a TableSource would
// read, searched in place: where they are in memory it costs no allocation beside what the answer
// holds. A data block that the cache does not admit is decompressed only as far as the row.
//
//   root -> index page -> data block: [header] ... [row]
//
//   RowLookup lookup(table);
//   while (true) {
//     THOLOS_CO_ASSIGN_OR_RETURN(bool done, lookup.Try(key, &state));
//     if (done) break;
//     THOLOS_CO_RETURN_IF_ERROR(lookup.Take(co_await lookup.Read()));   // one block, at most four
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "data/row_state.h"
#include "sstable/block.h"
#include "sstable/compression.h"
#include "sstable/format.h"
#include "sstable/reader.h"

namespace tholos::sstable {

// What is looked for, in the forms in which tables are asked.
class LookupKey {
 public:
  LookupKey(const data::DecoratedKey& partition, std::string_view clustering);

  // The entry key of the row.
  std::string_view entry() const { return {bytes_.data(), bytes_.size()}; }
  std::string_view prefix() const { return entry().substr(0, prefix_bytes_); }
  std::string_view clustering() const { return entry().substr(prefix_bytes_ + 1); }
  uint64_t filter_hash() const { return filter_hash_; }

 private:
  absl::InlinedVector<char, 128> bytes_;
  size_t prefix_bytes_;
  uint64_t filter_hash_;
};

// In one table. Neither keeps the table alive nor its file.
class RowLookup {
 public:
  explicit RowLookup(const SSTable& table) : table_(&table) {}

  // True: what the table has of the row is merged into `*state`. False: a block must be read first;
  // nothing has changed. kDataLoss names the damaged block.
  absl::StatusOr<bool> Try(const LookupKey& key, data::RowState* state);
  // The stored bytes of that block. The task is free of this object.
  base::Task<absl::StatusOr<std::string>> Read() const;
  absl::Status Take(absl::StatusOr<std::string> stored);

 private:
  using BlockPtr = std::shared_ptr<const Block>;
  enum class Kind : uint8_t { kIndexPage, kDataBlock };
  static const char* NameOf(Kind kind) {
    return kind == Kind::kIndexPage ? "index page" : "data block";
  }
  // A block that was read, by where it stands: it need not stay in the cache.
  struct ReadBlock {
    BlockHandle at;
    BlockPtr block;
    // A data block that the cache does not want, still sealed: `block` is null then.
    std::string stored;
    uint32_t raw_size = 0;
    Compression compression = Compression::kNone;
  };
  // An index entry and the block that it points to.
  struct Step {
    BlockHandle at;
    std::string_view header;  // of the partition that the block begins inside of, if it is small
    const BlockPtr* block = nullptr;
    ReadBlock* sealed = nullptr;  // if `block` is null
  };

  // The data block in which `key` is or would be. False: `missing_` must be read first.
  absl::StatusOr<bool> Find(std::string_view key, Step* data);
  absl::StatusOr<bool> Load(std::string_view index_value, Kind kind, Step* step);
  // Where the header of the partition stands; an empty view: there is no such partition.
  absl::StatusOr<bool> FindHeader(const LookupKey& key, const Step& data,
                                  const Block::Neighbours& around,
                                  std::optional<std::string_view>* header);
  // Where a part of the sealed block says enough: true, and what it has is in `*state`.
  absl::StatusOr<bool> TryInPart(const LookupKey& key, const Step& data, data::RowState* state);
  absl::Status Open(ReadBlock* read) const;
  absl::Status MergeRow(const LookupKey& key, const Step& data, const Block::Neighbours& around,
                        std::string_view header, data::RowState* state) const;
  absl::Status Decode(const LookupKey& key, const Step& data, const Block::Neighbours& around,
                      std::string_view header, data::RowState* state) const;
  absl::StatusOr<data::Deletion> InEffect(const LookupKey& key, const Step& data) const;
  absl::Status Corrupt(const char* section, const BlockHandle& at, const absl::Status& why) const;

  const SSTable* table_;
  BlockHandle missing_;
  Kind missing_kind_ = Kind::kIndexPage;
  absl::InlinedVector<ReadBlock, 2> read_;
};

}  // namespace tholos::sstable
