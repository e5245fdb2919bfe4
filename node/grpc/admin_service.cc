#include "node/grpc/admin_service.h"

#include <utility>

#include "base/async/scope.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "node/grpc/repair_calls.h"
#include "node/grpc/status.h"
#include "node/process_stats.h"
#include "proto/tholos/v1/admin.grpc.pb.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

std::string_view KindName(data::ColumnKind kind) {
  switch (kind) {
    case data::ColumnKind::kPartitionKey:
      return "partition_key";
    case data::ColumnKind::kClustering:
      return "clustering";
    case data::ColumnKind::kStatic:
      return "static";
    case data::ColumnKind::kRegular:
      return "regular";
  }
  return "";
}

void FillTable(const data::TableSchema& table, pb::SchemaTable* out) {
  out->set_keyspace(table.keyspace);
  out->set_name(table.name);
  out->set_id(table.id.ToString());
  out->set_create_statement(data::DescribeTable(table));
  for (const data::ColumnSchema& column : table.columns) {
    pb::SchemaColumn* message = out->add_columns();
    message->set_name(column.name);
    message->set_type_name(std::string(column.type.name()));
    message->set_kind(std::string(KindName(column.kind)));
  }
}

// Every call runs on shard 0, where the node's own state is; the messages live until Finish.
class AdminService : public pb::Admin::CallbackService {
 public:
  explicit AdminService(AdminServiceDeps deps) : deps_(deps) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call,
                                      const pb::GetStatusRequest* request,
                                      pb::GetStatusResponse* response) override {
    return Run(call, FillStatus(*request, *response));
  }
  grpc::ServerUnaryReactor* GetRing(grpc::CallbackServerContext* call,
                                    const pb::GetRingRequest* request,
                                    pb::GetRingResponse* response) override {
    return Run(call, FillRing(*request, *response));
  }
  grpc::ServerUnaryReactor* GetSchema(grpc::CallbackServerContext* call,
                                      const pb::GetSchemaRequest*,
                                      pb::GetSchemaResponse* response) override {
    return Run(call, FillSchema(*response));
  }
  grpc::ServerUnaryReactor* Flush(grpc::CallbackServerContext* call,
                                  const pb::FlushRequest* request, pb::FlushResponse*) override {
    return Run(call, RunFlush(*request));
  }
  grpc::ServerUnaryReactor* Compact(grpc::CallbackServerContext* call,
                                    const pb::CompactRequest* request,
                                    pb::CompactResponse* response) override {
    return Run(call, RunCompact(*request, *response));
  }
  grpc::ServerUnaryReactor* Snapshot(grpc::CallbackServerContext* call,
                                     const pb::SnapshotRequest* request,
                                     pb::SnapshotResponse* response) override {
    return Run(call, RunSnapshot(*request, *response));
  }
  grpc::ServerUnaryReactor* ListSnapshots(grpc::CallbackServerContext* call,
                                          const pb::ListSnapshotsRequest*,
                                          pb::ListSnapshotsResponse* response) override {
    return Run(call, FillSnapshots(*response));
  }
  grpc::ServerUnaryReactor* RemoveSnapshot(grpc::CallbackServerContext* call,
                                           const pb::RemoveSnapshotRequest* request,
                                           pb::RemoveSnapshotResponse*) override {
    return Run(call, RunRemoveSnapshot(*request));
  }
  grpc::ServerUnaryReactor* Restore(grpc::CallbackServerContext* call,
                                    const pb::RestoreRequest* request,
                                    pb::RestoreResponse*) override {
    return Run(call, RunRestore(*request));
  }
  grpc::ServerUnaryReactor* ListRepairNeeds(grpc::CallbackServerContext* call,
                                            const pb::ListRepairNeedsRequest*,
                                            pb::ListRepairNeedsResponse* response) override {
    return Run(call, FillRepairNeeds(deps_.node, *response));
  }
  grpc::ServerUnaryReactor* ClearRepairNeed(grpc::CallbackServerContext* call,
                                            const pb::RepairNeed* request,
                                            pb::ClearRepairNeedResponse*) override {
    return Run(call, RunClearRepairNeed(deps_.node, *request));
  }
  grpc::ServerUnaryReactor* RepairRange(grpc::CallbackServerContext* call,
                                        const pb::RepairRangeRequest* request,
                                        pb::RepairRangeResponse* response) override {
    return Run(call, RunRepairRange(deps_.node, deps_.clock, *request, *response));
  }
  grpc::ServerUnaryReactor* GetMetrics(grpc::CallbackServerContext* call,
                                       const pb::GetMetricsRequest*,
                                       pb::GetMetricsResponse* response) override {
    return Run(call, FillMetrics(*response));
  }

 private:
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* call, base::Task<absl::Status> task) {
    auto* reactor = call->DefaultReactor();
    base::SpawnDetached(deps_.executor.shard(0), FinishAfter(reactor, std::move(task)));
    return reactor;
  }

  static base::Task<void> FinishAfter(grpc::ServerUnaryReactor* reactor,
                                      base::Task<absl::Status> task) {
    const absl::Status status = co_await std::move(task);
    reactor->Finish(ToGrpcStatus(status));
  }

  base::Task<absl::Status> FillStatus(const pb::GetStatusRequest& request,
                                      pb::GetStatusResponse& response) {
    const ring::ClusterState::Ptr cluster = deps_.node.cluster();
    std::string keyspace = request.keyspace();
    for (const data::KeyspaceSchema* each : cluster->schema().keyspaces()) {
      if (keyspace.empty() && !coordinator::IsBuiltInKeyspace(each->name)) keyspace = each->name;
    }
    response.set_cluster_name(deps_.node.options().cluster_name);
    response.set_epoch(cluster->epoch());
    response.set_host_id(deps_.node.id().ToString());
    response.set_keyspace(keyspace);
    response.set_clock_ahead_micros(absl::ToInt64Microseconds(deps_.node.skew().ahead()));
    response.set_clock_refused(deps_.node.skew().TooWrong());
    for (const PeerView& peer : deps_.node.Peers()) {
      pb::NodeStatus* node = response.add_nodes();
      node->set_address(peer.info.internode.ToString());
      node->set_client_address(peer.info.client.ToString());
      node->set_host_id(peer.info.id.ToString());
      node->set_datacenter(peer.info.datacenter);
      node->set_rack(peer.info.rack);
      node->set_up(peer.alive);
      node->set_state(std::string(ring::NodeStatusName(peer.info.status)));
      node->set_load_bytes(peer.load_bytes);
      node->set_tokens(static_cast<uint32_t>(peer.info.tokens.size()));
      node->set_schema_version(peer.schema_version);
      node->set_release(peer.release);
      if (peer.clock_offset.has_value())
        node->set_clock_offset_micros(absl::ToInt64Microseconds(*peer.clock_offset));
      if (keyspace.empty()) continue;
      THOLOS_CO_ASSIGN_OR_RETURN(const double owns, cluster->Ownership(keyspace, peer.info.id));
      node->set_owns(owns);
    }
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> FillRing(const pb::GetRingRequest& request,
                                    pb::GetRingResponse& response) {
    const ring::ClusterState::Ptr cluster = deps_.node.cluster();
    absl::btree_map<data::Token, const ring::NodeInfo*> owners;
    for (const auto& [id, info] : cluster->nodes()) {
      for (const data::Token token : info.tokens) owners.emplace(token, &info);
    }
    for (const auto& [token, info] : owners) {
      pb::RingEntry* entry = response.add_entries();
      entry->set_token(token);
      entry->set_address(info->internode.ToString());
      entry->set_host_id(info->id.ToString());
      entry->set_datacenter(info->datacenter);
      entry->set_rack(info->rack);
      entry->set_up(deps_.node.liveness().IsAlive(info->id));
      entry->set_state(std::string(ring::NodeStatusName(info->status)));
      if (request.keyspace().empty()) continue;
      THOLOS_CO_ASSIGN_OR_RETURN(const ring::ReplicaSet replicas,
                                 cluster->ReplicasOf(request.keyspace(), token));
      for (const ring::NodeId& id : replicas)
        entry->add_replicas(cluster->Find(id)->internode.ToString());
    }
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> FillSchema(pb::GetSchemaResponse& response) {
    const ring::ClusterState::Ptr cluster = deps_.node.cluster();
    response.set_version(base::StrCat(cluster->schema().digest()));
    for (const data::KeyspaceSchema* keyspace : cluster->schema().keyspaces()) {
      if (coordinator::IsBuiltInKeyspace(keyspace->name)) continue;
      pb::SchemaKeyspace* message = response.add_keyspaces();
      message->set_name(keyspace->name);
      message->set_create_statement(data::DescribeKeyspace(*keyspace));
      for (const auto& table : cluster->schema().tables(keyspace->name))
        FillTable(*table, message->add_tables());
    }
    co_return absl::OkStatus();
  }

  absl::StatusOr<data::TableId> FindTable(const std::string& keyspace,
                                          const std::string& name) const {
    const auto table = deps_.node.cluster()->schema().FindTable(keyspace, name);
    if (table == nullptr)
      return base::InvalidRequest(base::StrCat("there is no table ", keyspace, ".", name));
    return table->id;
  }

  base::Task<absl::Status> RunFlush(const pb::FlushRequest& request) {
    std::optional<data::TableId> table;
    if (!request.table().empty()) {
      THOLOS_CO_ASSIGN_OR_RETURN(table, FindTable(request.keyspace(), request.table()));
    }
    co_return co_await deps_.node.engine().Flush(table);
  }

  base::Task<absl::Status> RunCompact(const pb::CompactRequest& request,
                                      pb::CompactResponse& response) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::TableId table,
                               FindTable(request.keyspace(), request.table()));
    storage::Engine& engine = deps_.node.engine();
    THOLOS_CO_ASSIGN_OR_RETURN(const storage::TableStats before, co_await engine.Stats(table));
    THOLOS_CO_RETURN_IF_ERROR(co_await engine.CompactAll(table));
    THOLOS_CO_ASSIGN_OR_RETURN(const storage::TableStats after, co_await engine.Stats(table));
    response.set_sstables_before(before.sstables);
    response.set_sstables_after(after.sstables);
    co_return absl::OkStatus();
  }

  void FillSnapshot(const data::TableId& id, const storage::TableSnapshot& snapshot,
                    pb::SnapshotInfo* out) const {
    if (const auto table = deps_.node.cluster()->schema().FindTable(id); table != nullptr) {
      out->set_keyspace(table->keyspace);
      out->set_table(table->name);
    }
    out->set_name(snapshot.name);
    out->set_sstables(snapshot.sstables);
    out->set_bytes(snapshot.bytes);
  }

  base::Task<absl::Status> RunSnapshot(const pb::SnapshotRequest& request,
                                       pb::SnapshotResponse& response) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::TableId table,
                               FindTable(request.keyspace(), request.table()));
    THOLOS_CO_ASSIGN_OR_RETURN(const storage::TableSnapshot snapshot,
                               co_await deps_.node.engine().Snapshot(table, request.name()));
    FillSnapshot(table, snapshot, response.mutable_snapshot());
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> FillSnapshots(pb::ListSnapshotsResponse& response) {
    THOLOS_CO_ASSIGN_OR_RETURN(const auto snapshots, co_await deps_.node.engine().ListSnapshots());
    for (const auto& [table, snapshot] : snapshots) {
      FillSnapshot(table, snapshot, response.add_snapshots());
    }
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> RunRemoveSnapshot(const pb::RemoveSnapshotRequest& request) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::TableId table,
                               FindTable(request.keyspace(), request.table()));
    co_return co_await deps_.node.engine().RemoveSnapshot(table, request.name());
  }

  base::Task<absl::Status> RunRestore(const pb::RestoreRequest& request) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::TableId table,
                               FindTable(request.keyspace(), request.table()));
    co_return co_await deps_.node.engine().RestoreSnapshot(table, request.name());
  }

  base::Task<absl::Status> FillMetrics(pb::GetMetricsResponse& response) {
    const ProcessStats stats = ReadProcessStats();
    response.set_prometheus_text(deps_.metrics.RenderText());
    response.set_process_cpu_seconds(stats.cpu_seconds);
    response.set_resident_bytes(stats.resident_bytes);
    co_return absl::OkStatus();
  }

  const AdminServiceDeps deps_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(AdminServiceDeps deps) {
  return std::make_unique<AdminService>(deps);
}

}  // namespace tholos::node
