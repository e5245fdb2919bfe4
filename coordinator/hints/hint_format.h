// The format of hint files. All integers are little-endian.
//
//   <target's uuid>-<sequence: 16 hex digits>.hints
//
//   header, 56 bytes
//     0   8  magic "THLSHINT"
//     8   4  version: 1
//    12   4  zero
//    16  16  target: the node that missed the writes
//    32   8  sequence: the file's number for this target, from 1
//    40   8  created: wall microseconds
//    48   8  checksum of bytes 0 to 47
//   records, one after another
//     0   8  checksum of what follows, up to the end of the record
//     8   4  length of the payload: 8 + the body's
//    12   8  payload: created: wall microseconds of the write
//    20   .  payload: body, as it is sent to the target (write_message.h)
//
// Checksums are XXH3-64. A record's is seeded with the checksum of target, sequence and the
// record's offset, so that a record that was read from the wrong place is found.
//
// Records are synced before anybody is told that they exist. So what does not verify at the end of
// a file is a torn write that nobody counts on. A record that does not verify while the one behind
// it does was corrupted on disk, and is lost alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// Which file: what its name says.
struct HintFileId {
  ring::NodeId target;
  uint64_t sequence = 0;
  friend auto operator<=>(const HintFileId&, const HintFileId&) = default;
};

std::string HintFileName(const HintFileId& id);
// Nothing if it is the name of something else.
std::optional<HintFileId> ParseHintFileName(std::string_view name);

inline constexpr size_t kHintHeaderBytes = 56;
inline constexpr size_t kHintRecordHeaderBytes = 12;
// With a body as large as a message may be.
inline constexpr uint32_t kHintPayloadBytesMax = (64u << 20) + 8;

std::string EncodeHintHeader(const HintFileId& id, int64_t created_micros);
// The moment of creation. kDataLoss if it is torn, corrupt, or another file's; kUnimplemented if it
// is of a later version.
absl::StatusOr<int64_t> DecodeHintHeader(const HintFileId& id, std::string_view bytes);

// Appends a record that will be at `offset` of the file.
void AppendHintRecord(const HintFileId& id, uint64_t offset, int64_t created_micros,
                      std::string_view body, std::string* out);

struct HintRecord {
  int64_t created_micros = 0;
  std::string_view body;  // into the bytes that were given
  size_t size = 0;        // of the whole record
};

// The size of the record that starts with `bytes` (at least kHintRecordHeaderBytes), which may be
// corrupt; nothing if it cannot be a record's.
std::optional<size_t> HintRecordSize(std::string_view bytes);
// The record at `offset`, of which `bytes` are the beginning or more. kDataLoss if it does not
// verify or `bytes` end before it does.
absl::StatusOr<HintRecord> DecodeHintRecord(const HintFileId& id, uint64_t offset,
                                            std::string_view bytes);

}  // namespace tholos::coordinator
