#include "data/read.h"

#include <algorithm>

namespace tholos::data {

Token ReadCommand::RoutingToken() const {
  if (key.has_value()) return key->token;
  return range.start == std::numeric_limits<Token>::max() ? range.start : range.start + 1;
}

uint32_t CountLiveRows(const ReadResult& result, int64_t now_seconds) {
  int64_t count = 0;
  for (const Partition& partition : result.partitions) {
    const int64_t rows =
        std::count_if(partition.rows.begin(), partition.rows.end(),
                      [now_seconds](const Row& row) { return row.LiveAt(now_seconds); });
    const bool static_only =
        rows == 0 && partition.static_row.has_value() && partition.static_row->LiveAt(now_seconds);
    count += static_only ? 1 : rows;
  }
  return static_cast<uint32_t>(count);
}

uint64_t CountBytesOfRange(std::string_view at) { return sizeof(RangeTombstone) + at.size(); }

uint64_t CountBytes(const ReadResult& result, bool reversed) {
  uint64_t bytes = 0;
  for (const Partition& partition : result.partitions) {
    bytes += partition.key.key.size();
    if (partition.static_row.has_value()) bytes += ApproximateBytes(*partition.static_row);
    for (const RangeTombstone& each : partition.range_tombstones) {
      bytes += CountBytesOfRange(reversed ? each.range.upper : each.range.lower);
    }
    for (const Row& row : partition.rows) bytes += ApproximateBytes(row);
  }
  return bytes;
}

std::optional<Position> LastPosition(const ReadResult& result) {
  if (result.end.has_value()) return result.end;
  if (result.partitions.empty()) return std::nullopt;
  const Partition& last = result.partitions.back();
  Position position{.key = last.key};
  if (!last.rows.empty()) position.clustering = last.rows.back().clustering;
  return position;
}

base::Hash128 DigestOf(const ReadResult& result) {
  return base::ContentHash128(EncodeReadResult(result));
}

}  // namespace tholos::data
