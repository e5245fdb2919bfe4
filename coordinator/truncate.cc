#include "coordinator/truncate.h"

#include <utility>
#include <vector>

#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::coordinator {

void Truncater::RegisterWith(rpc::Transport& transport) {
  transport.Handle(rpc::Verb::kTruncate,
                   [this](rpc::Incoming message) { return Handle(std::move(message)); });
}

base::Task<absl::StatusOr<std::string>> Truncater::Handle(rpc::Incoming message) {
  const std::string_view body = message.body;
  const auto step = static_cast<Step>(body.empty() ? 255 : body[0]);
  const auto table = base::Uuid::FromBytes(body.substr(body.empty() ? 0 : 1));
  if (step > Step::kEmpty || !table.ok())
    co_return absl::DataLossError("malformed request to truncate a table");
  THOLOS_CO_RETURN_IF_ERROR(co_await StepHere(step, *table, message.deadline));
  co_return std::string();
}

// The note before the data: if this node dies in between, hints are lost that TRUNCATE would have
// removed from their targets a moment later.
base::Task<absl::Status> Truncater::StepHere(Step step, data::TableId table,
                                             base::Deadline deadline) {
  if (step == Step::kEmpty) {
    THOLOS_CO_RETURN_IF_ERROR(
        co_await deps_.truncations.Complete(table, deps_.clock.Now(), deadline));
    co_return co_await deps_.engine.Truncate(table, std::nullopt);
  }
  deps_.truncations.Begin(table, deps_.clock.WallMicros(), deadline);
  if (co_await deps_.settle(deadline)) co_return absl::OkStatus();
  co_return absl::DeadlineExceededError("earlier writes are still on their way");
}

base::Task<absl::Status> Truncater::StepAt(ring::NodeId node, Step step, data::TableId table,
                                           base::Deadline deadline) {
  if (node == deps_.self) co_return co_await StepHere(step, table, deadline);
  std::string body(1, static_cast<char>(step));
  body += table.AsBytes();
  co_return co_await deps_.replicas.Ask(
      node, {.verb = rpc::Verb::kTruncate, .body = std::move(body)}, deadline);
}

base::Task<absl::Status> Truncater::StepEverywhere(const ring::ClusterState& state, Step step,
                                                   data::TableId table, base::Deadline deadline) {
  std::vector<base::Task<absl::Status>> stepping;
  for (const auto& [id, node] : state.nodes())
    stepping.push_back(StepAt(id, step, table, deadline));
  absl::Status outcome;
  for (const absl::Status& one : co_await base::WhenAll(std::move(stepping))) outcome.Update(one);
  co_return outcome;
}

base::Task<absl::Status> Truncater::Truncate(data::TableId table, RequestOptions options) {
  // 1. Everybody must be there.
  const ring::ClusterState::Ptr state = deps_.cluster.Get();
  const auto alive = deps_.liveness.Snapshot();
  uint32_t living = 0;
  for (const auto& [id, node] : state->nodes()) {
    if (id == deps_.self || alive->contains(id)) ++living;
  }
  const auto all = static_cast<uint32_t>(state->nodes().size());
  if (living < all) {
    co_return base::MakeRequestError(
        {.kind = base::RequestErrorKind::kUnavailable,
         .write = true,
         .consistency = "ALL",
         .required = all,
         .alive = living},
        base::StrCat("TRUNCATE needs all nodes: ", living, " of ", all, " are alive"));
  }

  // 2. What was written before is where it belongs; then all of it goes.
  absl::Status outcome = co_await StepEverywhere(*state, Step::kSettle, table, options.deadline);
  const bool settled = outcome.ok();
  if (settled) {
    outcome = co_await StepEverywhere(*state, Step::kEmpty, table, options.deadline);
    if (outcome.ok()) co_return outcome;
  }
  co_return base::MakeRequestError(
      {.kind = base::RequestErrorKind::kTruncate},
      base::StrCat(settled ? "a node did not truncate the table, others may have: "
                           : "nothing was truncated, a node was not ready: ",
                   base::ToStd(outcome.message())));
}

}  // namespace tholos::coordinator
