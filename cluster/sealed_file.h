// Small files of this module: a magic word, a version and a checksum around a body, written
// atomically.
//
//     magic     8 bytes   which file it is: "THOLNODE", "THOLPEER", "THOLSCHM"
//     version   4 bytes   little-endian
//     body
//     checksum  8 bytes   base::Checksum64 of all before it, seeded with 0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"

namespace tholos::cluster {

struct SealedFile {
  std::string path;
  std::string_view magic;  // 8 bytes, static
  uint32_t version = 1;
  uint64_t bytes_max = 64 << 20;
};

// Afterwards the file has its old or its new body, durably.
base::Task<absl::Status> WriteSealed(base::FileSystem& fs, SealedFile file, std::string body);
// The body; nothing if there is no such file. kDataLoss, naming the file, if it is damaged;
// kFailedPrecondition if another version wrote it.
base::Task<absl::StatusOr<std::optional<std::string>>> ReadSealed(base::FileSystem& fs,
                                                                  SealedFile file);

}  // namespace tholos::cluster
