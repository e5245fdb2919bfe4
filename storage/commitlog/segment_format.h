// The commit log's segment files, byte by byte. Integers are little-endian; checksums are XXH3-64.
// docs/format-commitlog.md has the same with examples.
//
//   file = sectors of 512 bytes; sector number s (from 0)
//     0  504  bytes 504 s .. 504 s + 503 of the stream
//   504    8  checksum of these, seeded with s
//     Written in blocks of 8: with a group full sectors before it as they are, zeros behind it.
//
//   stream = header, group*, rest          (zeros, or what a recycled segment held before)
//
//   header, 40 bytes
//     0  8  magic "THOLOSCL"
//     8  4  version, 2
//    12  4  shard
//    16  8  segment id (also the file's name, in decimal, 20 digits)
//    24  4  flags: 0x01 each group was written after a sync of the one before (mode batch)
//    28  4  zero
//    32  8  checksum of bytes 0..31
//
//   group, at offset o of the stream, a multiple of 8: what was written at once
//     0  8  checksum of bytes 8..31
//     8  8  checksum of the body
//    16  8  synced: segment id   \ the place up to which the log was known
//    24  4  synced: offset       / to be durable when this group was written
//    28  4  body length n, at least 1
//    32  n  body: records, each {varint length, bytes}
//   32+n    zeros up to the next multiple of 8
//
// The checksums of a group are seeded with its segment id and offset, so that what an earlier life
// of a recycled file left behind, and a group written to the wrong place, do not verify.
//
// A group that does not verify is a torn tail or damage. Two things tell.
//
// 1. What later groups say. `synced` never lies: what is before it was durable when the group was
// written. Behind it a crash may lose, tear or reorder anything; nobody was told that it survives a
// power loss. In mode batch that is the last group alone, since group k+1 is written only after the
// sync of group k returned OK:
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
// durable is corruption: acknowledged records were there.
//
// 2. For the last group, of which no later one speaks: its sectors. A disk writes a sector as a
// whole or not at all, so a crash leaves each as it was written in this life of the file, or as it
// was before: as an earlier life wrote it, or never written (all zeros). All of these verify. A
// sector that does not was damaged after it was written:
//
//   group k:  | new | new | old | new |         torn tail: the crash cut the write short
//             | new | new | bad | new |         corruption, group k may have been acknowledged
//
// This needs what mode batch gives: no sector is written to while it is on its way to the disk.
// Where syncs run beside writes (mode periodic) a crash may leave a mixture in a sector; there
// sectors decide nothing. What looks like a torn tail and is none: sectors of the last group that
// the disk reported as written and has not, or has lost as a whole.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "base/file_system.h"
#include "storage/commitlog/log_position.h"

namespace tholos::storage {

inline constexpr size_t kSectorBytes = 512;
inline constexpr size_t kSectorStreamBytes = 504;
inline constexpr size_t kSegmentHeaderBytes = 40;
inline constexpr size_t kGroupHeaderBytes = 32;
inline constexpr uint32_t kSegmentVersion = 2;
// Offsets are 32 bits on disk.
inline constexpr uint64_t kSegmentBytesMax = uint64_t{1} << 31;

// Bytes of the stream that a file of whole sectors holds.
inline constexpr uint64_t StreamBytes(uint64_t file_bytes) {
  return file_bytes / kSectorBytes * kSectorStreamBytes;
}
// Where in the file the sector of a place in the stream begins.
inline constexpr uint64_t SectorOffset(uint64_t stream_offset) {
  return stream_offset / kSectorStreamBytes * kSectorBytes;
}

// Writing a stream from its front, in the blocks that files like best (base::File::WriteDurably):
// the last one is kept, to be written again with what follows.
class SectorEncoder {
 public:
  // The blocks that the next bytes of the stream are in, for the file at `offset`: their sectors,
  // the last of which is padded with zeros, and behind it sectors of zeros. Good until the next
  // call, which keeps 2 MiB of their memory.
  struct Blocks {
    uint64_t offset = 0;
    std::string_view bytes;
  };
  Blocks Append(std::string_view stream_bytes);

 private:
  static constexpr size_t kBlockBytes = base::File::kBlockBytes;
  static constexpr size_t kBlockStreamBytes = kBlockBytes / kSectorBytes * kSectorStreamBytes;
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  // The kept block at the front of memory for so many.
  void MakeRoom(size_t blocks);

  uint64_t next_block_ = 0;  // the one that is kept
  size_t begun_bytes_ = 0;   // of the stream, in it
  size_t begun_at_ = 0;      // in blocks_
  size_t capacity_ = 0;      // in bytes
  std::unique_ptr<char, Free> blocks_;
};

// A file taken apart.
struct SegmentImage {
  // `file` may end anywhere.
  explicit SegmentImage(std::string file);
  std::string stream;
  // Each sector of the file verifies, or is all zeros. A last one that the file cuts short counts
  // as intact.
  bool IsIntact(uint64_t sector) const;

  std::vector<uint64_t> checksums;  // as found in the file's whole sectors
};

struct SegmentHeader {
  uint32_t version = kSegmentVersion;
  uint32_t shard = 0;
  uint64_t segment = 0;
  bool batch = true;
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

// One group as found in a segment; `body` points into the scanned image.
struct ScannedGroup {
  uint64_t offset = 0;
  uint64_t end = 0;  // of its padding
  LogPosition synced;
  std::string_view body;
};

// What a segment file holds, judged by its own bytes alone. Offsets are those of the stream.
struct SegmentScan {
  std::optional<SegmentHeader> header;
  std::vector<ScannedGroup> groups;  // valid ones, without a gap, from the front
  uint64_t end =
      kSegmentHeaderBytes;  // of the last of them: where the first bad place or the free space is
  // A group header that verifies beyond `end` and says that what is at `end` was durable: damage.
  std::optional<uint64_t> evidence_beyond;
  // Of what is at `end` a sector was damaged after it was written: its offset in the file. Not in
  // segments of mode periodic.
  std::optional<uint64_t> damaged_sector;
};
SegmentScan ScanSegment(const SegmentImage& image, uint64_t segment);

// The records of a verified body. kDataLoss if it is malformed all the same.
template <typename Visit>
absl::Status ForEachRecord(std::string_view body, Visit visit) {
  base::Reader in(body);
  while (in.remaining() > 0) {
    const std::string_view record = in.Bytes();
    if (!in.ok()) return in.status("commit log group");
    visit(record);
  }
  return absl::OkStatus();
}

}  // namespace tholos::storage
