// Inclusive intervals of tokens: what part of an SSTable a shard holds, and how outputs are split.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "data/key.h"
#include "data/read.h"

namespace tholos::sstable {

struct TokenInterval {
  data::Token first = std::numeric_limits<data::Token>::min();
  data::Token last = std::numeric_limits<data::Token>::max();

  static TokenInterval All() { return {}; }
  bool Contains(data::Token token) const { return first <= token && token <= last; }
  bool Contains(const TokenInterval& other) const {
    return first <= other.first && other.last <= last;
  }
  bool Overlaps(const TokenInterval& other) const {
    return first <= other.last && other.first <= last;
  }
  // Tokens in it.
  double width() const {
    return static_cast<double>(static_cast<uint64_t>(last) - static_cast<uint64_t>(first)) + 1;
  }
  friend bool operator==(const TokenInterval&, const TokenInterval&) = default;
  friend auto operator<=>(const TokenInterval&, const TokenInterval&) = default;
};

std::optional<TokenInterval> Intersection(const TokenInterval& a, const TokenInterval& b);

// Ascending and disjoint; adjacent ones need not be joined.
using TokenIntervals = std::vector<TokenInterval>;
TokenIntervals Intersection(const TokenIntervals& intervals, const TokenInterval& with);
TokenIntervals Without(const TokenIntervals& intervals, const TokenInterval& removed);

// Between intervals and the ranges that reads select (read.h).
data::TokenRange RangeOf(const TokenInterval& interval);
TokenInterval IntervalOf(const data::TokenRange& range);

// Part `index` of `count` equal parts of all tokens: what base::ShardOfToken maps to `index`.
TokenInterval PartOfTokens(uint32_t index, uint32_t count);
// The first tokens of the parts 1 .. count - 1 of `whole` in equal parts, ascending.
std::vector<data::Token> SplitPoints(const TokenInterval& whole, uint32_t count);

}  // namespace tholos::sstable
