#include "coordinator/hints/hint_replayer.h"

#include <algorithm>
#include <utility>

#include "base/async/when_all.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/expiry_faults.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

// In flight to one node, of all shards: enough for one group commit there to serve many.
constexpr size_t kBatchHints = 64;
constexpr size_t kShardBatchHintsMin = 8;
constexpr size_t kBatchBytes = 256 << 10;
constexpr absl::Duration kYieldStep = absl::Milliseconds(50);

}  // namespace

void HintReplayer::Start() { scope_.Spawn(Run()); }

base::Task<void> HintReplayer::Stop() {
  stopping_.Set();
  co_await scope_.Stop();
}

base::Task<void> HintReplayer::Run() {
  while (!co_await stopping_.WaitUntil(deps_.clock.Now() + deps_.store.options().replay_interval)) {
    for (const ring::NodeId& target : deps_.store.Targets()) {
      if (visited_.contains(target) || deps_.clock.Now() < paused_until_[target]) continue;
      visited_.insert(target);
      scope_.Spawn(Visit(target));
    }
  }
}

base::Task<void> HintReplayer::Visit(ring::NodeId target) {
  HintLog* log = deps_.store.LogOf(target);
  if (HasLeft(target)) {
    co_await DropRemoved(log);
    visited_.erase(target);
    co_return;
  }
  co_await DropOld(log);
  if (IsAlive(target)) {
    const absl::Status replayed = co_await Replay(log);
    if (!replayed.ok()) {
      deps_.log.Info("hints", base::StrCat("delivery to node ", target.ToString(),
                                           " stopped: ", base::ToStd(replayed.message())));
      paused_until_[target] = deps_.clock.Now() + deps_.store.options().delivery_time_max;
    }
  }
  visited_.erase(target);
}

bool HintReplayer::HasLeft(const ring::NodeId& target) {
  if (deps_.cluster.Get()->Find(target) != nullptr) {
    unknown_since_.erase(target);
    return false;
  }
  const base::MonotonicTime now = deps_.clock.Now();
  const base::MonotonicTime since = unknown_since_.try_emplace(target, now).first->second;
  return now - since > deps_.store.options().unknown_time_max;
}

// Its ranges are others' now, who may lack what it was to get.
base::Task<void> HintReplayer::DropRemoved(HintLog* log) {
  deps_.log.Warning(
      "hints", base::StrCat("node ", log->target().ToString(), " has left: its hints are dropped"));
  deps_.store.NodeLeft(log->target());
  const absl::Status dropped = co_await log->DropAll();
  if (!dropped.ok()) deps_.log.Error("hints", base::ToStd(dropped.message()));
}

base::Task<void> HintReplayer::DropOld(HintLog* log) {
  const absl::Status dropped = co_await log->DropOld();
  if (!dropped.ok()) deps_.log.Error("hints", base::ToStd(dropped.message()));
}

base::Task<absl::Status> HintReplayer::Replay(HintLog* log) {
  const size_t hints_max = std::max(kShardBatchHintsMin, kBatchHints / deps_.store.shard_count());
  while (!stopping_.is_set() && IsAlive(log->target())) {
    THOLOS_CO_ASSIGN_OR_RETURN(HintLog::Batch batch, co_await log->Read(kBatchBytes, hints_max));
    if (batch.hints.empty()) co_return absl::OkStatus();
    uint64_t bytes = 0;
    for (const Hint& hint : batch.hints) bytes += hint.body.size();
    co_await Yield();
    bool put_back = false;
    size_t delivered = 0;
    const absl::Status outcome =
        co_await DeliverAll(log->target(), batch.hints, &delivered, &put_back);
    // A node that takes a few at a time gets all in the end.
    if (delivered > 0) {
      batch.end = batch.hints[delivered - 1].end;
      THOLOS_CO_RETURN_IF_ERROR(co_await log->Advance(std::move(batch)));
    }
    THOLOS_CO_RETURN_IF_ERROR(outcome);
    if (put_back) co_return absl::UnavailableError("a table is not known there yet");
    co_await Pace(log, bytes);
  }
  co_return absl::OkStatus();
}

base::Task<void> HintReplayer::Yield() {
  const base::MonotonicTime enough = deps_.clock.Now() + deps_.store.options().replay_yield_max;
  while (deps_.busy() && deps_.clock.Now() < enough) {
    if (co_await stopping_.WaitUntil(deps_.clock.Now() + kYieldStep)) co_return;
  }
}

base::Task<void> HintReplayer::Pace(HintLog* log, uint64_t bytes) {
  const HintOptions& options = deps_.store.options();
  const base::MonotonicTime now = deps_.clock.Now();
  const base::MonotonicTime all =
      deps_.store.totals().replayed.Take(now, bytes, options.replay_bytes_per_second_total);
  const base::MonotonicTime one =
      log->totals().replayed.Take(now, bytes, options.replay_bytes_per_second);
  co_await stopping_.WaitUntil(std::max(all, one));
}

base::Task<absl::Status> HintReplayer::DeliverAll(ring::NodeId target,
                                                  const std::vector<Hint>& hints, size_t* delivered,
                                                  bool* put_back) {
  std::vector<base::Task<absl::Status>> deliveries;
  for (const Hint& hint : hints) deliveries.push_back(Deliver(target, hint, put_back));
  absl::Status all;
  for (const absl::Status& one : co_await base::WhenAll(std::move(deliveries))) {
    all.Update(one);
    if (all.ok()) ++*delivered;
  }
  co_return all;
}

base::Task<absl::Status> HintReplayer::Deliver(ring::NodeId target, const Hint& hint,
                                               bool* put_back) {
  HintMetrics& metrics = deps_.store.metrics();
  if (deps_.store.IsTooOld(hint.created_micros)) {
    metrics.dropped_old.Add();
    deps_.store.NeedsRepair(target, WriteMessage{.body = hint.body}, "a hint was too old");
    co_return absl::OkStatus();
  }
  WriteMessage write{.body = hint.body};
  const auto header = write.body.size() > kWriteTrailerBytes
                          ? data::PeekMutation(write.mutation())
                          : absl::DataLossError("malformed hint: too short");
  if (!header.ok() || deps_.cluster.Get()->schema().FindTable(header->table) == nullptr) {
    metrics.dropped_refused.Add();
    co_return absl::OkStatus();
  }
  const RequestEpochs::Holder on_its_way = deps_.enter();
  using Fate = Truncations::Fate;
  const Fate fate = deps_.truncations.FateOf(header->table, hint.created_micros, deps_.clock.Now());
  if (fate == Fate::kDrop) {
    metrics.dropped_truncated.Add();
    co_return absl::OkStatus();
  }
  if (fate == Fate::kWait) co_return absl::UnavailableError("its table is being truncated");
  write.token = header->key.token;
  const auto message = MessageOf(std::move(write));
  const absl::Status applied =
      co_await deps_.replicas.Apply(target, rpc::Verb::kHint, message,
                                    deps_.clock.Now() + deps_.store.options().delivery_time_max);
  if (applied.ok()) {
    metrics.delivered.Add();
    co_return absl::OkStatus();
  }
  if (absl::IsNotFound(applied)) {
    *put_back = true;
    co_return co_await deps_.store.Add(target, message, hint.created_micros);
  }
  // Its bytes are wrong for that node, for ever. All other errors may pass.
  if (absl::IsInvalidArgument(applied)) {
    metrics.dropped_refused.Add();
    deps_.log.Warning("hints", base::StrCat("node ", target.ToString(),
                                            " refuses a hint: ", base::ToStd(applied.message())));
    co_return absl::OkStatus();
  }
  if (deps_.faults.hints_not_awaited) co_return absl::OkStatus();
  co_return applied;
}

std::shared_ptr<const WriteMessage> HintReplayer::MessageOf(WriteMessage write) const {
  if (!deps_.faults.hints_expire_anew)
    return std::make_shared<const WriteMessage>(std::move(write));
  data::Mutation mutation = *data::DecodeMutation(write.mutation());
  RestartTtls(&mutation.update, deps_.clock.WallSeconds());
  return WriteMessage::Of(mutation);
}

bool HintReplayer::IsAlive(const ring::NodeId& node) const {
  return node == deps_.self || deps_.liveness.IsAlive(node);
}

}  // namespace tholos::coordinator
