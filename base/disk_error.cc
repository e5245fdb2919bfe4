#include "base/disk_error.h"

namespace tholos::base {
namespace {

constexpr char kPayloadUrl[] = "tholos.DiskError";

}  // namespace

void MarkDiskError(absl::Status* status) { status->SetPayload(kPayloadUrl, absl::Cord()); }

bool IsDiskError(const absl::Status& status) { return status.GetPayload(kPayloadUrl).has_value(); }

}  // namespace tholos::base
