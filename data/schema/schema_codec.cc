// The encoding of a whole schema: on disk, and between nodes. (bytes: varint length, bytes; map:
// varint count, then key and value as bytes, keys ascending; micros: signed varint.)
//
//   schema     magic "THSC" | version (1: 0x01) |
//              keyspace count (varint) | keyspaces, names ascending |
//              table count (varint) | tables, (keyspace, name) ascending | checksum (8)
//   keyspace   name (bytes) | changed (micros) |
//              last drop (micros; the smallest number: never) | entity
//   table      keyspace (bytes) | name (bytes) | changed (micros) | entity
//   entity     0x00 if dropped, or 0x01 and
//     keyspace   durable writes (1) | replication (map)
//     table      id (16) | next column id (varint) | gc grace seconds (varint) |
//                default TTL seconds (varint) | comment (bytes) | other options (map) |
//                column count (varint) | columns
//   column     name (bytes) | type (types/type_codec.cc) | kind (1) | descending (1) |
//              id (varint; 0 for key columns)
//   checksum   XXH3 of everything before, base/checksum.h, seed 0
//
// Fixed-width numbers are little-endian. Equal schemas have equal encodings.
#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/state.h"
#include "data/schema/validate.h"

namespace tholos::data {
namespace {

constexpr std::string_view kMagic = "THSC";
constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;
// The smallest encodings, to check counts against what is left.
constexpr size_t kKeyspaceBytesMin = 4;
constexpr size_t kTableBytesMin = 4;
constexpr size_t kColumnBytesMin = 5;
constexpr size_t kMapEntryBytesMin = 2;

using Options = std::map<std::string, std::string>;

bool HasId(ColumnKind kind) { return kind == ColumnKind::kStatic || kind == ColumnKind::kRegular; }

void PutOptions(std::string* out, const Options& options) {
  base::PutVarint(out, options.size());
  for (const auto& [key, value] : options) {
    base::PutBytes(out, key);
    base::PutBytes(out, value);
  }
}

Options TakeOptions(base::Reader* in) {
  Options options;
  const size_t count = in->Count(kMapEntryBytesMin);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    std::string key(in->Bytes());
    if (!options.empty() && options.rbegin()->first >= key) in->Fail();
    options.emplace_hint(options.end(), std::move(key), in->Bytes());
  }
  return options;
}

bool TakeBool(base::Reader* in) {
  const uint8_t byte = in->U8();
  if (byte > 1) in->Fail();
  return byte == 1;
}

template <typename Int>
Int TakeNonNegative(base::Reader* in) {
  const uint64_t v = in->Varint();
  if (v > static_cast<uint64_t>(std::numeric_limits<Int>::max())) in->Fail();
  return in->ok() ? static_cast<Int>(v) : 0;
}

void PutColumn(std::string* out, const ColumnSchema& column) {
  base::PutBytes(out, column.name);
  column.type.AppendTo(out);
  base::PutU8(out, static_cast<uint8_t>(column.kind));
  base::PutU8(out, column.descending ? 1 : 0);
  base::PutVarint(out, HasId(column.kind) ? column.id : 0);
}

ColumnSchema TakeColumn(base::Reader* in) {
  ColumnSchema column;
  column.name = in->Bytes();
  column.type = DataType::TakeFrom(in);
  const uint8_t kind = in->U8();
  if (kind > static_cast<uint8_t>(ColumnKind::kRegular)) in->Fail();
  column.kind = static_cast<ColumnKind>(kind);
  column.descending = TakeBool(in);
  column.id = TakeNonNegative<ColumnId>(in);
  if (!HasId(column.kind) && column.id != 0) in->Fail();
  return column;
}

std::optional<KeyspaceSchema> TakeKeyspace(base::Reader* in, const std::string& name) {
  if (!TakeBool(in)) return std::nullopt;
  KeyspaceSchema keyspace{.name = name};
  keyspace.durable_writes = TakeBool(in);
  keyspace.replication = TakeOptions(in);
  if (!ValidateKeyspace(keyspace).ok()) in->Fail();
  return keyspace;
}

std::shared_ptr<const TableSchema> TakeTable(base::Reader* in, const std::string& keyspace,
                                             const std::string& name) {
  if (!TakeBool(in)) return nullptr;
  auto table = std::make_shared<TableSchema>();
  table->keyspace = keyspace;
  table->name = name;
  const std::string_view id = in->Raw(16);
  if (in->ok()) table->id = *base::Uuid::FromBytes(id);
  table->next_column_id = TakeNonNegative<ColumnId>(in);
  table->gc_grace_seconds = TakeNonNegative<int64_t>(in);
  table->default_ttl_seconds = TakeNonNegative<int32_t>(in);
  table->comment = in->Bytes();
  table->other_options = TakeOptions(in);
  const size_t count = in->Count(kColumnBytesMin);
  if (count > kColumnsMax) in->Fail();
  for (size_t i = 0; i < count && in->ok(); ++i) table->columns.push_back(TakeColumn(in));
  if (!in->ok() || !ValidateTable(*table).ok()) in->Fail();
  return table;
}

}  // namespace

std::string EncodeEntity(const std::optional<KeyspaceSchema>& keyspace) {
  std::string out;
  base::PutU8(&out, keyspace.has_value() ? 1 : 0);
  if (!keyspace.has_value()) return out;
  base::PutU8(&out, keyspace->durable_writes ? 1 : 0);
  PutOptions(&out, keyspace->replication);
  return out;
}

std::string EncodeEntity(const std::shared_ptr<const TableSchema>& table) {
  std::string out;
  base::PutU8(&out, table != nullptr ? 1 : 0);
  if (table == nullptr) return out;
  out.append(table->id.AsBytes());
  base::PutVarint(&out, table->next_column_id);
  base::PutVarint(&out, static_cast<uint64_t>(table->gc_grace_seconds));
  base::PutVarint(&out, static_cast<uint64_t>(table->default_ttl_seconds));
  base::PutBytes(&out, table->comment);
  PutOptions(&out, table->other_options);
  base::PutVarint(&out, table->columns.size());
  for (const ColumnSchema& column : table->columns) PutColumn(&out, column);
  return out;
}

std::string Schema::State::Encode() const {
  std::string out(kMagic);
  base::PutU8(&out, kVersion);
  base::PutVarint(&out, keyspaces.size());
  for (const auto& [name, entry] : keyspaces) {
    base::PutBytes(&out, name);
    base::PutSignedVarint(&out, entry.changed_micros);
    base::PutSignedVarint(&out, entry.dropped_micros);
    out.append(EncodeEntity(entry.keyspace));
  }
  size_t table_count = 0;
  for (const auto& [keyspace, of_keyspace] : tables) table_count += of_keyspace.size();
  base::PutVarint(&out, table_count);
  for (const auto& [keyspace, of_keyspace] : tables) {
    for (const auto& [name, entry] : of_keyspace) {
      base::PutBytes(&out, keyspace);
      base::PutBytes(&out, name);
      base::PutSignedVarint(&out, entry.changed_micros);
      out.append(EncodeEntity(entry.table));
    }
  }
  base::PutFixed64(&out, base::Checksum64(out));
  return out;
}

void Schema::State::TakeKeyspaces(base::Reader* in) {
  const size_t count = in->Count(kKeyspaceBytesMin);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    std::string name(in->Bytes());
    if (!keyspaces.empty() && keyspaces.rbegin()->first >= name) in->Fail();
    KeyspaceEntry entry;
    entry.changed_micros = in->SignedVarint();
    entry.dropped_micros = in->SignedVarint();
    entry.keyspace = TakeKeyspace(in, name);
    keyspaces.emplace_hint(keyspaces.end(), std::move(name), std::move(entry));
  }
}

void Schema::State::TakeTables(base::Reader* in) {
  const size_t count = in->Count(kTableBytesMin);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const std::string keyspace(in->Bytes());
    const std::string name(in->Bytes());
    if (!tables.empty() && tables.rbegin()->first > keyspace) in->Fail();
    Tables& of_keyspace = tables[keyspace];
    if (!of_keyspace.empty() && of_keyspace.rbegin()->first >= name) in->Fail();
    TableEntry entry;
    entry.changed_micros = in->SignedVarint();
    entry.table = TakeTable(in, keyspace, name);
    of_keyspace.emplace_hint(of_keyspace.end(), name, std::move(entry));
  }
}

absl::StatusOr<Schema::State> Schema::State::Decode(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 1 + kChecksumBytes || !bytes.starts_with(kMagic)) {
    return absl::DataLossError("not an encoded schema");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (base::LoadFixed64(body.data() + body.size()) != base::Checksum64(body)) {
    return absl::DataLossError("schema: checksum mismatch");
  }
  base::Reader in(body.substr(kMagic.size()));
  if (const uint8_t version = in.U8(); version != kVersion) {
    return absl::DataLossError(base::StrCat("schema: unknown version ", static_cast<int>(version)));
  }
  State state;
  state.TakeKeyspaces(&in);
  state.TakeTables(&in);
  if (in.remaining() != 0) in.Fail();
  THOLOS_RETURN_IF_ERROR(in.status("schema"));
  return state;
}

}  // namespace tholos::data
