#include "coordinator/coordinator_impl.h"

#include <utility>

#include "base/check.h"
#include "base/status_macros.h"

namespace tholos::coordinator {

base::Task<absl::StatusOr<std::unique_ptr<ClusterCoordinator>>> ClusterCoordinator::Open(
    CoordinatorOptions options, CoordinatorDeps deps) {
  THOLOS_CO_ASSIGN_OR_RETURN(
      std::unique_ptr<HintStore> hints,
      co_await HintStore::Open(options.hints, {deps.clock, deps.fs, deps.log}, deps.executor,
                               deps.metrics));
  co_return std::unique_ptr<ClusterCoordinator>(
      new ClusterCoordinator(std::move(options), deps, std::move(hints)));
}

ClusterCoordinator::ClusterCoordinator(CoordinatorOptions options, CoordinatorDeps deps,
                                       std::unique_ptr<HintStore> hints)
    : options_(std::move(options)),
      deps_(deps),
      replicas_(options_.self, options_.mutant_digest_ignores_column,
                {deps_.transport, deps_.engine, deps_.cluster, deps_.liveness}),
      hints_(std::move(hints)),
      replayer_({deps_.clock, deps_.log, *hints_, replicas_, deps_.cluster, deps_.liveness,
                 options_.self}) {
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    shards_.push_back(std::make_unique<Shard>(*this, *hints_, i));
  }
}

ClusterCoordinator::Shard::Shard(const ClusterCoordinator& owner, HintStore& hints, int index)
    : context{.options = owner.options_,
              .clock = owner.deps_.clock,
              .cluster = owner.deps_.cluster,
              .liveness = owner.deps_.liveness,
              .replicas = owner.replicas_,
              .hints = hints,
              .timestamps = owner.deps_.timestamps,
              .metrics = RequestMetrics(owner.deps_.metrics, index)} {}

void ClusterCoordinator::Start() { replayer_.Start(); }

base::Task<void> ClusterCoordinator::Stop() {
  co_await replayer_.Stop();
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    co_await base::SwitchTo(deps_.executor.shard(i));
    co_await shards_[i]->context.requests.Close();
    co_await shards_[i]->context.background.Stop();
  }
  co_await base::SwitchTo(deps_.executor.shard(0));
  co_await hints_->Stop();
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

ClusterCoordinator::Shard& ClusterCoordinator::Here() {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "a coordinator is called on a shard";
  return *shards_[shard];
}

}  // namespace tholos::coordinator
