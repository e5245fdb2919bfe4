// The commit log's segment files, byte by byte. Integers are little-endian.
// docs/format-commitlog.md has the same with examples.
//
//   segment = header, group*, rest         (zeros, or what a recycled segment held before)
//
//   header, 32 bytes
//     0  8  magic "THOLOSCL"
//     8  4  version, 1
//    12  4  shard
//    16  8  segment id (also the file's name, in decimal, 20 digits)
//    24  8  checksum of bytes 0..23
//
//   group, at offset o, a multiple of 8: what was written at once
//     0  8  checksum of bytes 8..31
//     8  8  checksum of the body
//    16  8  synced: segment id   \ the place up to which the log was known
//    24  4  synced: offset       / to be durable when this group was written
//    28  4  body length n, at least 1
//    32  n  body: records, each {varint length, bytes}
//   32+n    zeros up to the next multiple of 8
//
// The checksums are XXH3-64. Those of a group are seeded with its segment id and offset, so that
// what an earlier life of a recycled file left behind, and a group written to the wrong place, do
// not verify.
//
// What a group that does not verify means. `synced` never lies: what is before it was durable when
// the group was written. Behind it a crash may lose, tear or reorder anything; nobody was told that
// it survives a power loss. In mode batch that is the last group alone, since group k+1 is written
// only after the sync of group k returned OK:
//
//   | group k-2 | group k-1 | group k: any part of it |  nothing valid behind it
//     durable     durable     torn tail
//
// and in mode periodic it is everything since the last sync; of valid groups behind a bad one those
// are ignored that do not say that the bad place was durable:
//
//   | group 1 | group 2 | bad | group 4, synced: end of 1 |       torn tail: the log ends at 2
//   | group 1 | group 2 | bad | group 5, synced: end of 4 |       corruption
//
// A bad place that a valid group, later in the segment or first in a later segment, says was
// durable is corruption: acknowledged records were there. (A last group that rots after its
// acknowledgement looks like a torn tail: that one cannot be told.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/commitlog/log_position.h"

namespace tholos::storage {

inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kGroupHeaderBytes = 32;
inline constexpr uint32_t kSegmentVersion = 1;
// Offsets are 32 bits on disk.
inline constexpr uint64_t kSegmentBytesMax = uint64_t{1} << 31;

struct SegmentHeader {
  uint32_t version = kSegmentVersion;
  uint32_t shard = 0;
  uint64_t segment = 0;
};
std::string EncodeSegmentHeader(const SegmentHeader& header);
// Nothing if magic or checksum are wrong. Any version and shard are returned for the caller to
// judge.
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

std::string SegmentFileName(uint64_t segment);
std::optional<uint64_t> ParseSegmentFileName(std::string_view name);

// Building a group in place: StartGroup, AppendRecord at least once, FinishGroup. `*group` may hold
// an old one, whose memory is used again.
void StartGroup(std::string* group);
// Bytes that a record of `n` bytes takes, at most.
inline size_t RecordBytesBound(size_t n) { return n + 5; }
void AppendRecord(std::string_view record, std::string* group);
// Fills the header in and pads. `place` is where the group will be written.
void FinishGroup(LogPosition place, LogPosition synced, std::string* group);

// One group as found in a segment; `body` points into the scanned bytes.
struct ScannedGroup {
  uint64_t offset = 0;
  uint64_t end = 0;  // of its padding
  LogPosition synced;
  std::string_view body;
};

// What a segment file holds, judged by its own bytes alone.
struct SegmentScan {
  std::optional<SegmentHeader> header;
  std::vector<ScannedGroup> groups;  // valid ones, without a gap, from the front
  uint64_t end =
      kSegmentHeaderBytes;  // of the last of them: where the first bad place or the free space is
  // A group header that verifies beyond `end` and says that what is at `end` was durable: damage.
  std::optional<uint64_t> evidence_beyond;
};
SegmentScan ScanSegment(std::string_view bytes, uint64_t segment);

// Splits a verified body. kDataLoss if it is malformed all the same.
absl::StatusOr<std::vector<std::string_view>> SplitRecords(std::string_view body);

}  // namespace tholos::storage
