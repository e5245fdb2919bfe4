#include "coordinator/read/range_plan.h"

#include <algorithm>
#include <limits>

namespace tholos::coordinator {
namespace {

using data::kMinToken;
using data::Token;
using data::TokenRange;

bool EndsBefore(Token end, Token token) { return end != kMinToken && end < token; }

std::optional<TokenRange> Intersect(const TokenRange& a, const TokenRange& b) {
  TokenRange both{.start = std::max(a.start, b.start)};
  if (a.end == kMinToken || b.end == kMinToken) {
    both.end = a.end == kMinToken ? b.end : a.end;
  } else {
    both.end = std::min(a.end, b.end);
  }
  if (both.end != kMinToken && both.end <= both.start) return std::nullopt;
  return both;
}

bool SameReplicas(ring::ReplicaSet a, ring::ReplicaSet b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

}  // namespace

std::vector<ring::RangeReplicas> RangePieces(const std::vector<ring::RangeReplicas>& ranges,
                                             TokenRange asked,
                                             const std::optional<data::Position>& after) {
  if (asked.start == asked.end) asked = TokenRange{};
  // Partitions with the position's own token, but a greater key, may follow it.
  if (after.has_value() && after->key.token > kMinToken) {
    if (EndsBefore(asked.end, after->key.token)) return {};
    asked.start = std::max(asked.start, after->key.token - 1);
  }
  std::vector<ring::RangeReplicas> pieces;
  for (const ring::RangeReplicas& range : ranges) {
    const std::optional<TokenRange> part = Intersect(range.range, asked);
    if (!part.has_value() || part->start == std::numeric_limits<Token>::max()) continue;
    if (!pieces.empty() && pieces.back().range.end == part->start &&
        SameReplicas(pieces.back().replicas, range.replicas)) {
      pieces.back().range.end = part->end;
    } else {
      pieces.push_back({*part, range.replicas});
    }
  }
  return pieces;
}

data::ReadCommand CommandForPiece(const data::ReadCommand& command, const TokenRange& piece) {
  data::ReadCommand part = command;
  part.range = piece;
  const bool inside = part.after.has_value() && piece.Contains(part.after->key.token);
  if (!inside || IsStartOfToken(*part.after)) part.after.reset();
  return part;
}

data::Position StartOfToken(data::Token token) { return {.key = {token, ""}}; }

bool IsStartOfToken(const data::Position& position) { return position.key.key.empty(); }

}  // namespace tholos::coordinator
