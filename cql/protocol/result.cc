#include "cql/protocol/result.h"

#include "base/checksum.h"
#include "cql/protocol/type.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {

enum class Kind : int32_t { kVoid = 1, kRows = 2, kSetKeyspace = 3, kPrepared = 4 };

void PutKind(Kind kind, std::string* out) { PutInt(out, static_cast<int32_t>(kind)); }

bool OfOneTable(const std::vector<ResultColumn>& columns) {
  for (const ResultColumn& column : columns) {
    if (column.keyspace != columns.front().keyspace || column.table != columns.front().table) {
      return false;
    }
  }
  return !columns.empty();
}

void PutTableName(const ResultColumn& column, std::string* out) {
  PutString(out, column.keyspace);
  PutString(out, column.table);
}

void PutColumns(uint8_t version, const std::vector<ResultColumn>& columns, bool one_table,
                std::string* out) {
  if (one_table) PutTableName(columns.front(), out);
  for (const ResultColumn& column : columns) {
    if (!one_table) PutTableName(column, out);
    PutString(out, column.name);
    PutType(version, column.type, out);
  }
}

// Of the markers of a prepared statement.
void PutMarkers(uint8_t version, const PreparedStatementInfo& info, std::string* out) {
  const bool one_table = OfOneTable(info.parameters);
  PutInt(out, one_table ? kMetadataGlobal : 0);
  PutInt(out, static_cast<int32_t>(info.parameters.size()));
  if (version >= 4) {
    PutInt(out, static_cast<int32_t>(info.partition_key_indexes.size()));
    for (const uint16_t index : info.partition_key_indexes) PutShort(out, index);
  }
  PutColumns(version, info.parameters, one_table, out);
}

}  // namespace

std::string MetadataId(const std::vector<ResultColumn>& columns) {
  std::string text;
  PutColumns(5, columns, false, &text);
  const base::Hash128 hash = base::ContentHash128(text);
  std::string id;
  base::PutBigEndian64(&id, hash.high);
  base::PutBigEndian64(&id, hash.low);
  id.pop_back();
  return id;
}

ColumnSpecs EncodeColumnSpecs(uint8_t version, const std::vector<ResultColumn>& columns) {
  ColumnSpecs specs;
  const bool one_table = OfOneTable(columns);
  specs.flags = one_table ? kMetadataGlobal : 0;
  specs.count = static_cast<int32_t>(columns.size());
  PutColumns(version, columns, one_table, &specs.bytes);
  return specs;
}

void PutVoid(std::string* out) { PutKind(Kind::kVoid, out); }

void PutRows(const RowsResult& rows, const ColumnSpecs& specs, MetadataForm form,
             std::string* out) {
  PutKind(Kind::kRows, out);
  int32_t flags = form == MetadataForm::kNone ? kMetadataNone : specs.flags;
  if (!rows.paging_state.empty()) flags |= kMetadataMorePages;
  if (form == MetadataForm::kChanged) flags |= kMetadataChanged;
  PutInt(out, flags);
  PutInt(out, specs.count);
  if (!rows.paging_state.empty()) PutBytesValue(out, rows.paging_state);
  if (form == MetadataForm::kChanged) PutShortBytes(out, specs.id);
  if (form != MetadataForm::kNone) out->append(specs.bytes);
  PutInt(out, static_cast<int32_t>(rows.row_count));
  out->append(rows.rows);
}

void PutSetKeyspace(std::string_view keyspace, std::string* out) {
  PutKind(Kind::kSetKeyspace, out);
  PutString(out, keyspace);
}

void PutPrepared(uint8_t version, const PreparedStatementInfo& info, std::string* out) {
  PutKind(Kind::kPrepared, out);
  PutShortBytes(out, info.id);
  const ColumnSpecs specs = EncodeColumnSpecs(version, info.result_columns);
  if (version >= 5) PutShortBytes(out, MetadataId(info.result_columns));
  PutMarkers(version, info, out);
  if (specs.count == 0) {
    PutInt(out, kMetadataNone);
    PutInt(out, 0);
    return;
  }
  PutInt(out, specs.flags);
  PutInt(out, specs.count);
  out->append(specs.bytes);
}

}  // namespace tholos::cql::protocol
