#include "sstable/entry.h"

#include "base/coding.h"
#include "base/status_macros.h"
#include "data/codec.h"

namespace tholos::sstable {

std::string TokenStart(data::Token token) {
  std::string key = PartitionPrefix({token, ""});
  key.resize(sizeof(token));
  return key;
}

void EncodeHeader(const data::PartitionHeader& header, std::string* out) {
  data::EncodeDeletion(header.deletion, out);
  base::PutU8(out, header.static_row.has_value() ? 1 : 0);
  if (header.static_row.has_value()) data::EncodeRowBody(*header.static_row, out);
}

absl::Status DecodeHeader(std::string_view value, data::PartitionHeader* header) {
  base::Reader in(value);
  header->deletion = data::DecodeDeletion(&in);
  const uint8_t has_static = in.U8();
  header->static_row.reset();
  if (has_static > 1) in.Fail();
  if (has_static == 1 && in.ok()) {
    header->static_row.emplace();
    THOLOS_RETURN_IF_ERROR(data::DecodeRowBody(&in, &*header->static_row));
  }
  if (!in.AtEnd()) in.Fail();
  return in.status("partition header");
}

absl::Status DecodeRow(std::string_view value, data::Row* row) {
  base::Reader in(value);
  THOLOS_RETURN_IF_ERROR(data::DecodeRowBody(&in, row));
  if (!in.AtEnd()) in.Fail();
  return in.status("row");
}

}  // namespace tholos::sstable
