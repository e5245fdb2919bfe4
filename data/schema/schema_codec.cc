// The encoding of a whole schema: on disk, and between nodes. (bytes: varint length, bytes; map:
// varint count, then key and value as bytes, keys ascending; micros: signed varint.)
//
//   schema     magic "THSC" | version (1: 0x01) |
//              keyspace count (varint) | keyspaces, names ascending |
//              type count (varint) | types, (keyspace, name) ascending |
//              table count (varint) | tables, (keyspace, name) ascending | checksum (8)
//   keyspace   name (bytes) | changed (micros) |
//              last drop (micros; the smallest number: never) | entity
//   type       keyspace (bytes) | name (bytes) | changed (micros) | entity
//   table      keyspace (bytes) | name (bytes) | changed (micros) | entity
//   entity     0x00 if dropped, or 0x01 and
//     keyspace   durable writes (1) | replication (map)
//     table      id (16) | next column id (varint) | gc grace seconds (varint) |
//                default TTL seconds (varint) | comment (bytes) | options |
//                column count (varint) | columns | dropped count (varint) | dropped columns
//     type       field count (varint) | fields: name (bytes) | type (types/type_codec.cc)
//   options    additional write policy (bytes) | allow auto snapshot (1) |
//              Bloom filter chance (double: 8) | caching (map) | cdc (1) | compaction (map) |
//              compression (map) | memtable (bytes) | CRC check chance (double: 8) |
//              extensions (map) | incremental backups (1) | max index interval (varint) |
//              memtable flush period (varint) | min index interval (varint) |
//              read repair (bytes) | speculative retry (bytes)
//   column     name (bytes) | type (types/type_codec.cc) | kind (1) | descending (1) |
//              id (varint; 0 for key columns)
//   dropped    name (bytes) | type (types/type_codec.cc) | kind (1) | dropped (micros)
//   checksum   XXH3 of everything before, base/checksum.h, seed 0
//
// Fixed-width numbers are little-endian. Equal schemas have equal encodings.
#include <bit>
#include <limits>

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
constexpr size_t kEntryBytesMin = 4;
constexpr size_t kFieldBytesMin = 2;
constexpr size_t kDroppedBytesMin = 4;
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

void PutDouble(std::string* out, double v) { base::PutFixed64(out, std::bit_cast<uint64_t>(v)); }
double TakeDouble(base::Reader* in) { return std::bit_cast<double>(in->Fixed64()); }
void PutBool(std::string* out, bool v) { base::PutU8(out, v ? 1 : 0); }
void PutNonNegative(std::string* out, int64_t v) { base::PutVarint(out, static_cast<uint64_t>(v)); }

void PutTableOptions(std::string* out, const TableOptions& options) {
  base::PutBytes(out, options.additional_write_policy);
  PutBool(out, options.allow_auto_snapshot);
  PutDouble(out, options.bloom_filter_fp_chance);
  PutOptions(out, options.caching);
  PutBool(out, options.cdc);
  PutOptions(out, options.compaction);
  PutOptions(out, options.compression);
  base::PutBytes(out, options.memtable);
  PutDouble(out, options.crc_check_chance);
  PutOptions(out, options.extensions);
  PutBool(out, options.incremental_backups);
  PutNonNegative(out, options.max_index_interval);
  PutNonNegative(out, options.memtable_flush_period_in_ms);
  PutNonNegative(out, options.min_index_interval);
  base::PutBytes(out, options.read_repair);
  base::PutBytes(out, options.speculative_retry);
}

TableOptions TakeTableOptions(base::Reader* in) {
  TableOptions options;
  options.additional_write_policy = in->Bytes();
  options.allow_auto_snapshot = TakeBool(in);
  options.bloom_filter_fp_chance = TakeDouble(in);
  options.caching = TakeOptions(in);
  options.cdc = TakeBool(in);
  options.compaction = TakeOptions(in);
  options.compression = TakeOptions(in);
  options.memtable = in->Bytes();
  options.crc_check_chance = TakeDouble(in);
  options.extensions = TakeOptions(in);
  options.incremental_backups = TakeBool(in);
  options.max_index_interval = TakeNonNegative<int32_t>(in);
  options.memtable_flush_period_in_ms = TakeNonNegative<int32_t>(in);
  options.min_index_interval = TakeNonNegative<int32_t>(in);
  options.read_repair = in->Bytes();
  options.speculative_retry = in->Bytes();
  return options;
}

void PutDropped(std::string* out, const DroppedColumn& dropped) {
  base::PutBytes(out, dropped.name);
  dropped.type.AppendTo(out);
  base::PutU8(out, static_cast<uint8_t>(dropped.kind));
  base::PutSignedVarint(out, dropped.dropped_micros);
}

DroppedColumn TakeDropped(base::Reader* in) {
  DroppedColumn dropped;
  dropped.name = in->Bytes();
  dropped.type = DataType::TakeFrom(in);
  const uint8_t kind = in->U8();
  if (kind > static_cast<uint8_t>(ColumnKind::kRegular)) in->Fail();
  dropped.kind = static_cast<ColumnKind>(kind);
  dropped.dropped_micros = in->SignedVarint();
  return dropped;
}

std::optional<KeyspaceSchema> TakeKeyspace(base::Reader* in, const std::string& name) {
  if (!TakeBool(in)) return std::nullopt;
  KeyspaceSchema keyspace{.name = name};
  keyspace.durable_writes = TakeBool(in);
  keyspace.replication = TakeOptions(in);
  if (!ValidateKeyspace(keyspace).ok()) in->Fail();
  return keyspace;
}

std::shared_ptr<const TableSchema> TakeEntity(base::Reader* in, const std::string& keyspace,
                                              const std::string& name, const TableSchema*) {
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
  table->options = TakeTableOptions(in);
  const size_t count = in->Count(kColumnBytesMin);
  if (count > kColumnsMax) in->Fail();
  for (size_t i = 0; i < count && in->ok(); ++i) table->columns.push_back(TakeColumn(in));
  const size_t dropped = in->Count(kDroppedBytesMin);
  if (dropped > kDroppedColumnsMax) in->Fail();
  for (size_t i = 0; i < dropped && in->ok(); ++i) {
    table->dropped_columns.push_back(TakeDropped(in));
  }
  if (!in->ok() || !ValidateTable(*table).ok()) in->Fail();
  return table;
}

std::shared_ptr<const UserType> TakeEntity(base::Reader* in, const std::string& keyspace,
                                           const std::string& name, const UserType*) {
  if (!TakeBool(in)) return nullptr;
  auto type = std::make_shared<UserType>();
  type->keyspace = keyspace;
  type->name = name;
  const size_t count = in->Count(kFieldBytesMin);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    type->field_names.emplace_back(in->Bytes());
    type->field_types.push_back(DataType::TakeFrom(in));
  }
  if (!in->ok() || !ValidateUserType(*type).ok()) in->Fail();
  return type;
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
  PutTableOptions(&out, table->options);
  base::PutVarint(&out, table->columns.size());
  for (const ColumnSchema& column : table->columns) PutColumn(&out, column);
  base::PutVarint(&out, table->dropped_columns.size());
  for (const DroppedColumn& dropped : table->dropped_columns) PutDropped(&out, dropped);
  return out;
}

std::string EncodeEntity(const std::shared_ptr<const UserType>& type) {
  std::string out;
  base::PutU8(&out, type != nullptr ? 1 : 0);
  if (type == nullptr) return out;
  base::PutVarint(&out, type->field_names.size());
  for (size_t i = 0; i < type->field_names.size(); ++i) {
    base::PutBytes(&out, type->field_names[i]);
    type->field_types[i].AppendTo(&out);
  }
  return out;
}

namespace {

template <typename ByKeyspace>
void PutEntries(std::string* out, const ByKeyspace& by_keyspace) {
  size_t count = 0;
  for (const auto& [keyspace, entries] : by_keyspace) count += entries.size();
  base::PutVarint(out, count);
  for (const auto& [keyspace, entries] : by_keyspace) {
    for (const auto& [name, entry] : entries) {
      base::PutBytes(out, keyspace);
      base::PutBytes(out, name);
      base::PutSignedVarint(out, entry.changed_micros);
      out->append(EncodeEntity(entry.entity));
    }
  }
}

template <typename ByKeyspace>
void TakeEntries(base::Reader* in, ByKeyspace* by_keyspace) {
  const size_t count = in->Count(kEntryBytesMin);
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const std::string keyspace(in->Bytes());
    const std::string name(in->Bytes());
    if (!by_keyspace->empty() && by_keyspace->rbegin()->first > keyspace) in->Fail();
    auto& entries = (*by_keyspace)[keyspace];
    if (!entries.empty() && entries.rbegin()->first >= name) in->Fail();
    typename ByKeyspace::mapped_type::mapped_type entry;
    entry.changed_micros = in->SignedVarint();
    entry.entity = TakeEntity(in, keyspace, name, entry.entity.get());
    entries.emplace_hint(entries.end(), name, std::move(entry));
  }
}

}  // namespace

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
  PutEntries(&out, types);
  PutEntries(&out, tables);
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
  TakeEntries(&in, &state.types);
  TakeEntries(&in, &state.tables);
  if (in.remaining() != 0) in.Fail();
  THOLOS_RETURN_IF_ERROR(in.status("schema"));
  return state;
}

}  // namespace tholos::data
