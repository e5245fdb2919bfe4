#include "node/node.h"

#include <cstdlib>
#include <utility>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/local_node.h"
#include "cluster/membership.h"
#include "cluster/schema_service_impl.h"
#include "cluster/schema_store.h"
#include "cluster/state_publisher.h"
#include "coordinator/coordinator_impl.h"
#include "coordinator/replica_service.h"
#include "coordinator/system_schema.h"
#include "cql/processor.h"
#include "gossip/gossiper.h"

namespace tholos::node {
namespace {

// How often the peers are told how much data there is.
constexpr absl::Duration kLoadInterval = absl::Seconds(10);

class NodeImpl final : public Node {
 public:
  NodeImpl(NodeOptions options, NodeDeps deps)
      : options_(std::move(options)),
        deps_(deps),
        skew_(options_.clock_skew_max),
        timestamps_(deps.clock) {}

  base::Task<absl::Status> Build();
  base::Task<void> Stop() override;
  void SetServing(bool serving) override { membership_->SetServing(serving); }

  cql::QueryProcessor& queries() override { return *queries_; }
  storage::Engine& engine() override { return *engine_; }
  coordinator::ClusterCoordinator& coordinator() override { return *coordinator_; }
  ring::ClusterState::Ptr cluster() const override { return state_.Get(); }
  const gossip::LivenessView& liveness() const override { return liveness_; }
  const gossip::SkewView& skew() const override { return skew_; }
  const ring::NodeId& id() const override { return id_; }
  const NodeOptions& options() const override { return options_; }
  std::vector<PeerView> Peers() const override;

 private:
  base::Task<absl::Status> OpenStorage();
  base::Task<absl::Status> OpenCoordinator();
  void BuildGossip(int64_t generation);
  void BuildSchemaService();
  void BuildReplicaService();
  base::Task<absl::Status> JoinCluster(cluster::LocalNode local);
  base::Task<void> TellLoad();

  const NodeOptions options_;
  const NodeDeps deps_;
  ring::NodeId id_;
  ring::ClusterStateHolder state_;
  gossip::LivenessView liveness_;
  gossip::SkewView skew_;
  coordinator::TimestampSource timestamps_;

  // Bottom-up, each using those above it.
  data::Schema::Ptr schema_at_start_;
  std::unique_ptr<storage::Engine> engine_;
  std::optional<cluster::StatePublisher> publisher_;
  std::unique_ptr<gossip::Gossiper> gossiper_;
  std::unique_ptr<cluster::Membership> membership_;
  std::unique_ptr<cluster::SchemaServiceImpl> schema_service_;
  std::unique_ptr<coordinator::ReplicaService> replica_service_;
  std::unique_ptr<coordinator::ClusterCoordinator> coordinator_;
  std::unique_ptr<cql::QueryProcessor> queries_;

  bool transport_started_ = false;
  bool gossip_started_ = false;
  base::Event stopping_;
  base::Scope scope_;
};

// The storage engine first: it locks the directory.
base::Task<absl::Status> NodeImpl::Build() {
  THOLOS_CO_RETURN_IF_ERROR(co_await OpenStorage());
  THOLOS_CO_ASSIGN_OR_RETURN(
      cluster::LocalNode local,
      co_await cluster::OpenLocalNode(deps_.fs, options_.data_directory,
                                      {options_.cluster_name, options_.datacenter, options_.rack},
                                      deps_.random, deps_.clock.WallSeconds()));
  id_ = local.id;
  publisher_.emplace(state_, schema_at_start_);
  BuildGossip(local.generation);
  BuildSchemaService();
  THOLOS_CO_RETURN_IF_ERROR(co_await OpenCoordinator());
  BuildReplicaService();
  queries_ = cql::MakeQueryProcessor({.clock = deps_.clock,
                                      .random = deps_.random,
                                      .executor = deps_.executor,
                                      .state = state_,
                                      .coordinator = *coordinator_,
                                      .schema = *schema_service_,
                                      .metrics = deps_.metrics,
                                      .limits = options_.query_limits,
                                      .local_node = id_,
                                      .cluster_name = options_.cluster_name});
  THOLOS_CO_RETURN_IF_ERROR(co_await deps_.transport.Start());
  transport_started_ = true;
  THOLOS_CO_RETURN_IF_ERROR(co_await JoinCluster(std::move(local)));
  schema_service_->Start();
  gossiper_->Start();
  gossip_started_ = true;
  coordinator_->Start();
  scope_.Spawn(TellLoad());
  co_return absl::OkStatus();
}

base::Task<absl::Status> NodeImpl::OpenStorage() {
  THOLOS_CO_ASSIGN_OR_RETURN(const data::Schema::Ptr saved,
                             co_await cluster::LoadSchema(deps_.fs, options_.data_directory));
  schema_at_start_ = std::make_shared<const data::Schema>(coordinator::WithSystemTables(*saved));
  storage::EngineOptions options;
  options.directory = options_.data_directory;
  options.memtable_bytes_max = options_.memtable_bytes_max;
  options.commitlog_segment_bytes = options_.commitlog_segment_bytes;
  options.commitlog_bytes_max = options_.commitlog_bytes_max;
  options.mutation_bytes_max = options_.mutation_bytes_max;
  options.mutant_skip_sync = options_.faults.sync_skipped;
  options.mutant_purge_expired = options_.faults.expired_purged_at_once;
  const storage::EngineDeps deps{deps_.clock, deps_.random,  deps_.executor,
                                 deps_.fs,    deps_.metrics, deps_.log};
  THOLOS_CO_ASSIGN_OR_RETURN(
      engine_, co_await storage::Engine::Open(std::move(options), deps, schema_at_start_));
  co_return absl::OkStatus();
}

void NodeImpl::BuildGossip(int64_t generation) {
  gossip::GossiperOptions options;
  options.cluster_name = options_.cluster_name;
  options.seeds = options_.seeds;
  gossiper_ = std::make_unique<gossip::Gossiper>(
      std::move(options),
      gossip::GossiperDeps{deps_.random, deps_.transport, deps_.log, deps_.metrics, liveness_,
                           skew_},
      id_, generation);
  gossiper_->RegisterHandlers();
}

void NodeImpl::BuildSchemaService() {
  cluster::SchemaServiceOptions options;
  options.directory = options_.data_directory;
  schema_service_ = std::make_unique<cluster::SchemaServiceImpl>(
      std::move(options),
      cluster::SchemaServiceDeps{deps_.clock, deps_.executor, deps_.fs, deps_.log, deps_.transport,
                                 *gossiper_, *publisher_},
      schema_at_start_,
      [this](data::Schema::Ptr schema) { return engine_->SetSchema(std::move(schema)); });
  schema_service_->RegisterHandlers();
}

base::Task<absl::Status> NodeImpl::OpenCoordinator() {
  coordinator::CoordinatorOptions options;
  options.self = id_;
  options.mutation_bytes_max = options_.mutation_bytes_max;
  options.hints.directory = base::StrCat(options_.data_directory, "/hints");
  options.partition_rates = options_.partition_rates;
  options.slow_request = options_.slow_request;
  options.page_tombstones_max = options_.query_limits.tombstones_max;
  options.faults = options_.faults.coordinator;
  THOLOS_CO_ASSIGN_OR_RETURN(
      coordinator_, co_await coordinator::ClusterCoordinator::Open(
                        std::move(options), coordinator::CoordinatorDeps{
                                                deps_.clock, deps_.random, deps_.executor, deps_.fs,
                                                deps_.metrics, deps_.log, deps_.transport, *engine_,
                                                state_, liveness_, skew_, timestamps_}));
  co_return absl::OkStatus();
}

void NodeImpl::BuildReplicaService() {
  coordinator::ReplicaServiceOptions options;
  options.faults = options_.faults.coordinator;
  replica_service_ = std::make_unique<coordinator::ReplicaService>(
      options,
      coordinator::ReplicaService::Deps{deps_.clock, deps_.executor, *engine_, timestamps_},
      [this](data::TableId table, base::Endpoint from) {
        return schema_service_->EnsureTable(table, std::move(from),
                                            deps_.clock.Now() + absl::Seconds(2));
      });
  replica_service_->RegisterWith(deps_.transport);
  coordinator_->RegisterWith(deps_.transport, *replica_service_);
}

base::Task<absl::Status> NodeImpl::JoinCluster(cluster::LocalNode local) {
  cluster::MembershipOptions options;
  options.directory = options_.data_directory;
  options.seeds = options_.seeds;
  options.internode = deps_.transport.self();
  options.client = options_.client;
  options.native = options_.native;
  options.datacenter = options_.datacenter;
  options.rack = options_.faults.racks_unknown ? "rack" : options_.rack;
  options.release = THOLOS_VERSION;
  membership_ = std::make_unique<cluster::Membership>(
      std::move(options),
      cluster::MembershipDeps{deps_.fs, deps_.random, deps_.log, *gossiper_, *publisher_},
      std::move(local));
  co_return co_await membership_->Join();
}

base::Task<void> NodeImpl::TellLoad() {
  while (!stopping_.is_set()) {
    gossiper_->SetOwn(gossip::StateKey::kLoad, base::StrCat(engine_->LiveBytes()));
    co_await stopping_.WaitUntil(deps_.clock.Now() + kLoadInterval);
  }
}

// Top-down, whatever of it was built: a start that fails ends here too.
base::Task<void> NodeImpl::Stop() {
  stopping_.Set();
  co_await scope_.Stop();
  if (gossip_started_) co_await gossiper_->Stop();
  if (membership_ != nullptr) co_await membership_->Stop();
  if (schema_service_ != nullptr) co_await schema_service_->Stop();
  if (transport_started_) co_await deps_.transport.Stop();
  if (coordinator_ != nullptr) co_await coordinator_->Stop();
  if (engine_ != nullptr) co_await engine_->Stop();
}

std::vector<PeerView> NodeImpl::Peers() const {
  std::vector<PeerView> peers;
  for (const auto& [id, info] : state_.Get()->nodes()) {
    PeerView& peer = peers.emplace_back();
    peer.info = info;
    peer.alive = liveness_.IsAlive(id);
    peer.clock_offset = gossiper_->ClockOffset(id);
    const gossip::EndpointState* state = gossiper_->state().Find(id);
    if (state == nullptr) continue;
    peer.load_bytes =
        std::strtoull(std::string(state->Get(gossip::StateKey::kLoad)).c_str(), nullptr, 10);
    peer.schema_version = state->Get(gossip::StateKey::kSchema);
    peer.release = state->Get(gossip::StateKey::kRelease);
  }
  return peers;
}

}  // namespace

base::Task<absl::StatusOr<std::unique_ptr<Node>>> Node::Start(NodeOptions options, NodeDeps deps) {
  auto node = std::make_unique<NodeImpl>(std::move(options), deps);
  const absl::Status status = co_await node->Build();
  if (status.ok()) co_return std::unique_ptr<Node>(std::move(node));
  co_await node->Stop();
  co_return status;
}

}  // namespace tholos::node
