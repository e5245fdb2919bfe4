#include "cql/system/row_collector.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "data/key.h"
#include "data/types/elements.h"
#include "data/types/type_parser.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;

data::DataType Parsed(std::string_view type) {
  auto parsed = data::ParseType(type);
  THOLOS_CHECK(parsed.ok()) << type << ": " << parsed.status();
  return *std::move(parsed);
}

}  // namespace

SystemTablePtr MakeSystemTable(std::string_view keyspace, std::string_view name, SystemKeys keys,
                               std::initializer_list<SystemColumn> columns) {
  data::TableSchema table;
  table.keyspace = keyspace;
  table.name = name;
  table.gc_grace_seconds = 0;
  const base::Hash128 hash = base::ContentHash128(table.QualifiedName());
  std::string id;
  base::PutBigEndian64(&id, hash.high);
  base::PutBigEndian64(&id, hash.low);
  table.id = *base::Uuid::FromBytes(id);
  size_t place = 0;
  for (const SystemColumn& column : columns) {
    const ColumnKind kind = place < keys.partition                     ? ColumnKind::kPartitionKey
                            : place < keys.partition + keys.clustering ? ColumnKind::kClustering
                                                                       : ColumnKind::kRegular;
    table.columns.push_back({.name = std::string(column.name),
                             .type = Parsed(column.type),
                             .kind = kind,
                             .id = kind == ColumnKind::kRegular ? table.next_column_id++ : 0});
    ++place;
  }
  return std::make_shared<const data::TableSchema>(std::move(table));
}

void RowCollector::Add(const Fields& fields) {
  std::vector<std::string> partition;
  std::vector<std::string> clustering;
  data::Row row;
  row.liveness = data::Liveness::At(0);
  for (const data::ColumnSchema& column : table_.columns) {
    const auto field = fields.find(column.name);
    if (field == fields.end()) continue;
    if (column.kind == ColumnKind::kPartitionKey) {
      partition.push_back(field->second);
    } else if (column.kind == ColumnKind::kClustering) {
      clustering.push_back(field->second);
    } else {
      row.cells.push_back(data::Cell::Value(column.id, 0, field->second));
    }
  }
  const auto key = data::EncodePartitionKey(table_, partition);
  const auto encoded = data::EncodeClustering(table_, clustering);
  // Names come from a schema that has been checked; what a key cannot hold is left out.
  if (!key.ok() || !encoded.ok()) return;
  row.clustering = *encoded;
  rows_[data::DecoratedKey::Of(*key)][*encoded] = std::move(row);
}

std::vector<data::Partition> RowCollector::Take() {
  std::vector<data::Partition> partitions;
  for (auto& [key, rows] : rows_) {
    data::Partition& partition = partitions.emplace_back();
    partition.key = key;
    for (auto& [clustering, row] : rows) partition.rows.push_back(std::move(row));
  }
  return partitions;
}

std::string RowCollector::TextSet(const std::vector<std::string>& elements) {
  return data::EncodeSet(Parsed("frozen<set<text>>"), {elements.begin(), elements.end()});
}

std::string RowCollector::TextList(const std::vector<std::string>& elements) {
  return data::EncodeList({elements.begin(), elements.end()});
}

std::string RowCollector::TextMap(const std::map<std::string, std::string>& entries) {
  return data::EncodeMap(Parsed("frozen<map<text, text>>"), {entries.begin(), entries.end()});
}

}  // namespace tholos::cql
