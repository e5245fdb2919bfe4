#include "data/counter.h"

#include <algorithm>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/data_type.h"

namespace tholos::data {
namespace {

constexpr size_t kHostBytes = 16;
constexpr size_t kCountBytes = 8;

// As the bytes of a counter wrap around.
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

Cell EncodeCounterShard(ColumnId column, const CounterShard& shard) {
  return Cell::Value(column, shard.clock, EncodeBigint(shard.count))
      .At(std::string(shard.host.AsBytes()));
}

absl::StatusOr<CounterShard> DecodeCounterShard(const Cell& cell) {
  if (cell.tombstone || cell.expiring() || cell.path.size() != kHostBytes ||
      cell.value.size() != kCountBytes) {
    return absl::DataLossError(base::StrCat("malformed counter shard in column ", cell.column));
  }
  return CounterShard{*base::Uuid::FromBytes(cell.path), cell.timestamp, DecodeBigint(cell.value)};
}

absl::StatusOr<std::optional<int64_t>> CounterValue(std::span<const Cell> cells) {
  std::optional<int64_t> value;
  for (const Cell& cell : cells) {
    if (cell.tombstone) continue;
    THOLOS_ASSIGN_OR_RETURN(const CounterShard shard, DecodeCounterShard(cell));
    value = Sum(value.value_or(0), shard.count);
  }
  return value;
}

absl::StatusOr<CounterShard> NextShard(const Row& row, ColumnId column, const Deletion& covering,
                                       const base::Uuid& host, int64_t delta,
                                       Timestamp now_micros) {
  CounterShard next{.host = host, .clock = now_micros, .count = delta};
  const auto beyond = [&next](Timestamp timestamp) {
    if (timestamp != kNoTimestamp) next.clock = std::max(next.clock, Sum(timestamp, 1));
  };
  beyond(covering.timestamp);
  beyond(row.deletion.timestamp);
  beyond(row.ComplexDeletionOf(column).timestamp);
  const Cell* last = row.Find(column, host.AsBytes());
  if (last == nullptr) return next;
  beyond(last->timestamp);
  if (last->tombstone) return next;
  THOLOS_ASSIGN_OR_RETURN(const CounterShard shard, DecodeCounterShard(*last));
  next.count = Sum(shard.count, delta);
  return next;
}

}  // namespace tholos::data
