// The calls of tholos.v1.Admin about ranges that need repair. On shard 0; the messages outlive them.
#pragma once

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "node/node.h"

namespace tholos::v1 {
class ListRepairNeedsResponse;
class RepairNeed;
class RepairRangeRequest;
class RepairRangeResponse;
}  // namespace tholos::v1

namespace tholos::node {

base::Task<absl::Status> FillRepairNeeds(Node& node, v1::ListRepairNeedsResponse& response);
base::Task<absl::Status> RunClearRepairNeed(Node& node, const v1::RepairNeed& request);
base::Task<absl::Status> RunRepairRange(Node& node, const base::Clock& clock,
                                        const v1::RepairRangeRequest& request,
                                        v1::RepairRangeResponse& response);

}  // namespace tholos::node
