// Telling the two kinds of kDataLoss apart: bytes that came and are wrong (a checksum), and bytes
// that the disk did not give (EIO), which may be as they were once it is mended. What can be made
// anew may be after the first, never after the second.
#pragma once

#include "absl/status/status.h"

namespace tholos::base {

// `status` is not OK.
void MarkDiskError(absl::Status* status);
// The file door said EIO, and nobody made another status of it. Marks do not cross the wire.
bool IsDiskError(const absl::Status& status);

}  // namespace tholos::base
