// The members of the cluster, as Cassandra 5 shows them: drivers discover nodes, tokens and schema
// agreement here. Addresses are those of the native protocol's door; a node whose schema is not
// known yet shows none, and drivers wait for it.
//
// `release_version` names the Cassandra release whose behaviour is followed, for drivers choose by
// it; our own is in system.local's `tholos_version`.
#include <utility>

#include "base/coding.h"
#include "base/strings.h"
#include "cql/protocol/wire.h"
#include "cql/system/row_collector.h"

namespace tholos::cql {
namespace {

constexpr std::string_view kReleaseVersion = "5.0.0";
constexpr std::string_view kCqlVersion = "3.4.7";
constexpr std::string_view kPartitioner = "org.apache.cassandra.dht.Murmur3Partitioner";
constexpr std::string_view kNativeVersion = "5";

std::string Text(std::string_view text) { return std::string(text); }
std::string Uuid(const base::Uuid& uuid) { return std::string(uuid.AsBytes()); }
std::string Int(int64_t value) { return data::EncodeInt(static_cast<int32_t>(value)); }

std::string SchemaVersion(uint64_t digest) {
  std::string bytes(8, '\0');
  base::PutBigEndian64(&bytes, digest);
  return bytes;
}

// Nothing for a host that is no address.
void PutAddress(std::string_view column, std::string_view host, RowCollector::Fields* fields) {
  std::string address = protocol::AddressBytes(host);
  if (!address.empty()) (*fields)[column] = std::move(address);
}

const base::Endpoint& NativeOf(const ring::NodeInfo& node) {
  return node.native.host.empty() ? node.client : node.native;
}

RowCollector::Fields NodeFields(const ring::NodeInfo& node, uint64_t schema_digest) {
  RowCollector::Fields fields = {{"data_center", node.datacenter},
                                 {"host_id", Uuid(node.id)},
                                 {"rack", node.rack},
                                 {"release_version", Text(kReleaseVersion)}};
  if (schema_digest != 0) fields["schema_version"] = SchemaVersion(schema_digest);
  std::vector<std::string> tokens;
  for (const data::Token token : node.tokens) tokens.push_back(base::StrCat(token));
  fields["tokens"] = RowCollector::TextSet(tokens);
  return fields;
}

void AddLocal(const Request& request, RowCollector* out) {
  const ring::NodeInfo* node = request.state->Find(request.services->local_node);
  RowCollector::Fields fields;
  if (node != nullptr) {
    fields = NodeFields(*node, request.state->schema().digest());
    PutAddress("broadcast_address", node->internode.host, &fields);
    PutAddress("listen_address", node->internode.host, &fields);
    PutAddress("rpc_address", NativeOf(*node).host, &fields);
    fields["broadcast_port"] = Int(node->internode.port);
    fields["listen_port"] = Int(node->internode.port);
    fields["rpc_port"] = Int(NativeOf(*node).port);
  }
  fields["key"] = "local";
  fields["bootstrapped"] = "COMPLETED";
  fields["cluster_name"] = request.services->cluster_name;
  fields["cql_version"] = kCqlVersion;
  fields["host_id"] = Uuid(request.services->local_node);
  fields["native_protocol_version"] = kNativeVersion;
  fields["partitioner"] = kPartitioner;
  fields["release_version"] = kReleaseVersion;
  fields["tholos_version"] = THOLOS_VERSION;
  out->Add(fields);
}

void AddPeers(const Request& request, bool v2, RowCollector* out) {
  for (const auto& [id, node] : request.state->nodes()) {
    if (id == request.services->local_node) continue;
    RowCollector::Fields fields = NodeFields(node, node.schema_digest);
    PutAddress("peer", node.internode.host, &fields);
    PutAddress("preferred_ip", node.internode.host, &fields);
    PutAddress(v2 ? "native_address" : "rpc_address", NativeOf(node).host, &fields);
    if (v2) {
      fields["peer_port"] = Int(node.internode.port);
      fields["preferred_port"] = Int(node.internode.port);
      fields["native_port"] = Int(NativeOf(node).port);
    }
    out->Add(fields);
  }
}

}  // namespace

std::vector<SystemTablePtr> ClusterTables() {
  return {
      MakeSystemTable("system", "local", {.partition = 1},
                      {{"key", "text"},
                       {"bootstrapped", "text"},
                       {"broadcast_address", "inet"},
                       {"broadcast_port", "int"},
                       {"cluster_name", "text"},
                       {"cql_version", "text"},
                       {"data_center", "text"},
                       {"gossip_generation", "int"},
                       {"host_id", "uuid"},
                       {"listen_address", "inet"},
                       {"listen_port", "int"},
                       {"native_protocol_version", "text"},
                       {"partitioner", "text"},
                       {"rack", "text"},
                       {"release_version", "text"},
                       {"rpc_address", "inet"},
                       {"rpc_port", "int"},
                       {"schema_version", "uuid"},
                       {"tholos_version", "text"},
                       {"tokens", "frozen<set<text>>"},
                       {"truncated_at", "frozen<map<uuid, blob>>"}}),
      MakeSystemTable("system", "peers", {.partition = 1},
                      {{"peer", "inet"},
                       {"data_center", "text"},
                       {"host_id", "uuid"},
                       {"preferred_ip", "inet"},
                       {"rack", "text"},
                       {"release_version", "text"},
                       {"rpc_address", "inet"},
                       {"schema_version", "uuid"},
                       {"tokens", "frozen<set<text>>"}}),
      MakeSystemTable("system", "peers_v2", {.partition = 1, .clustering = 1},
                      {{"peer", "inet"},
                       {"peer_port", "int"},
                       {"data_center", "text"},
                       {"host_id", "uuid"},
                       {"native_address", "inet"},
                       {"native_port", "int"},
                       {"preferred_ip", "inet"},
                       {"preferred_port", "int"},
                       {"rack", "text"},
                       {"release_version", "text"},
                       {"schema_version", "uuid"},
                       {"tokens", "frozen<set<text>>"}}),
      MakeSystemTable("system", "size_estimates", {.partition = 1, .clustering = 3},
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"range_start", "text"},
                       {"range_end", "text"},
                       {"mean_partition_size", "bigint"},
                       {"partitions_count", "bigint"}}),
  };
}

void AddClusterRows(const Request& request, RowCollector* out) {
  const std::string& name = out->table().name;
  if (name == "local") AddLocal(request, out);
  if (name == "peers") AddPeers(request, false, out);
  if (name == "peers_v2") AddPeers(request, true, out);
}

}  // namespace tholos::cql
