#include "cql/system_tables.h"

#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/ast.h"
#include "data/key.h"
#include "data/vector_source.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;
using data::TypeId;

constexpr std::string_view kSystem = "system";
constexpr std::string_view kSystemSchema = "system_schema";
constexpr std::string_view kReplicationClass = "LocalStrategy";
// What drivers are told: the Cassandra release and CQL version whose behaviour is followed.
constexpr std::string_view kReleaseVersion = "5.0.0";
constexpr std::string_view kCqlVersion = "3.4.7";

struct ColumnSpec {
  std::string_view name;
  TypeId type;
  ColumnKind kind = ColumnKind::kRegular;
};

constexpr ColumnSpec kLocalColumns[] = {{"key", TypeId::kText, ColumnKind::kPartitionKey},
                                        {"broadcast_address", TypeId::kText},
                                        {"cluster_name", TypeId::kText},
                                        {"cql_version", TypeId::kText},
                                        {"data_center", TypeId::kText},
                                        {"host_id", TypeId::kUuid},
                                        {"partitioner", TypeId::kText},
                                        {"rack", TypeId::kText},
                                        {"release_version", TypeId::kText},
                                        {"rpc_address", TypeId::kText},
                                        {"schema_version", TypeId::kUuid},
                                        {"token_count", TypeId::kInt}};
constexpr ColumnSpec kPeersColumns[] = {{"peer", TypeId::kText, ColumnKind::kPartitionKey},
                                        {"peer_port", TypeId::kInt, ColumnKind::kClustering},
                                        {"data_center", TypeId::kText},
                                        {"host_id", TypeId::kUuid},
                                        {"rack", TypeId::kText},
                                        {"release_version", TypeId::kText},
                                        {"rpc_address", TypeId::kText},
                                        {"schema_version", TypeId::kUuid},
                                        {"status", TypeId::kText},
                                        {"token_count", TypeId::kInt}};
constexpr ColumnSpec kKeyspacesColumns[] = {
    {"keyspace_name", TypeId::kText, ColumnKind::kPartitionKey},
    {"durable_writes", TypeId::kBoolean},
    {"replication", TypeId::kText}};
constexpr ColumnSpec kTablesColumns[] = {
    {"keyspace_name", TypeId::kText, ColumnKind::kPartitionKey},
    {"table_name", TypeId::kText, ColumnKind::kClustering},
    {"comment", TypeId::kText},
    {"default_time_to_live", TypeId::kInt},
    {"gc_grace_seconds", TypeId::kInt},
    {"id", TypeId::kUuid}};
constexpr ColumnSpec kColumnsColumns[] = {
    {"keyspace_name", TypeId::kText, ColumnKind::kPartitionKey},
    {"table_name", TypeId::kText, ColumnKind::kClustering},
    {"column_name", TypeId::kText, ColumnKind::kClustering},
    {"clustering_order", TypeId::kText},
    {"kind", TypeId::kText},
    {"position", TypeId::kInt},
    {"type", TypeId::kText}};

template <size_t kCount>
std::shared_ptr<const data::TableSchema> MakeTable(std::string_view keyspace, std::string_view name,
                                                   const ColumnSpec (&columns)[kCount]) {
  data::TableSchema table;
  table.keyspace = keyspace;
  table.name = name;
  // The same on every node and in every run.
  const base::Hash128 hash = base::ContentHash128(table.QualifiedName());
  std::string id;
  base::PutBigEndian64(&id, hash.high);
  base::PutBigEndian64(&id, hash.low);
  table.id = *base::Uuid::FromBytes(id);
  for (const ColumnSpec& column : columns) {
    const bool in_key = column.kind != ColumnKind::kRegular;
    table.columns.push_back({.name = std::string(column.name),
                             .type = data::DataType(column.type),
                             .kind = column.kind,
                             .id = in_key ? 0 : table.next_column_id++});
  }
  return std::make_shared<const data::TableSchema>(std::move(table));
}

std::string Text(std::string_view text) { return std::string(text); }
std::string Uuid(const base::Uuid& uuid) { return std::string(uuid.AsBytes()); }
std::string Int(int64_t value) { return data::EncodeInt(static_cast<int32_t>(value)); }

// Rows of one virtual table, in the order of a real one.
class RowCollector {
 public:
  using Fields = std::map<std::string_view, std::string>;
  explicit RowCollector(const data::TableSchema& table) : table_(table) {}

  void Add(const Fields& fields) {
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

  std::vector<data::Partition> Take() {
    std::vector<data::Partition> partitions;
    for (auto& [key, rows] : rows_) {
      data::Partition& partition = partitions.emplace_back();
      partition.key = key;
      for (auto& [clustering, row] : rows) partition.rows.push_back(std::move(row));
    }
    return partitions;
  }

 private:
  const data::TableSchema& table_;
  std::map<data::DecoratedKey, std::map<std::string, data::Row>> rows_;
};

// ---- the cluster ----

base::Uuid SchemaVersion(const data::Schema& schema) {
  std::string bytes(8, '\0');
  base::PutBigEndian64(&bytes, schema.digest());
  return *base::Uuid::FromBytes(bytes);
}

RowCollector::Fields NodeFields(const ring::NodeInfo& node, const ring::ClusterState& state) {
  return {{"data_center", node.datacenter},
          {"host_id", Uuid(node.id)},
          {"rack", node.rack},
          {"release_version", Text(kReleaseVersion)},
          {"rpc_address", node.client.ToString()},
          {"schema_version", Uuid(SchemaVersion(state.schema()))},
          {"token_count", Int(static_cast<int64_t>(node.tokens.size()))}};
}

void AddLocal(const Request& request, RowCollector* out) {
  const ring::NodeInfo* node = request.state->Find(request.services->local_node);
  RowCollector::Fields fields;
  if (node != nullptr) {
    fields = NodeFields(*node, *request.state);
    fields["broadcast_address"] = node->internode.ToString();
  }
  fields["key"] = "local";
  fields["cluster_name"] = request.services->cluster_name;
  fields["cql_version"] = kCqlVersion;
  fields["host_id"] = Uuid(request.services->local_node);
  fields["partitioner"] = "org.apache.cassandra.dht.Murmur3Partitioner";
  fields["release_version"] = kReleaseVersion;
  out->Add(fields);
}

void AddPeers(const Request& request, RowCollector* out) {
  for (const auto& [id, node] : request.state->nodes()) {
    if (id == request.services->local_node) continue;
    RowCollector::Fields fields = NodeFields(node, *request.state);
    fields["peer"] = node.internode.host;
    fields["peer_port"] = Int(node.internode.port);
    fields["status"] = ring::NodeStatusName(node.status);
    out->Add(fields);
  }
}

// ---- the schema ----

std::string MapText(const std::map<std::string, std::string>& map) {
  std::string text = "{";
  for (const auto& [key, value] : map) {
    base::StrAppend(&text, text.size() == 1 ? "" : ", ", QuoteString(key), ": ",
                    QuoteString(value));
  }
  return text + "}";
}

void AddKeyspaces(const data::Schema& schema, RowCollector* out) {
  const auto add = [out](std::string_view name, bool durable, std::string replication) {
    out->Add({{"keyspace_name", Text(name)},
              {"durable_writes", data::EncodeBoolean(durable)},
              {"replication", std::move(replication)}});
  };
  for (const std::string_view name : {kSystem, kSystemSchema}) {
    add(name, true, MapText({{"class", std::string(kReplicationClass)}}));
  }
  for (const data::KeyspaceSchema* keyspace : schema.keyspaces()) {
    add(keyspace->name, keyspace->durable_writes, MapText(keyspace->replication));
  }
}

void AddTable(const data::TableSchema& table, RowCollector* out) {
  out->Add({{"keyspace_name", table.keyspace},
            {"table_name", table.name},
            {"comment", table.comment},
            {"default_time_to_live", Int(table.default_ttl_seconds)},
            {"gc_grace_seconds", Int(table.gc_grace_seconds)},
            {"id", Uuid(table.id)}});
}

std::string_view KindName(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kPartitionKey:
      return "partition_key";
    case ColumnKind::kClustering:
      return "clustering";
    case ColumnKind::kStatic:
      return "static";
    case ColumnKind::kRegular:
      return "regular";
  }
  return "";
}

void AddColumns(const data::TableSchema& table, RowCollector* out) {
  int64_t place = 0;
  for (const data::ColumnSchema& column : table.columns) {
    const bool clustering = column.kind == ColumnKind::kClustering;
    const int64_t first = clustering ? static_cast<int64_t>(table.partition_key_size()) : 0;
    const bool in_key = clustering || column.kind == ColumnKind::kPartitionKey;
    out->Add({{"keyspace_name", table.keyspace},
              {"table_name", table.name},
              {"column_name", column.name},
              {"clustering_order", !clustering         ? "none"
                                   : column.descending ? "desc"
                                                       : "asc"},
              {"kind", Text(KindName(column.kind))},
              {"position", Int(in_key ? place - first : -1)},
              {"type", Text(column.type.name())}});
    ++place;
  }
}

std::vector<data::Partition> RowsOf(const data::TableSchema& table, const Request& request) {
  RowCollector rows(table);
  const data::Schema& schema = request.state->schema();
  if (table.name == "local") AddLocal(request, &rows);
  if (table.name == "peers") AddPeers(request, &rows);
  if (table.name == "keyspaces") AddKeyspaces(schema, &rows);
  std::vector<std::shared_ptr<const data::TableSchema>> tables = schema.tables();
  for (auto& of_system : SystemTables()) tables.push_back(std::move(of_system));
  for (const auto& described : tables) {
    if (table.name == "tables") AddTable(*described, &rows);
    if (table.name == "columns") AddColumns(*described, &rows);
  }
  return rows.Take();
}

}  // namespace

bool IsSystemKeyspace(std::string_view keyspace) {
  return keyspace == kSystem || keyspace == kSystemSchema;
}

std::vector<std::shared_ptr<const data::TableSchema>> SystemTables() {
  return {MakeTable(kSystem, "local", kLocalColumns), MakeTable(kSystem, "peers", kPeersColumns),
          MakeTable(kSystemSchema, "keyspaces", kKeyspacesColumns),
          MakeTable(kSystemSchema, "tables", kTablesColumns),
          MakeTable(kSystemSchema, "columns", kColumnsColumns)};
}

std::shared_ptr<const data::TableSchema> FindSystemTable(std::string_view keyspace,
                                                         std::string_view table) {
  if (!IsSystemKeyspace(keyspace)) return nullptr;
  for (auto& candidate : SystemTables()) {
    if (candidate->keyspace == keyspace && candidate->name == table) return candidate;
  }
  return nullptr;
}

base::Task<absl::StatusOr<coordinator::ReadPage>> ReadSystemTable(const data::TableSchema& table,
                                                                  const Request& request,
                                                                  data::ReadCommand command) {
  auto source = data::VectorSource(RowsOf(table, request), data::Selection::Of(command));
  THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result,
                             co_await data::Collect(std::move(source), std::move(command)));
  coordinator::ReadPage page;
  if (result.more) page.next = data::LastPosition(result);
  page.partitions = std::move(result.partitions);
  co_return page;
}

}  // namespace tholos::cql
