#include "sstable/compaction/token_interval.h"

#include <algorithm>

#include "base/check.h"

namespace tholos::sstable {
namespace {

// Tokens in order as unsigned numbers.
uint64_t Ordinal(data::Token token) { return static_cast<uint64_t>(token) ^ (uint64_t{1} << 63); }
data::Token TokenAt(uint64_t ordinal) {
  return static_cast<data::Token>(ordinal ^ (uint64_t{1} << 63));
}

}  // namespace

std::optional<TokenInterval> Intersection(const TokenInterval& a, const TokenInterval& b) {
  if (!a.Overlaps(b)) return std::nullopt;
  return TokenInterval{std::max(a.first, b.first), std::min(a.last, b.last)};
}

TokenIntervals Intersection(const TokenIntervals& intervals, const TokenInterval& with) {
  TokenIntervals out;
  for (const TokenInterval& interval : intervals) {
    if (auto common = Intersection(interval, with); common.has_value()) out.push_back(*common);
  }
  return out;
}

TokenIntervals Without(const TokenIntervals& intervals, const TokenInterval& removed) {
  TokenIntervals out;
  for (const TokenInterval& interval : intervals) {
    if (!interval.Overlaps(removed)) {
      out.push_back(interval);
      continue;
    }
    if (interval.first < removed.first) out.push_back({interval.first, removed.first - 1});
    if (interval.last > removed.last) out.push_back({removed.last + 1, interval.last});
  }
  return out;
}

data::TokenRange RangeOf(const TokenInterval& interval) {
  constexpr data::Token kMax = std::numeric_limits<data::Token>::max();
  return {.start = interval.first == data::kMinToken ? data::kMinToken : interval.first - 1,
          .end = interval.last == kMax ? data::kMinToken : interval.last};
}

TokenInterval IntervalOf(const data::TokenRange& range) {
  if (range.start == range.end) return TokenInterval::All();
  TokenInterval interval;
  if (range.start != data::kMinToken) interval.first = range.start + 1;
  if (range.end != data::kMinToken) interval.last = range.end;
  return interval;
}

TokenInterval PartOfTokens(uint32_t index, uint32_t count) {
  THOLOS_CHECK(index < count);
  // The smallest ordinal o with o * count / 2^64 >= i is ceil(i * 2^64 / count).
  const auto start = [count](uint32_t i) {
    const unsigned __int128 scaled = static_cast<unsigned __int128>(i) << 64;
    return (scaled + count - 1) / count;
  };
  return {TokenAt(static_cast<uint64_t>(start(index))),
          TokenAt(static_cast<uint64_t>(start(index + 1) - 1))};
}

std::vector<data::Token> SplitPoints(const TokenInterval& whole, uint32_t count) {
  std::vector<data::Token> points;
  const uint64_t first = Ordinal(whole.first);
  const unsigned __int128 width = static_cast<unsigned __int128>(Ordinal(whole.last) - first) + 1;
  for (uint32_t i = 1; i < count; ++i) {
    const data::Token point = TokenAt(first + static_cast<uint64_t>(width * i / count));
    if (point > whole.first && (points.empty() || point > points.back())) points.push_back(point);
  }
  return points;
}

}  // namespace tholos::sstable
