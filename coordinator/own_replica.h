// The short way: this node's own replica answers a request alone.
//
// ReplicaPlan puts this node first among the replicas. Where one answer is enough and this node has
// a copy, the general way would ask it and nobody else; here it is asked without plan, message and
// round. What this changes is cost only:
//
//   a read    the engine has its row in memory and answers at once. Otherwise nothing was begun,
//   and
//             the general way goes on, with others to ask if this disk is slow.
//   a write   this node's replica is the only one. An error goes the general way.
//
// Not for traced requests, nor for what is counted in several groups or decided by agreement
// (EACH_QUORUM, SERIAL), nor for ANY.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/shard_context.h"

namespace tholos::coordinator {

// Whether one answer is enough and this node has a copy of `token`. `only`: and nobody else does or
// will have one.
bool OwnReplicaIsEnough(const ShardContext& shard, const ring::ClusterState& state,
                        std::string_view keyspace, data::Token token, ConsistencyLevel level,
                        bool only);

// Nothing: go the general way. `command.now_seconds` is set.
std::optional<ReadPage> ReadOwnReplica(ShardContext& shard, const data::ReadCommand& command,
                                       const RequestOptions& options);

// OK: durable. Returns at `deadline` at the latest; the mutation may be applied after that.
base::Task<absl::Status> WriteOwnReplica(ShardContext& shard, std::string encoded_mutation,
                                         base::Semaphore::Units room, base::Deadline deadline);

}  // namespace tholos::coordinator
