#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "data/codec.h"
#include "data/read.h"

namespace tholos::data {
namespace {

constexpr uint8_t kVersion = 2;

enum CommandFlags : uint8_t {
  kOneKey = 0x01,
  kReversed = 0x02,
  kAfter = 0x04,
  kAfterClustering = 0x08,
  kBytesMax = 0x10,
  kCommandFlagsAll = 0x1F,
};

enum ResultFlags : uint8_t {
  kMore = 0x01,
  kDescending = 0x02,
  kEnd = 0x04,
  kEndClustering = 0x08,
  kNeeded = 0x10,
  kResultFlagsAll = 0x1F,
};

constexpr size_t kSliceBytesMin = 2;
constexpr size_t kPartitionBytesMin = 3;
constexpr size_t kReservedMax = 256;
constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

std::string TakeBounded(base::Reader* in, size_t bytes_max) {
  const std::string_view bytes = in->Bytes();
  if (bytes.size() > bytes_max) in->Fail();
  return std::string(bytes);
}

uint32_t TakeLimit(base::Reader* in) {
  const uint64_t limit = in->Varint();
  if (limit > std::numeric_limits<uint32_t>::max()) in->Fail();
  return static_cast<uint32_t>(limit);
}

TokenRange TakeRange(base::Reader* in) {
  TokenRange range;
  range.start = static_cast<Token>(in->Fixed64());
  range.end = static_cast<Token>(in->Fixed64());
  if (range.end != kMinToken && range.start >= range.end) in->Fail();
  return range;
}

std::vector<Slice> TakeSlices(base::Reader* in) {
  const size_t count = in->Count(kSliceBytesMin);
  std::vector<Slice> slices;
  slices.reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in->ok(); ++i) {
    Slice slice{.lower = TakeBounded(in, kBoundBytesMax), .upper = TakeBounded(in, kBoundBytesMax)};
    if (!slice.upper.empty() && slice.lower >= slice.upper) in->Fail();
    if (i > 0 && (slices.back().upper.empty() || slices.back().upper > slice.lower)) in->Fail();
    slices.push_back(std::move(slice));
  }
  return slices;
}

Position TakePosition(base::Reader* in, bool with_clustering) {
  Position position{.key = DecoratedKey::Of(TakeBounded(in, kKeyBytesMax))};
  if (with_clustering) position.clustering = TakeBounded(in, kBoundBytesMax);
  return position;
}

bool HasDescendingRows(const Partition& partition) {
  return partition.rows.size() > 1 && partition.rows[1].clustering < partition.rows[0].clustering;
}

}  // namespace

std::string EncodeReadCommand(const ReadCommand& command) {
  std::string out;
  base::PutU8(&out, kVersion);
  out.append(command.table.AsBytes());
  uint8_t flags = 0;
  if (command.key.has_value()) flags |= kOneKey;
  if (command.reversed) flags |= kReversed;
  if (command.after.has_value()) flags |= kAfter;
  if (command.after.has_value() && command.after->clustering.has_value()) flags |= kAfterClustering;
  if (command.bytes_max != kUnlimited) flags |= kBytesMax;
  base::PutU8(&out, flags);
  if (command.key.has_value()) {
    base::PutBytes(&out, command.key->key);
  } else {
    base::PutFixed64(&out, static_cast<uint64_t>(command.range.start));
    base::PutFixed64(&out, static_cast<uint64_t>(command.range.end));
  }
  base::PutVarint(&out, command.slices.size());
  for (const Slice& slice : command.slices) {
    base::PutBytes(&out, slice.lower);
    base::PutBytes(&out, slice.upper);
  }
  if ((flags & kAfter) != 0) base::PutBytes(&out, command.after->key.key);
  if ((flags & kAfterClustering) != 0) base::PutBytes(&out, *command.after->clustering);
  base::PutVarint(&out, command.row_limit);
  base::PutVarint(&out, command.per_partition_limit);
  base::PutVarint(&out, command.bytes_limit);
  if ((flags & kBytesMax) != 0) base::PutVarint(&out, command.bytes_max);
  base::PutSignedVarint(&out, command.now_seconds);
  return out;
}

absl::StatusOr<ReadCommand> DecodeReadCommand(std::string_view bytes) {
  base::Reader in(bytes);
  ReadCommand command;
  if (in.U8() != kVersion) in.Fail();
  const std::string_view table = in.Raw(16);
  const uint8_t flags = in.U8();
  if ((flags & ~kCommandFlagsAll) != 0) in.Fail();
  if ((flags & kAfterClustering) != 0 && (flags & kAfter) == 0) in.Fail();
  THOLOS_RETURN_IF_ERROR(in.status("read command"));
  command.table = *base::Uuid::FromBytes(table);
  command.reversed = (flags & kReversed) != 0;
  if ((flags & kOneKey) != 0) {
    command.key = DecoratedKey::Of(TakeBounded(&in, kKeyBytesMax));
  } else {
    command.range = TakeRange(&in);
  }
  command.slices = TakeSlices(&in);
  if ((flags & kAfter) != 0) command.after = TakePosition(&in, (flags & kAfterClustering) != 0);
  command.row_limit = TakeLimit(&in);
  command.per_partition_limit = TakeLimit(&in);
  command.bytes_limit = in.Varint();
  if ((flags & kBytesMax) != 0) command.bytes_max = in.Varint();
  command.now_seconds = in.SignedVarint();
  if (in.remaining() != 0) in.Fail();
  THOLOS_RETURN_IF_ERROR(in.status("read command"));
  return command;
}

std::string EncodeReadResult(const ReadResult& result) {
  std::string out;
  base::PutU8(&out, kVersion);
  uint8_t flags = 0;
  if (result.more) flags |= kMore;
  if (std::any_of(result.partitions.begin(), result.partitions.end(), HasDescendingRows)) {
    flags |= kDescending;
  }
  const std::optional<Position>& end = result.end;
  if (end.has_value()) {
    THOLOS_CHECK(!result.partitions.empty() && end->key == result.partitions.back().key);
    flags |= kEnd;
    if (end->clustering.has_value()) flags |= kEndClustering;
  }
  if (result.needed != 0) {
    THOLOS_CHECK(result.more && result.partitions.empty());
    flags |= kNeeded;
  }
  base::PutU8(&out, flags);
  base::PutVarint(&out, result.partitions.size());
  for (const Partition& partition : result.partitions) EncodePartition(partition, &out);
  if ((flags & kEndClustering) != 0) base::PutBytes(&out, *end->clustering);
  if ((flags & kNeeded) != 0) base::PutVarint(&out, result.needed);
  return out;
}

absl::StatusOr<ReadResult> DecodeReadResult(std::string_view bytes) {
  base::Reader in(bytes);
  ReadResult result;
  if (in.U8() != kVersion) in.Fail();
  const uint8_t flags = in.U8();
  if ((flags & ~kResultFlagsAll) != 0) in.Fail();
  result.more = (flags & kMore) != 0;
  const RowOrder order = (flags & kDescending) != 0 ? RowOrder::kDescending : RowOrder::kAscending;
  const size_t count = in.Count(kPartitionBytesMin);
  result.partitions.reserve(std::min(count, kReservedMax));
  for (size_t i = 0; i < count && in.ok(); ++i) {
    if (!DecodePartition(&in, &result.partitions.emplace_back(), order).ok()) break;
    if (i > 0 && result.partitions[i - 1].key >= result.partitions[i].key) in.Fail();
  }
  if ((flags & kEndClustering) != 0 && (flags & kEnd) == 0) in.Fail();
  if ((flags & kEnd) != 0) {
    if (result.partitions.empty()) {
      in.Fail();
    } else {
      result.end.emplace().key = result.partitions.back().key;
    }
    if ((flags & kEndClustering) != 0 && in.ok()) {
      result.end->clustering = TakeBounded(&in, kBoundBytesMax);
    }
  }
  if ((flags & kNeeded) != 0) {
    result.needed = in.Varint();
    if (result.needed == 0 || !result.more || !result.partitions.empty()) in.Fail();
  }
  if (in.remaining() != 0) in.Fail();
  THOLOS_RETURN_IF_ERROR(in.status("read result"));
  return result;
}

}  // namespace tholos::data
