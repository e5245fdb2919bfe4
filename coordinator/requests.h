// What writes and reads have in common.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/shard_context.h"
#include "data/schema/schema.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// kInvalid if there is no such table (it was dropped).
absl::StatusOr<std::string> KeyspaceOf(const ring::ClusterState& state, const data::TableId& table);

// Not further away than options.request_time_max.
base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline);

// The answer once Stop was called: nothing was sent.
absl::Status Stopping();

}  // namespace tholos::coordinator
