#include "node/grpc/repair_calls.h"

#include <optional>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/coordinator_impl.h"
#include "coordinator/repair/range_repair.h"
#include "proto/tholos/v1/admin.pb.h"

namespace tholos::node {
namespace {

// Of one step: short enough for whoever drives it to see that it moves.
constexpr absl::Duration kStepTime = absl::Seconds(8);

absl::StatusOr<base::Uuid> ParseId(std::string_view what, const std::string& text) {
  const auto id = base::Uuid::Parse(text);
  if (!id.ok()) return base::InvalidRequest(base::StrCat(what, " '", text, "' is no UUID"));
  return *id;
}

}  // namespace

base::Task<absl::Status> FillRepairNeeds(Node& node, v1::ListRepairNeedsResponse& response) {
  const ring::ClusterState::Ptr cluster = node.cluster();
  for (const coordinator::RepairNeed& need : node.coordinator().repair_needs().List()) {
    v1::RepairNeed* message = response.add_needs();
    message->set_host_id(need.node.ToString());
    if (need.table != data::TableId()) {
      message->set_table_id(need.table.ToString());
      if (const auto table = cluster->schema().FindTable(need.table); table != nullptr) {
        message->set_keyspace(table->keyspace);
        message->set_table(table->name);
      }
    }
    message->set_start(need.range.start);
    message->set_end(need.range.end);
    message->set_since_micros(need.since_micros);
    message->set_why(need.why);
    message->set_noted(need.noted);
  }
  co_return absl::OkStatus();
}

base::Task<absl::Status> RunClearRepairNeed(Node& node, const v1::RepairNeed& request) {
  coordinator::RepairNeed need{.range = {request.start(), request.end()}, .noted = request.noted()};
  THOLOS_CO_ASSIGN_OR_RETURN(need.node, ParseId("host id", request.host_id()));
  if (!request.table_id().empty()) {
    THOLOS_CO_ASSIGN_OR_RETURN(need.table, ParseId("table id", request.table_id()));
  }
  co_return co_await node.coordinator().repair_needs().Clear(std::move(need));
}

base::Task<absl::Status> RunRepairRange(Node& node, const base::Clock& clock,
                                        const v1::RepairRangeRequest& request,
                                        v1::RepairRangeResponse& response) {
  const auto table = node.cluster()->schema().FindTable(request.keyspace(), request.table());
  if (table == nullptr) {
    co_return base::InvalidRequest(
        base::StrCat("there is no table ", request.keyspace(), ".", request.table()));
  }
  if (request.start() > request.end() && request.end() != data::kMinToken) {
    co_return base::InvalidRequest(
        base::StrCat("the range (", request.start(), ", ", request.end(), "] is empty"));
  }
  coordinator::RangeRepair repair{
      .table = table->id, .range = {request.start(), request.end()}, .cursor = request.cursor()};
  if (!request.host_id().empty()) {
    THOLOS_CO_ASSIGN_OR_RETURN(repair.node, ParseId("host id", request.host_id()));
  }
  THOLOS_CO_ASSIGN_OR_RETURN(
      const coordinator::RangeRepairStep step,
      co_await coordinator::RepairSome(node.coordinator(), node.cluster(), clock, std::move(repair),
                                       clock.Now() + kStepTime));
  response.set_partitions(step.partitions);
  response.set_rows(step.rows);
  response.set_bytes(step.bytes);
  response.set_repaired(step.repaired);
  response.set_cursor(step.cursor);
  co_return absl::OkStatus();
}

}  // namespace tholos::node
