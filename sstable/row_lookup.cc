#include "sstable/row_lookup.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/block_prefix.h"
#include "sstable/entry.h"

namespace tholos::sstable {

LookupKey::LookupKey(const data::DecoratedKey& partition, std::string_view clustering)
    : filter_hash_(FilterHash(partition.key)) {
  AppendPartitionPrefix(partition.token, partition.key, &bytes_);
  prefix_bytes_ = bytes_.size();
  bytes_.push_back(kRowKind);
  bytes_.insert(bytes_.end(), clustering.begin(), clustering.end());
}

absl::Status RowLookup::Corrupt(const char* section, const BlockHandle& at,
                                const absl::Status& why) const {
  return table_->Corrupt(section, at.offset, base::ToStd(why.message()));
}

absl::StatusOr<bool> RowLookup::Try(const LookupKey& key, data::RowState* state) {
  Step data;
  THOLOS_ASSIGN_OR_RETURN(const bool there, Find(key.entry(), &data));
  if (!there) return false;
  if (data.sealed != nullptr) {
    THOLOS_ASSIGN_OR_RETURN(const bool answered, TryInPart(key, data, state));
    if (answered) return true;
    THOLOS_RETURN_IF_ERROR(Open(data.sealed));
    data.block = &data.sealed->block;
  }
  if (data.block == nullptr) return true;  // an empty table
  const Block::Neighbours around = (*data.block)->Around(key.entry());
  std::optional<std::string_view> header;
  THOLOS_ASSIGN_OR_RETURN(const bool settled, FindHeader(key, data, around, &header));
  if (!settled) return false;
  if (header.has_value()) THOLOS_RETURN_IF_ERROR(MergeRow(key, data, around, *header, state));
  return true;
}

// Everything else is left to the search in the whole block, errors among it.
absl::StatusOr<bool> RowLookup::TryInPart(const LookupKey& key, const Step& data,
                                          data::RowState* state) {
  // The range tombstone in effect may be said anywhere before the row.
  if (table_->metadata_.statistics.range_tombstones > 0) return false;
  const ReadBlock& read = *data.sealed;
  const SealedBlock sealed{
      std::string_view(read.stored).substr(0, read.stored.size() - kBlockTrailerBytes),
      read.raw_size, read.compression};
  const auto memory = std::make_unique_for_overwrite<char[]>(read.raw_size);
  BlockPrefix part(sealed, table_->decompressor_, memory.get());
  const std::optional<Block::Neighbours> around = part.Around(key.entry());
  if (!around.has_value()) return false;
  const size_t prefix_bytes = key.prefix().size();
  const Block::Entry& before = around->before;
  if (before.there && before.key_bytes == prefix_bytes + 1 && before.shared == prefix_bytes) {
    THOLOS_RETURN_IF_ERROR(MergeRow(key, data, *around, before.value, state));
    return true;
  }
  const std::optional<std::string_view> first_key = part.FirstKey();
  if (!first_key.has_value()) return false;
  if (IsRowOf(*first_key, key.prefix())) {
    if (data.header.empty()) return false;
    THOLOS_RETURN_IF_ERROR(MergeRow(key, data, *around, data.header, state));
    return true;
  }
  std::string header_key(key.prefix());
  header_key.push_back(kHeaderKind);
  const std::optional<Block::Neighbours> at_header = part.Around(header_key);
  if (!at_header.has_value()) return false;
  if (!at_header->found) return !around->found;
  THOLOS_RETURN_IF_ERROR(MergeRow(key, data, *around, at_header->after.value, state));
  return true;
}

absl::Status RowLookup::Open(ReadBlock* read) const {
  if (read->block != nullptr) return absl::OkStatus();
  THOLOS_ASSIGN_OR_RETURN(read->block,
                          table_->ParseBlock(read->stored, read->at, NameOf(Kind::kDataBlock)));
  return absl::OkStatus();
}

absl::Status RowLookup::MergeRow(const LookupKey& key, const Step& data,
                                 const Block::Neighbours& around, std::string_view header,
                                 data::RowState* state) const {
  if (state->sources == 0) return Decode(key, data, around, header, state);
  data::RowState mine;
  THOLOS_RETURN_IF_ERROR(Decode(key, data, around, header, &mine));
  data::MergeInto(state, std::move(mine));
  return absl::OkStatus();
}

absl::StatusOr<bool> RowLookup::Find(std::string_view key, Step* data) {
  const Block::Entry page_entry = table_->root_->Around(key).at_or_before();
  if (!page_entry.there) return true;  // before everything
  Step page;
  THOLOS_ASSIGN_OR_RETURN(const bool page_there, Load(page_entry.value, Kind::kIndexPage, &page));
  if (!page_there) return false;
  const Block::Entry data_entry = (*page.block)->Around(key).at_or_before();
  if (!data_entry.there) {
    return Corrupt("index page", page.at, absl::DataLossError("its first key is not the root's"));
  }
  return Load(data_entry.value, Kind::kDataBlock, data);
}

absl::StatusOr<bool> RowLookup::Load(std::string_view index_value, Kind kind, Step* step) {
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(index_value);
  if (!entry.ok()) return Corrupt("index", {}, entry.status());
  step->at = entry->handle;
  step->header = entry->header;
  for (ReadBlock& each : read_) {
    if (each.at != step->at) continue;
    if (each.block != nullptr) {
      step->block = &each.block;
    } else {
      step->sealed = &each;
    }
    return true;
  }
  BlockCache* cache = table_->options_.cache;
  if (cache != nullptr) {
    step->block = cache->Find(table_->footer_.file_id, step->at.offset);
  }
  if (step->block != nullptr) return true;
  missing_ = step->at;
  missing_kind_ = kind;
  return false;
}

// Before the row in the same block, or the block begins inside the partition.
absl::StatusOr<bool> RowLookup::FindHeader(const LookupKey& key, const Step& data,
                                           const Block::Neighbours& around,
                                           std::optional<std::string_view>* header) {
  const size_t prefix_bytes = key.prefix().size();
  // Of a key below the row's that begins with the prefix and has one byte more, that is the kind.
  const Block::Entry& before = around.before;
  if (before.there && before.key_bytes == prefix_bytes + 1 && before.shared == prefix_bytes) {
    *header = before.value;
    return true;
  }
  std::string header_key(key.prefix());
  header_key.push_back(kHeaderKind);
  const bool begins_inside = IsRowOf((*data.block)->first_key(), key.prefix());
  if (begins_inside && !data.header.empty()) {
    *header = data.header;
    return true;
  }
  Step elsewhere;
  const Block* block = data.block->get();
  if (begins_inside) {
    THOLOS_ASSIGN_OR_RETURN(const bool there, Find(header_key, &elsewhere));
    if (!there) return false;
    if (elsewhere.sealed != nullptr) {
      THOLOS_RETURN_IF_ERROR(Open(elsewhere.sealed));
      elsewhere.block = &elsewhere.sealed->block;
    }
    block = elsewhere.block == nullptr ? nullptr : elsewhere.block->get();
  }
  if (block != nullptr) {
    const Block::Neighbours at_header = block->Around(header_key);
    if (at_header.found) *header = at_header.after.value;
  }
  const bool orphan = !header->has_value() && (around.found || begins_inside);
  if (!orphan) return true;
  return Corrupt("data block", data.at,
                 absl::DataLossError("a row without its partition's header"));
}

absl::Status RowLookup::Decode(const LookupKey& key, const Step& data,
                               const Block::Neighbours& around, std::string_view header,
                               data::RowState* state) const {
  data::PartitionHeader decoded;
  if (absl::Status status = DecodeHeader(header, &decoded); !status.ok()) {
    return Corrupt("data block", data.at, status);
  }
  state->sources = 1;
  state->partition_deletion = decoded.deletion;
  state->static_row = std::move(decoded.static_row);
  if (table_->metadata_.statistics.range_tombstones > 0) {
    THOLOS_ASSIGN_OR_RETURN(state->range_deletion, InEffect(key, data));
  }
  if (!around.found) return absl::OkStatus();
  const absl::StatusOr<RowEntry> entry = DecodeRowEntry(around.after.value);
  if (!entry.ok()) return Corrupt("data block", data.at, entry.status());
  if (entry->row.empty()) return absl::OkStatus();
  data::Row& row = state->row.emplace();
  if (absl::Status status = DecodeRow(entry->row, &row); !status.ok()) {
    return Corrupt("data block", data.at, status);
  }
  row.clustering = key.clustering();
  return absl::OkStatus();
}

// What the last change at or before the row says; a block says what it begins in.
absl::StatusOr<data::Deletion> RowLookup::InEffect(const LookupKey& key, const Step& data) const {
  BlockCursor entry(*data.block);
  entry.SeekAtOrBefore(key.entry());
  for (; entry.valid() && IsRowOf(entry.key(), key.prefix()); entry.Previous()) {
    const absl::StatusOr<RowEntry> decoded = DecodeRowEntry(entry.value());
    if (!decoded.ok()) return Corrupt("data block", data.at, decoded.status());
    if (decoded->change.has_value()) return *decoded->change;
  }
  return data::Deletion();
}

base::Task<absl::StatusOr<std::string>> RowLookup::Read() const {
  if (missing_.end() > table_->footer_.body_bytes || missing_.end() < missing_.offset) {
    return base::Task<absl::StatusOr<std::string>>::Ready(table_->Corrupt(
        NameOf(missing_kind_), missing_.offset, "the index points outside of the body"));
  }
  return table_->file_->Read(missing_.offset, missing_.stored_bytes);
}

absl::Status RowLookup::Take(absl::StatusOr<std::string> stored) {
  THOLOS_RETURN_IF_ERROR(stored.status());
  const uint64_t file_id = table_->footer_.file_id;
  const absl::StatusOr<SealedBlock> sealed = CheckSeal(*stored, file_id, missing_.offset);
  if (!sealed.ok()) return Corrupt(NameOf(missing_kind_), missing_, sealed.status());
  ReadBlock read{.at = missing_};
  BlockCache* const cache = table_->options_.cache;
  const bool keep = missing_kind_ == Kind::kIndexPage ||
                    (cache != nullptr && cache->Admits(file_id, missing_.offset, sealed->raw_size));
  if (keep) {
    absl::StatusOr<BlockPtr> block = table_->ParseBlock(*sealed);
    if (!block.ok()) return Corrupt(NameOf(missing_kind_), missing_, block.status());
    read.block = *std::move(block);
    if (cache != nullptr) cache->Put(file_id, missing_.offset, read.block);
  } else {
    read.raw_size = sealed->raw_size;
    read.compression = sealed->compression;
    read.stored = *std::move(stored);
  }
  read_.push_back(std::move(read));
  return absl::OkStatus();
}

}  // namespace tholos::sstable
