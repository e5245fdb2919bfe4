#include "base/real/io_error.h"

#include <errno.h>
#include <string.h>

#include <string>

#include "base/disk_error.h"
#include "base/strings.h"

namespace tholos::base {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    case EIO:
      return absl::StatusCode::kDataLoss;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status IoError(std::string_view operation, std::string_view path, int error) {
  char buffer[128];
  const char* text = strerror_r(error, buffer, sizeof(buffer));
  absl::Status status(CodeOf(error), StrCat(operation, " ", path, ": ", text));
  if (error == EIO) MarkDiskError(&status);
  return status;
}

}  // namespace tholos::base
