// errno as a status.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace tholos::base {

// "<operation> <path>: <what errno says>", with the code that file_system.h promises.
// EIO is marked (disk_error.h).
absl::Status IoError(std::string_view operation, std::string_view path, int error);

}  // namespace tholos::base
