#include "coordinator/requests.h"

#include <algorithm>

#include "base/errors.h"

namespace tholos::coordinator {

absl::StatusOr<std::string> KeyspaceOf(const ring::ClusterState& state,
                                       const data::TableId& table) {
  const auto schema = state.schema().FindTable(table);
  if (schema == nullptr) {
    return base::InvalidRequest(absl::StrCat("there is no table with id ", table.ToString()));
  }
  return schema->keyspace;
}

base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline) {
  return std::min(deadline, shard.clock.Now() + shard.options.request_time_max);
}

absl::Status Stopping() { return base::Overloaded("the node is stopping"); }

}  // namespace tholos::coordinator
