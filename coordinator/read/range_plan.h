// The pieces of a range read: parts of the token space that have one replica set, in token order.
// Pure.
#pragma once

#include <optional>
#include <vector>

#include "data/read.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// `ranges` (ClusterState::Ranges) cut to `asked`, from `after` on; neighbours with the same
// replicas, in whatever order, are one piece.
std::vector<ring::RangeReplicas> RangePieces(const std::vector<ring::RangeReplicas>& ranges,
                                             data::TokenRange asked,
                                             const std::optional<data::Position>& after);

// `command` for one piece: `after` only where it lies inside.
data::ReadCommand CommandForPiece(const data::ReadCommand& command, const data::TokenRange& piece);

}  // namespace tholos::coordinator
