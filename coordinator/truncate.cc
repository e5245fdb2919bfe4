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
  const auto table = base::Uuid::FromBytes(message.body);
  if (!table.ok()) co_return absl::DataLossError("malformed id of a table to truncate");
  THOLOS_CO_RETURN_IF_ERROR(co_await TruncateHere(*table, message.deadline));
  co_return std::string();
}

// The note first: if this node dies in between, hints are lost that TRUNCATE would have removed
// from their targets a moment later.
base::Task<absl::Status> Truncater::TruncateHere(data::TableId table, base::Deadline deadline) {
  THOLOS_CO_RETURN_IF_ERROR(
      co_await deps_.truncations.Note(table, deps_.clock.WallMicros(), deadline));
  co_return co_await deps_.engine.Truncate(table, std::nullopt);
}

base::Task<absl::Status> Truncater::TruncateAt(ring::NodeId node, data::TableId table,
                                               base::Deadline deadline) {
  if (node == deps_.self) co_return co_await TruncateHere(table, deadline);
  co_return co_await deps_.replicas.Ask(
      node, {.verb = rpc::Verb::kTruncate, .body = std::string(table.AsBytes())}, deadline);
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

  // 2. Side by side.
  std::vector<base::Task<absl::Status>> truncating;
  for (const auto& [id, node] : state->nodes())
    truncating.push_back(TruncateAt(id, table, options.deadline));
  absl::Status outcome;
  for (const absl::Status& one : co_await base::WhenAll(std::move(truncating))) outcome.Update(one);
  if (outcome.ok()) co_return outcome;
  co_return base::MakeRequestError(
      {.kind = base::RequestErrorKind::kTruncate},
      base::StrCat("a node did not truncate the table, others may have: ",
                   base::ToStd(outcome.message())));
}

}  // namespace tholos::coordinator
