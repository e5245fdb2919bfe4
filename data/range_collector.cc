#include "data/range_collector.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tholos::data {

void RangeCollector::Add(DeletionChange change) {
  THOLOS_CHECK(!reversed_ || !change.at.empty() || (!open() && closed_.empty()))
      << "a change above everything comes first";
  if (open()) Close(change.at);
  open_ = std::move(change);
}

void RangeCollector::Close(std::string at) {
  Slice range{.lower = std::move(open_.at), .upper = std::move(at)};
  if (reversed_) std::swap(range.lower, range.upper);
  if (!range.IsEmpty()) closed_.push_back({std::move(range), open_.deletion});
  open_ = {};
}

RangeTombstones RangeCollector::Finish(std::optional<std::string_view> last) {
  if (open()) {
    if (last.has_value()) {
      Close(reversed_ ? std::string(*last) : Behind(*last));
    } else {
      Close("");
    }
  }
  RangeTombstones collected = std::exchange(closed_, {});
  if (reversed_) std::reverse(collected.begin(), collected.end());
  RangeTombstones joined;
  joined.reserve(collected.size());
  for (RangeTombstone& each : collected) {
    AppendRange(std::move(each.range), each.deletion, &joined);
  }
  return joined;
}

}  // namespace tholos::data
