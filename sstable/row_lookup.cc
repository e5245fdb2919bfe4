#include "sstable/row_lookup.h"

#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
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
  if (data.block == nullptr) return true;  // an empty table
  const Block::Neighbours around = (*data.block)->Around(key.entry());
  std::optional<std::string_view> header;
  THOLOS_ASSIGN_OR_RETURN(const bool settled, FindHeader(key, data, around, &header));
  if (!settled) return false;
  if (!header.has_value()) return true;
  if (state->sources == 0) {
    THOLOS_RETURN_IF_ERROR(Decode(key, data, around, *header, state));
    return true;
  }
  data::RowState mine;
  THOLOS_RETURN_IF_ERROR(Decode(key, data, around, *header, &mine));
  data::MergeInto(state, std::move(mine));
  return true;
}

absl::StatusOr<bool> RowLookup::Find(std::string_view key, Step* data) {
  const Block::Entry page_entry = table_->root_->Around(key).at_or_before();
  if (!page_entry.there) return true;  // before everything
  Step page;
  THOLOS_ASSIGN_OR_RETURN(const bool page_there, Load(page_entry.value, "index page", &page));
  if (!page_there) return false;
  const Block::Entry data_entry = (*page.block)->Around(key).at_or_before();
  if (!data_entry.there) {
    return Corrupt("index page", page.at, absl::DataLossError("its first key is not the root's"));
  }
  return Load(data_entry.value, "data block", data);
}

absl::StatusOr<bool> RowLookup::Load(std::string_view index_value, const char* section,
                                     Step* step) {
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(index_value);
  if (!entry.ok()) return Corrupt("index", {}, entry.status());
  step->at = entry->handle;
  step->header = entry->header;
  for (const ReadBlock& each : read_) {
    if (each.at == step->at) step->block = &each.block;
  }
  BlockCache* cache = table_->options_.cache;
  if (step->block == nullptr && cache != nullptr) {
    step->block = cache->Find(table_->footer_.file_id, step->at.offset);
  }
  if (step->block != nullptr) return true;
  missing_ = step->at;
  missing_section_ = section;
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
    return base::Task<absl::StatusOr<std::string>>::Ready(
        table_->Corrupt(missing_section_, missing_.offset, "the index points outside of the body"));
  }
  return table_->file_->Read(missing_.offset, missing_.stored_bytes);
}

absl::Status RowLookup::Take(absl::StatusOr<std::string> stored) {
  THOLOS_RETURN_IF_ERROR(stored.status());
  THOLOS_ASSIGN_OR_RETURN(BlockPtr block, table_->ParseBlock(*stored, missing_, missing_section_));
  if (table_->options_.cache != nullptr) {
    table_->options_.cache->Put(table_->footer_.file_id, missing_.offset, block);
  }
  read_.push_back({missing_, std::move(block)});
  return absl::OkStatus();
}

}  // namespace tholos::sstable
