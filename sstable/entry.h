// The entries of data blocks: keys and values (format.h).
#pragma once

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
inline bool IsRowOf(std::string_view entry_key, std::string_view prefix) {
  return entry_key.size() > prefix.size() && entry_key[prefix.size()] == kRowKind &&
         entry_key.starts_with(prefix);
}

void EncodeHeader(const data::PartitionHeader& header, std::string* out);
// Into `header`, all but the key. kDataLoss if malformed.
absl::Status DecodeHeader(std::string_view value, data::PartitionHeader* header);
// Into `row`, all but the clustering key. kDataLoss if malformed.
absl::Status DecodeRow(std::string_view value, data::Row* row);

}  // namespace tholos::sstable
