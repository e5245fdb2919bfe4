// The entries of data blocks: keys and values (format.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/source.h"
#include "sstable/format.h"

namespace tholos::sstable {

inline void HeaderEntryKey(std::string_view prefix, std::string* out) {
  out->assign(prefix);
  out->push_back(kHeaderKind);
}
inline void RowEntryKey(std::string_view prefix, std::string_view clustering, std::string* out) {
  out->assign(prefix);
  out->push_back(kRowKind);
  out->append(clustering);
}
// Greater than every entry key of the partition, smaller than every one of later partitions.
inline std::string PartitionEnd(std::string_view prefix) {
  std::string key(prefix);
  key.push_back(kRowKind + 1);
  return key;
}
// Not greater than any entry key of partitions with this token or a later one.
std::string TokenStart(data::Token token);

inline bool IsHeaderOf(std::string_view entry_key, std::string_view prefix) {
  return entry_key.size() == prefix.size() + 1 && entry_key.back() == kHeaderKind &&
         entry_key.starts_with(prefix);
}
// A row or a change.
inline bool IsRowOf(std::string_view entry_key, std::string_view prefix) {
  return entry_key.size() > prefix.size() && entry_key[prefix.size()] == kRowKind &&
         entry_key.starts_with(prefix);
}

void EncodeHeader(const data::PartitionHeader& header, std::string* out);
// What it makes of a header without tombstone and static row.
inline constexpr char kBareHeader = '\x00';
// Into `header`, all but the key. kDataLoss if malformed.
absl::Status DecodeHeader(std::string_view value, data::PartitionHeader* header);

// The value of an entry of kind 0x01: a change of the deletion in effect, a row, or both.
void EncodeChange(const data::Deletion& deletion, std::string* out);  // a row body may follow
struct RowEntry {
  std::optional<data::Deletion> change;
  std::string_view row;  // its body; empty: none
};
absl::StatusOr<RowEntry> DecodeRowEntry(std::string_view value);
// Of a value that is not empty. Row bodies begin with flags below these.
inline bool BeginsWithChange(std::string_view value) {
  return static_cast<uint8_t>(value[0]) >= 0x80;
}
// Into `row`, all but the clustering key. kDataLoss if malformed.
absl::Status DecodeRow(std::string_view body, data::Row* row);

// The value of an index entry. `header` is the value of the header of the partition that the block
// begins inside of, if it is small; empty otherwise.
inline constexpr size_t kIndexedHeaderBytesMax = 256;
struct IndexEntry {
  BlockHandle handle;
  std::string_view header;
};
void EncodeIndexEntry(const IndexEntry& entry, std::string* out);
absl::StatusOr<IndexEntry> DecodeIndexEntry(std::string_view value);

}  // namespace tholos::sstable
