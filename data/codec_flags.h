// The flags of the flat encoding (codec.h), for those who read it without decoding it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tholos::data {

inline constexpr uint8_t kCodecVersion = 1;

enum PartitionFlags : uint8_t {
  kPartitionDeletion = 0x01,
  kStaticRow = 0x02,
  kRangeTombstones = 0x04,
  kPartitionFlagsAll = 0x07,
};

enum RowFlags : uint8_t {
  kLiveness = 0x01,
  kLivenessExpires = 0x02,
  kRowDeletion = 0x04,
  kCells = 0x08,
  kComplexDeletions = 0x10,
  kPaths = 0x20,
  kRowFlagsAll = 0x3F,
};

enum CellFlags : uint8_t {
  kOwnTimestamp = 0x01,
  kTombstone = 0x02,
  kOwnTtl = 0x04,
  kTtlOfLiveness = 0x08,
  kPath = 0x10,
};
inline constexpr int kCellFlagBits = 4;
inline constexpr int kPathCellFlagBits = 5;  // in rows with kPaths

// The smallest encodings: of a row, an empty key and flags; of a cell, a header and a length or
// moment; of a partition, an empty key, flags and a row count; of a range, two empty bounds and a
// deletion.
inline constexpr size_t kRowBytesMin = 2;
inline constexpr size_t kCellBytesMin = 1;
inline constexpr size_t kComplexBytesMin = 3;
inline constexpr size_t kRangeBytesMin = 4;
inline constexpr size_t kPartitionBytesMin = 3;

}  // namespace tholos::data
