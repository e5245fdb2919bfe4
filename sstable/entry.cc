#include "sstable/entry.h"

#include "base/coding.h"
#include "base/status_macros.h"
#include "data/codec.h"

namespace tholos::sstable {

namespace {

enum HeaderFlags : uint8_t {
  kHeaderDeletion = 0x01,
  kHeaderStaticRow = 0x02,
};
constexpr uint8_t kChangeToNone = 0x80;
constexpr uint8_t kChangeToDeletion = 0x81;

}  // namespace

std::string TokenStart(data::Token token) {
  std::string key = PartitionPrefix({token, ""});
  key.resize(sizeof(token));
  return key;
}

void EncodeHeader(const data::PartitionHeader& header, std::string* out) {
  uint8_t flags = 0;
  if (!header.deletion.live()) flags |= kHeaderDeletion;
  if (header.static_row.has_value()) flags |= kHeaderStaticRow;
  base::PutU8(out, flags);
  if (!header.deletion.live()) data::EncodeDeletion(header.deletion, out);
  if (header.static_row.has_value()) data::EncodeRowBody(*header.static_row, out);
}

absl::Status DecodeHeader(std::string_view value, data::PartitionHeader* header) {
  base::Reader in(value);
  header->deletion = data::Deletion();
  header->static_row.reset();
  const uint8_t flags = in.U8();
  if ((flags & ~(kHeaderDeletion | kHeaderStaticRow)) != 0) in.Fail();
  if ((flags & kHeaderDeletion) != 0) {
    header->deletion = data::DecodeDeletion(&in);
    if (header->deletion.live()) in.Fail();
  }
  if ((flags & kHeaderStaticRow) != 0 && in.ok()) {
    header->static_row.emplace();
    THOLOS_RETURN_IF_ERROR(data::DecodeRowBody(&in, &*header->static_row));
  }
  if (!in.AtEnd()) in.Fail();
  return in.status("partition header");
}

void EncodeChange(const data::Deletion& deletion, std::string* out) {
  base::PutU8(out, deletion.live() ? kChangeToNone : kChangeToDeletion);
  if (!deletion.live()) data::EncodeDeletion(deletion, out);
}

absl::StatusOr<RowEntry> DecodeRowEntry(std::string_view value) {
  RowEntry entry{.row = value};
  if (!value.empty() && !BeginsWithChange(value)) return entry;
  base::Reader in(value);
  const uint8_t kind = in.U8();
  entry.change.emplace();
  if (kind == kChangeToDeletion) {
    *entry.change = data::DecodeDeletion(&in);
    if (entry.change->live()) in.Fail();
  } else if (kind != kChangeToNone) {
    in.Fail();
  }
  if (!in.ok()) return in.status("change");
  entry.row = in.rest();
  return entry;
}

absl::Status DecodeRow(std::string_view body, data::Row* row) {
  base::Reader in(body);
  THOLOS_RETURN_IF_ERROR(data::DecodeRowBody(&in, row));
  if (!in.AtEnd()) in.Fail();
  return in.status("row");
}

void EncodeIndexEntry(const IndexEntry& entry, std::string* out) {
  EncodeHandle(entry.handle, out);
  out->append(entry.header);
}

absl::StatusOr<IndexEntry> DecodeIndexEntry(std::string_view value) {
  base::Reader in(value);
  in.Varint();
  in.Varint();
  IndexEntry entry;
  if (in.ok()) entry.header = in.rest();
  THOLOS_ASSIGN_OR_RETURN(entry.handle,
                          DecodeHandle(value.substr(0, value.size() - entry.header.size())));
  return entry;
}

}  // namespace tholos::sstable
