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

// The place before all partitions with `token`, where a piece ends that ends before it.
data::Position StartOfToken(data::Token token);
bool IsStartOfToken(const data::Position& position);

// `command` for one piece: `after` only where it is a partition's place inside of it. (A piece that
// RangePieces made begins where a start of a token is.)
data::ReadCommand CommandForPiece(const data::ReadCommand& command, const data::TokenRange& piece);

}  // namespace tholos::coordinator
