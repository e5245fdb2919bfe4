#include "coordinator/coordinator_impl.h"

#include <utility>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/requests.h"
#include "coordinator/system_schema.h"

namespace tholos::coordinator {

namespace {

// What a node cannot do without, nor make again.
absl::Status Needed(std::string_view table, const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return status;
  return absl::DataLossError(base::StrCat(
      "the start needs ", kLocalKeyspace, ".", table,
      ", which is damaged: ", base::ToStd(status.message()),
      "; to start without it move its directory out of the data directory (operations.md says what "
      "is lost)"));
}

}  // namespace

base::Task<absl::StatusOr<std::unique_ptr<ClusterCoordinator>>> ClusterCoordinator::Open(
    CoordinatorOptions options, CoordinatorDeps deps) {
  auto repairs = std::make_unique<RepairNeeds>(RepairNeeds::Deps{
      deps.clock, deps.executor, deps.log, deps.engine, deps.cluster, deps.metrics});
  THOLOS_CO_RETURN_IF_ERROR(co_await repairs->Load());
  THOLOS_CO_ASSIGN_OR_RETURN(
      std::unique_ptr<HintStore> hints,
      co_await HintStore::Open(options.hints,
                               {deps.clock, deps.fs, deps.log, options.faults, repairs.get()},
                               deps.executor, deps.metrics));
  std::unique_ptr<ClusterCoordinator> coordinator(
      new ClusterCoordinator(std::move(options), deps, std::move(repairs), std::move(hints)));
  if (!coordinator->options_.faults.timestamps_forgotten)
    THOLOS_CO_RETURN_IF_ERROR(co_await coordinator->ceiling_.Load());
  THOLOS_CO_RETURN_IF_ERROR(
      Needed(TruncationsTable().name, co_await coordinator->truncations_.Load()));
  THOLOS_CO_RETURN_IF_ERROR(
      Needed(BatchesTable().name, co_await coordinator->batchlog_->Recover()));
  co_return coordinator;
}

ClusterCoordinator::ClusterCoordinator(CoordinatorOptions options, CoordinatorDeps deps,
                                       std::unique_ptr<RepairNeeds> repairs,
                                       std::unique_ptr<HintStore> hints)
    : options_(std::move(options)),
      deps_(deps),
      replicas_(options_.self, options_.faults,
                {deps_.transport, deps_.engine, deps_.cluster, deps_.liveness}),
      repairs_(std::move(repairs)),
      hints_(std::move(hints)),
      truncations_(deps_.engine),
      truncater_({deps_.clock, deps_.engine, deps_.cluster, deps_.liveness, replicas_, truncations_,
                  options_.self, [this](base::Deadline deadline) { return Settle(deadline); }}),
      forwarder_({deps_.executor, deps_.transport, replicas_}),
      ceiling_({deps_.clock, deps_.executor, deps_.log, deps_.engine, deps_.timestamps}) {
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    shards_.push_back(std::make_unique<Shard>(*this, *hints_, i));
    Shard* shard = shards_.back().get();
    replayers_.push_back(std::make_unique<HintReplayer>(HintReplayer::Deps{
        deps_.clock, deps_.log, *hints_, replicas_, deps_.cluster, deps_.liveness, truncations_,
        options_.self, [this, shard] { return IsBusy(*shard); },
        [shard] { return shard->context.epochs.Enter(); }, options_.faults}));
  }
  std::vector<Writer*> writers;
  for (const auto& shard : shards_) writers.push_back(&shard->writer);
  batchlog_ = std::make_unique<Batchlog>(
      BatchlogOptions{.request_time_max = options_.request_time_max},
      Batchlog::Deps{deps_.clock, deps_.executor, deps_.metrics, deps_.log, deps_.engine,
                     deps_.cluster, truncations_, options_.faults},
      std::move(writers));
  for (const auto& shard : shards_) shard->batch_writer.SetBatchlog(batchlog_.get());
}

void ClusterCoordinator::RegisterWith(rpc::Transport& transport, ReplicaService& own) {
  batchlog_->RegisterWith(transport);
  truncater_.RegisterWith(transport);
  forwarder_.RegisterWith(transport, own);
}

ClusterCoordinator::Shard::Shard(ClusterCoordinator& owner, HintStore& hints, int index)
    : context{.options = owner.options_,
              .clock = owner.deps_.clock,
              .cluster = owner.deps_.cluster,
              .liveness = owner.deps_.liveness,
              .skew = owner.deps_.skew,
              .replicas = owner.replicas_,
              .hints = hints,
              .timestamps = owner.deps_.timestamps,
              .log = owner.deps_.log,
              .forwarder = owner.forwarder_,
              .ceiling = owner.ceiling_,
              .metrics = RequestMetrics(owner.deps_.metrics, index)},
      batch_writer(context, writer, owner.deps_.random.Stream(base::StrCat("batches ", index))),
      traces(context, writer, owner.deps_.transport.self(),
             owner.deps_.random.Stream(base::StrCat("traces ", index))) {}

void ClusterCoordinator::Start() {
  for (size_t i = 0; i < replayers_.size(); ++i) {
    deps_.executor.shard(static_cast<int>(i)).Post([replayer = replayers_[i].get()] {
      replayer->Start();
    });
  }
  batchlog_->Start();
  ceiling_.Start();
}

base::Task<void> ClusterCoordinator::Stop() {
  for (size_t i = 0; i < replayers_.size(); ++i) {
    co_await base::RunOn(deps_.executor.shard(static_cast<int>(i)), replayers_[i]->Stop());
  }
  co_await batchlog_->Stop();
  co_await forwarder_.Stop();
  co_await ceiling_.Stop();
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    co_await base::SwitchTo(deps_.executor.shard(i));
    co_await shards_[i]->context.requests.Close();
    co_await shards_[i]->context.background.Stop();
  }
  co_await base::SwitchTo(deps_.executor.shard(0));
  co_await hints_->Stop();
  co_await repairs_->Stop();
}

absl::StatusOr<data::Timestamp> ClusterCoordinator::NextTimestamp() {
  if (deps_.skew.TooWrong()) return RefuseClock(Here().context);
  return deps_.timestamps.Next();
}

absl::Status ClusterCoordinator::CheckClock() {
  return deps_.skew.TooWrong() ? RefuseClock(Here().context) : absl::OkStatus();
}

base::Task<absl::Status> ClusterCoordinator::Write(data::Mutation mutation,
                                                   RequestOptions options) {
  return Here().writer.Write(std::move(mutation), options);
}

base::Task<absl::Status> ClusterCoordinator::WriteBatch(std::vector<data::Mutation> mutations,
                                                        bool logged, RequestOptions options) {
  return Here().batch_writer.Write(std::move(mutations), logged, options);
}

base::Task<absl::StatusOr<ReadPage>> ClusterCoordinator::Read(data::ReadCommand command,
                                                              RequestOptions options) {
  return Here().reader.Read(std::move(command), options);
}

base::Task<absl::Status> ClusterCoordinator::Truncate(data::TableId table, RequestOptions options) {
  ShardContext& shard = Here().context;
  const base::Gate::Holder inside = shard.requests.Enter();
  if (!inside) co_return Stopping();
  options.deadline = EffectiveDeadline(shard, options.deadline);
  THOLOS_CO_RETURN_IF_ERROR(KeyspaceOf(*deps_.cluster.Get(), table).status());
  co_return co_await truncater_.Truncate(table, std::move(options));
}

// Back on the shard of whoever asked.
base::Task<bool> ClusterCoordinator::Settle(base::Deadline deadline) {
  std::vector<base::Task<bool>> settling;
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    settling.push_back(
        base::RunOn(deps_.executor.shard(i), shards_[i]->context.epochs.WaitForOlder(deadline)));
  }
  bool settled = true;
  for (const bool one : co_await base::WhenAll(std::move(settling))) settled &= one;
  co_return settled;
}

TraceHandle ClusterCoordinator::BeginTrace(TraceRequest request) {
  return Here().traces.Begin(std::move(request));
}

void ClusterCoordinator::EndTrace(TraceHandle trace) { Here().traces.End(std::move(trace)); }

// Half of what it may have in flight.
bool ClusterCoordinator::IsBusy(const Shard& shard) const {
  const base::Semaphore& in_flight = shard.context.in_flight;
  return in_flight.available() < in_flight.capacity() / 2;
}

ClusterCoordinator::Shard& ClusterCoordinator::Here() {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "a coordinator is called on a shard";
  return *shards_[shard];
}

}  // namespace tholos::coordinator
